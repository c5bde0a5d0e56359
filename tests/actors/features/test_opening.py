from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.data.arrays import ArrayFile
from actors.data.embeddings import TableFiles
from actors.data.feature_source import Candidates
from actors.errors import UserError
from actors.features.images import Images
from actors.features.opening import open_input
from actors.features.pixels import Pixels
from tests.actors.data.inputs import features, images, parquet


def opened(path: Path, **options: Any) -> Candidates:
    return open_input(str(path), Pixels(), **options)


def test_the_kind_of_an_input_follows_from_its_name_and_content(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", features())
    assert isinstance(opened(tmp_path / "a.npy"), ArrayFile)
    (tmp_path / "tables" / "deep").mkdir(parents=True)
    parquet(tmp_path / "tables" / "deep" / "a.parquet", features())
    parquet(tmp_path / "tables" / "b.PARQUET", features())
    tables = opened(tmp_path / "tables")
    assert isinstance(tables, TableFiles)
    assert tables.rows == 80
    images(tmp_path / "tables")
    assert isinstance(opened(tmp_path / "tables"), Images)
    assert isinstance(opened(tmp_path / "tables", column="embedding"), TableFiles)


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    images(tmp_path)
    (tmp_path / "a" / "._0.png").write_text("what macOS leaves")
    images(tmp_path / ".cache")
    assert opened(tmp_path).rows == 6


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "input: '.*missing' is not there; allowed is a folder of images, or .parquet"),
        ("a.csv", "input: '.*a.csv' has suffix '.csv'; allowed is"),
        ("empty", "input: no images and no tables in folder '.*empty'; allowed is"),
    ],
)
def test_what_is_no_input_is_refused(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=message):
        opened(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("images", "column", "x"),
        ("images", "id_column", "x"),
        ("a.parquet", "image_size", 4),
        ("a.parquet", "skip_bad", True),
        ("a.npy", "source_column", "x"),
    ],
)
def test_an_option_that_does_not_go_with_the_input_is_refused(
    name: str, option: str, value: object, tmp_path: Path
) -> None:
    images(tmp_path / "images")
    parquet(tmp_path / "a.parquet", features())
    np.save(tmp_path / "a.npy", features())
    with pytest.raises(UserError, match=f"{option}: found {value!r}, but the input is a"):
        opened(tmp_path / name, **{option: value})


def test_only_tables_have_qualities(tmp_path: Path) -> None:
    images(tmp_path / "images")
    np.save(tmp_path / "a.npy", features())
    for name in ("images", "a.npy"):
        with pytest.raises(UserError, match=r"needs the column 'score', which a .* does not have"):
            opened(tmp_path / name).numbers("score")
