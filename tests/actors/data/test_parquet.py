from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from actors.data.parquet import Parquet
from actors.pool.schema import tensor_array
from tests.actors.data.image_files import encoded, noise

IMAGES = [noise(i, 5, 4) for i in range(12)]
FEW = {"rows": 2, "reference_rows": 2}


def open_parquet(path: Path, **fields: Any) -> Parquet:
    return Parquet.model_validate({"path": str(path), **FEW, **fields})


def written_by_datasets(path: Path) -> None:
    import datasets

    features = datasets.Features(
        {
            "id": datasets.Value("string"),
            "img": datasets.Image(),
            "kind": datasets.ClassLabel(names=["cat", "dog", "owl", "yak"]),
        }
    )
    rows = {
        "id": [str(i) for i in range(12)],
        "img": [{"bytes": encoded(image), "path": None} for image in IMAGES],
        "kind": [i % 3 for i in range(12)],
    }
    datasets.Dataset.from_dict(rows, features=features).to_parquet(path, batch_size=5)


def test_what_datasets_writes_is_read_and_its_columns_are_found(tmp_path: Path) -> None:
    written_by_datasets(tmp_path / "a.parquet")
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups > 1
    dataset = open_parquet(tmp_path / "a.parquet")
    images, labels = dataset.read(np.array([11, 0, 6, 5]))
    assert np.array_equal(images, [IMAGES[i] for i in (11, 0, 6, 5)])
    assert labels is not None
    assert labels.tolist() == [2, 0, 0, 2]
    # four are named, of which three occur
    assert (dataset.image_shape, dataset.classes, dataset.info.rows) == ((5, 4, 3), 4, 12)


@pytest.mark.parametrize("channels", [1, 3])
def test_tensors_and_bytes_are_read_like_encoded_images(tmp_path: Path, channels: int) -> None:
    images = np.stack([noise(i, 5, 4, channels) for i in range(12)])
    tensors = images if channels == 3 else images[..., None]
    for name, column in (
        ("tensor", tensor_array(tensors)),
        ("bytes", pa.array([encoded(image) for image in images])),
        ("large", pa.array([encoded(image) for image in images], pa.large_binary())),
    ):
        table = pa.table({"image": column, "label": list("abcabcabcabc")})
        pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=5)
        dataset = open_parquet(tmp_path / f"{name}.parquet", label_column="label")
        found, labels = dataset.read(np.array([8, 1]))
        assert np.array_equal(found, tensors[[8, 1]])
        assert labels is not None
        assert labels.tolist() == [2, 1]
        assert dataset.classes == 3


def test_a_folder_and_a_pattern_read_their_files_in_order_of_name(tmp_path: Path) -> None:
    for name, rows in (("train-1", (4, 5, 6)), ("train-0", (0, 1, 2, 3)), ("test-0", (9,))):
        table = pa.table({"image": [encoded(IMAGES[row]) for row in rows]})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    train = open_parquet(tmp_path / "train-*.parquet")
    assert np.array_equal(train.read(np.arange(7))[0], IMAGES[:7])
    everything = open_parquet(tmp_path)
    assert np.array_equal(everything.read(np.array([0, 1]))[0], [IMAGES[9], IMAGES[0]])
    assert everything.info.digest != train.info.digest


def test_the_digest_follows_the_files(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"image": [encoded(image) for image in IMAGES]}), path)
    before = open_parquet(path).open().digest
    pq.write_table(pa.table({"image": [encoded(image) for image in IMAGES[::-1]]}), path)
    assert open_parquet(path).open().digest != before


@pytest.mark.parametrize(
    ("columns", "fields", "message"),
    [
        ({"x": [1, 2, 3, 4]}, {}, r"image_column: no column holds images; allowed are encoded"),
        ({"a": [b"x"], "b": [b"y"]}, {}, r"image_column: several could be meant, 'a', 'b'; name"),
        ({"a": [b"x"]}, {"image_column": "b"}, r"image_column 'b' is not there; allowed are 'a'"),
        ({"a": ["x"]}, {"image_column": "a"}, r"image_column 'a' is of type string; allowed are"),
        ({"a": [b"x"]}, {}, r"row 0: it cannot be decoded: its content is no image"),
        ({"a": [None, b"x"]}, {}, r"row 0 has no image"),
        ({"a": [{"bytes": None, "path": "/etc/hostname"}]}, {}, r"no column holds images"),
        ({"a": pa.array([], pa.binary())}, {}, r"the table has no rows"),
        ({"a": [b"x"], "y": [0.5]}, {"label_column": "y"}, r"label_column 'y' is of type double"),
        ({"a": [b"x"], "y": [-1]}, {"label_column": "y"}, r"label_column 'y' is -1 in row 0"),
        (
            {"a": [b"x", b"y"], "y": [1, None]},
            {"label_column": "y"},
            r"'y' has nothing in row 1; allowed is a label",
        ),
    ],
)
def test_columns_that_do_not_do_are_refused_by_name(
    tmp_path: Path, columns: Any, fields: Any, message: str
) -> None:
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(ValidationError, match=message):
        open_parquet(tmp_path / "a.parquet", **fields)


def test_a_path_in_a_table_of_unknown_origin_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(IMAGES[0]))
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    column = pa.array([{"bytes": None, "path": str(tmp_path / "a.png")}] * 4, kind)
    pq.write_table(pa.table({"a": column}), tmp_path / "a.parquet")
    with pytest.raises(ValidationError, match=r"row 0 has no image"):
        open_parquet(tmp_path / "a.parquet")


def test_a_file_that_is_no_parquet_or_differs_from_the_others_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"no\.parquet' is not there; allowed is a Parquet"):
        open_parquet(tmp_path / "no.parquet")
    (tmp_path / "a.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(ValidationError, match=r"a\.parquet' cannot be read as Parquet: "):
        open_parquet(tmp_path)
    pq.write_table(pa.table({"image": [encoded(IMAGES[0])]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"other": [encoded(IMAGES[0])]}), tmp_path / "b.parquet")
    with pytest.raises(
        ValidationError, match=r"no such column in '.*b\.parquet', but binary in '.*a\."
    ):
        open_parquet(tmp_path)


def test_rows_that_differ_in_size_are_named(tmp_path: Path) -> None:
    images = [encoded(noise(0, 5, 4 + (i == 7))) for i in range(12)]
    pq.write_table(pa.table({"image": images}), tmp_path / "a.parquet", row_group_size=5)
    with pytest.raises(ValidationError, match=r"row 0 is 4x5, row 7 is 5x5; set dataset\.resize"):
        open_parquet(tmp_path / "a.parquet")
    assert open_parquet(tmp_path / "a.parquet", resize=4).image_shape == (4, 4, 3)


def test_a_repeated_column_name_is_refused(tmp_path: Path) -> None:
    images = [encoded(image) for image in IMAGES]
    pq.write_table(pa.table([images, images], names=["image", "image"]), tmp_path / "a.parquet")
    with pytest.raises(
        ValidationError, match=r"a\.parquet' has 2 columns 'image'; allowed are nam"
    ):
        open_parquet(tmp_path / "a.parquet", image_column="image")
