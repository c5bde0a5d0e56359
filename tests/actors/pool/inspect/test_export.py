import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from actors.pool.inspect import export
from actors.pool.storage import Storage
from tests.actors.pool.inspect.stores import Written


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    """Return a store whose rows are written in blocks of three."""
    monkeypatch.setattr(export, "BLOCK_ROWS", 3)
    store = Written(Storage(str(tmp_path / "store")))
    store.sample("real", 0, 10, labels=True)
    store.sample("ddpm", 1, 7)
    store.sample("edm", 2, 5, labels=True, shape=(4, 4, 3))
    return store


def loaded(kind: str, target: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load an export with `datasets`, offline."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    where = {"data_files": str(target)} if kind == "parquet" else {"data_dir": str(target)}
    return datasets.load_dataset(kind, split="train", cache_dir=str(cache), **where)


@pytest.mark.parametrize("kind", ["parquet", "imagefolder"])
def test_a_training_set_loads_with_datasets_by_rank_and_to_the_pixel(
    kind: str, store: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, ddpm, _ = store.pixels
    positions = np.array([13, 2, 16, 9, 10, 0, 3])
    select = store.finished(store.select([real, ddpm], positions))
    target = tmp_path / ("out.parquet" if kind == "parquet" else "out")
    write = export.write_parquet if kind == "parquet" else export.write_folder
    write(store.storage, export.of_selection(store.storage, select), target)
    data = loaded(kind, target, tmp_path / "cache", monkeypatch)
    assert type(data.features["image"]).__name__ == "Image"
    assert {*data.column_names} == {"image", *export.COLUMNS}
    ids = np.array([*store.ids(real), *store.ids(ddpm)])[positions].tolist()
    rows = {row["sample_id"]: row for row in data}
    if kind == "parquet":
        assert data["sample_id"][:] == ids
    assert {*rows} == {*ids}
    images = np.concatenate([store.pixels[real], store.pixels[ddpm]])
    for position, sample_id in zip(positions, ids, strict=True):
        row = rows[sample_id]
        assert np.array_equal(np.asarray(row["image"])[:, :, None], images[position])
        is_real = position < 10
        assert row["label"] == (position if is_real else None)
        assert (row["source"], row["iteration"]) == (("real", 0) if is_real else ("ddpm", 1))
        assert row["seed"] == (0 if is_real else 1)


@pytest.mark.parametrize("kind", ["parquet", "imagefolder"])
def test_rows_of_a_source_keep_their_own_shape_and_channels(
    kind: str, store: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = [*store.pixels][2]
    store.sample("edm", 1, 6)
    contents = store.contents()
    target = tmp_path / ("out.parquet" if kind == "parquet" else "out")
    write = export.write_parquet if kind == "parquet" else export.write_folder
    every = export.of_source(contents, "edm", None)
    assert sum(len(one.positions) for one in every) == 11
    assert export.of_source(contents, "edm", 3) == []
    write(store.storage, export.of_source(contents, "edm", 2), target)
    data = loaded(kind, target, tmp_path / "cache", monkeypatch)
    rows = {row["sample_id"]: np.asarray(row["image"]) for row in data}
    for sample_id, pixels in zip(store.ids(path), store.pixels[path], strict=True):
        assert np.array_equal(rows[sample_id], pixels)


def test_a_folder_has_a_picture_per_row_and_says_all_in_metadata_csv(
    store: Written, tmp_path: Path
) -> None:
    export.write_folder(
        store.storage, export.of_source(store.contents(), "ddpm", None), tmp_path / "out"
    )
    with (tmp_path / "out" / "metadata.csv").open() as file:
        rows = list(csv.DictReader(file))
    path = [*store.pixels][1]
    assert [row["sample_id"] for row in rows] == store.ids(path)
    for row, pixels in zip(rows, store.pixels[path], strict=True):
        with Image.open(tmp_path / "out" / row["file_name"]) as picture:
            assert np.array_equal(np.asarray(picture), pixels[:, :, 0])
