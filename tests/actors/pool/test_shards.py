from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.pool import schema, shards
from actors.pool.storage import Storage
from tests.limits import read_within


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
    assert record.rows == 5
    assert back["sample_id"].to_pylist() == [f"{'k' * 12}-{i:08d}" for i in range(10, 15)]
    assert set(back["source"].to_pylist()) == {"ddpm"}
    assert back["label"].null_count == 5


@pytest.mark.parametrize("first", [0, 99_999_998])
def test_ids_are_the_steps_key_and_the_number_of_the_row(first: int) -> None:
    ids = schema.sample_ids("0123456789abcdef", first, 4)
    assert ids.to_pylist() == [f"0123456789ab-{row:08d}" for row in range(first, first + 4)]


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
def test_some_columns_are_read_alone_and_nothing_stays_mapped(tmp_path: Path) -> None:
    storage, table = Storage(str(tmp_path)), make_rows(5)
    shards.write_table(storage, "s.arrow", table)
    columns = ["label", "source", "sample_id"]
    read = shards.read_columns(storage, "s.arrow", columns)
    assert read.equals(table.select(columns))
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()


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
    mapped=st.integers(1, 6),
    data=st.data(),
)
def test_gather_equals_indexing_the_concatenation_however_few_shards_stay_mapped(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], mapped: int, data: st.DataObject
) -> None:
    storage = Storage(str(tmp_path_factory.mktemp("pool")))
    tables = [make_rows(n, seed=i) for i, n in enumerate(sizes)]
    paths = [f"{i}.arrow" for i in range(len(sizes))]
    for path, table in zip(paths, tables, strict=True):
        shards.write_table(storage, path, table)
    with patch.object(shards, "MAPPED_SHARDS", mapped):
        gather = shards.Gather(storage, paths, "image")
    everything = np.concatenate([shards.tensor(table, "image") for table in tables])
    positions = np.array(data.draw(st.lists(st.integers(0, sum(sizes) - 1), max_size=20)), int)
    assert len(gather) == sum(sizes)
    assert np.array_equal(gather[positions], everything[positions])
    assert np.array_equal(gather.all(), everything)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
def test_no_more_shards_stay_mapped_than_the_kernel_has_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "MAPPED_SHARDS", 3)
    storage = Storage(str(tmp_path))
    paths = [f"{i}.arrow" for i in range(9)]
    for path in paths:
        shards.write_table(storage, path, make_rows(4))
    gather = shards.Gather(storage, paths, "image")
    gather[np.arange(36)]
    assert Path("/proc/self/maps").read_text().count(str(tmp_path)) == 3


@pytest.mark.parametrize(
    ("rows", "shape", "expected"),
    [
        (500, (8, 8, 1), 1024),
        (65_536, (32, 32, 3), 1024),
        (1_000_000, (32, 32, 3), 7_813),
        (10_000_000, (8, 8, 1), 65_536),
        (10_000_000, (32, 32, 3), (64 << 20) // 3072),
        (1_000, (256, 256, 3), (64 << 20) // (256 * 256 * 3)),
        (10, (8192, 8192, 3), 1),
    ],
)
def test_shards_have_a_128th_of_the_rows_unless_that_is_little_or_much(
    rows: int, shape: tuple[int, ...], expected: int
) -> None:
    assert shards.default_rows(rows, shape) == expected


@pytest.mark.parametrize("position", [-1, 7])
def test_gather_takes_positions_of_rows_only(tmp_path: Path, position: int) -> None:
    storage = Storage(str(tmp_path))
    for first, rows in ((0, 3), (3, 4)):
        shards.write_table(storage, f"{first}-{rows}.arrow", make_rows(rows, first))
    gather = shards.Gather(storage, storage.files(""), "image")
    assert len(gather) == 7
    assert gather[np.array([], np.uint64)].shape == (0, 4, 4, 1)
    with pytest.raises(IndexError, match="of 7"):
        gather[np.array([0, position])]


def test_gathered_rows_outlive_the_gather_and_can_be_written(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    features = np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)
    shards.write_table(storage, "f.arrow", shards.feature_table(features))
    rows = shards.Gather(storage, ["f.arrow"], "features")[np.arange(9)[::-1]]
    (tmp_path / "f.arrow").unlink()
    rows += 1
    assert rows.dtype == np.float32
    assert np.array_equal(rows, features[::-1] + 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_pool_five_times_larger_than_memory_is_scanned_and_gathered(tmp_path: Path) -> None:
    limit, rows, number = 64 << 20, 1 << 14, 10
    storage = Storage(str(tmp_path))
    rng = np.random.default_rng(0)
    sums = []
    for i in range(number):
        images = rng.integers(0, 256, (rows, 32, 64, 1), np.uint8)
        table = pa.table({"image": schema.tensor_array(images)})
        shards.write_table(storage, shards.shard_path("pool", i * rows), table)
        sums.append(images.sum(axis=(1, 2, 3), dtype=np.int64))
    by_row = np.concatenate(sums)
    total, some, read, taken, fits = read_within(tmp_path, limit)
    rng = np.random.default_rng(0)
    batches = [rng.integers(0, rows * number, 128) for _ in range(50)]
    assert (total, read) == (by_row.sum(), rows * number)
    assert some == sum(by_row[batch].sum() for batch in batches)
    assert rows * number * 2048 == 5 * limit
    assert taken < limit
    assert not fits  # the limit holds


@given(rows=st.integers(1, 5000), shard_rows=st.integers(1, 999))
def test_ranges_cover_every_row_once_in_order(rows: int, shard_rows: int) -> None:
    covered = [i for start, stop in shards.ranges(rows, shard_rows) for i in range(start, stop)]
    assert covered == list(range(rows))
