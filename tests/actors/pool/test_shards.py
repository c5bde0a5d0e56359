from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.pool import schema, shards
from actors.pool.storage import Storage


def make_rows(n: int, first: int = 0, seed: int = 0) -> pa.Table:
    images = np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 1), dtype=np.uint8)
    return schema.rows(
        images, step_key="k" * 32, first=first, source="ddpm", iteration=2, seed=seed
    )


def test_a_shard_read_back_has_the_rows_written_with_their_provenance(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    table = make_rows(5, first=10)
    record = shards.write_table(storage, "s.arrow", table)
    back = shards.read_table(storage, "s.arrow")
    assert back.equals(table)
    assert record["rows"] == 5
    assert back["sample_id"].to_pylist() == [f"{'k' * 12}-{i:08d}" for i in range(10, 15)]
    assert set(back["source"].to_pylist()) == {"ddpm"}
    assert back["label"].null_count == 5


def test_images_are_a_read_only_view_of_the_mapped_file(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    shards.write_table(storage, "s.arrow", make_rows(1000))
    before = pa.total_allocated_bytes()
    images = shards.tensor(shards.read_table(storage, "s.arrow"), "image")
    assert images.shape == (1000, 4, 4, 1)
    assert not images.flags.writeable
    assert pa.total_allocated_bytes() - before < images.nbytes


@pytest.mark.parametrize("shape", [(3, 2, 4, 1), (3, 2, 1, 3), (3, 1, 1, 1), (2, 5)])
def test_a_tensor_column_keeps_row_major_order_whatever_the_strides(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    values = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    strided = np.ascontiguousarray(values.transpose()).transpose()
    storage = Storage(str(tmp_path))
    shards.write_table(storage, "s", pa.table({"x": schema.tensor_array(strided)}))
    assert np.array_equal(shards.tensor(shards.read_table(storage, "s"), "x"), values)


@given(
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=5),
    data=st.data(),
)
def test_gather_equals_indexing_the_concatenation(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], data: st.DataObject
) -> None:
    storage = Storage(str(tmp_path_factory.mktemp("pool")))
    tables = [make_rows(n, seed=i) for i, n in enumerate(sizes)]
    paths = [f"{i}.arrow" for i in range(len(sizes))]
    for path, table in zip(paths, tables, strict=True):
        shards.write_table(storage, path, table)
    gather = shards.Gather(storage, paths, "image")
    everything = np.concatenate([shards.tensor(table, "image") for table in tables])
    positions = np.array(data.draw(st.lists(st.integers(0, sum(sizes) - 1), max_size=20)), int)
    assert len(gather) == sum(sizes)
    assert np.array_equal(gather[positions], everything[positions])
    assert np.array_equal(gather.all(), everything)


@given(rows=st.integers(1, 5000), shard_rows=st.integers(1, 999))
def test_ranges_cover_every_row_once_in_order(rows: int, shard_rows: int) -> None:
    covered = [i for start, stop in shards.ranges(rows, shard_rows) for i in range(start, stop)]
    assert covered == list(range(rows))
