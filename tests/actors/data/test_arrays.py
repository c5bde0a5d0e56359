import errno
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.data.arrays import ArrayFile
from actors.errors import UserError
from tests.actors.data.inputs import features


def saved(file: Path, values: np.ndarray, **others: np.ndarray) -> str:
    if file.suffix == ".npy":
        np.save(file, values)
    else:
        save: Any = np.savez_compressed if file.stem == "packed" else np.savez
        save(file, x=values, **others)
    return str(file)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "packed.npz"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_any_range_of_rows_is_read_as_float32_and_again_after_pickling(
    name: str, dtype: str, order: str, tmp_path: Path
) -> None:
    values = np.asarray(features(20) * 9, dtype=dtype, order=order)  # type: ignore[call-overload]
    source = ArrayFile(saved(tmp_path / name, values))
    assert (source.rows, source.dimension) == (20, 3)
    for one in (source, pickle.loads(pickle.dumps(source))):
        for start, stop in ((0, 5), (5, 9), (3, 20), (0, 20)):
            block = one.read(start, stop)
            assert block.dtype == np.float32
            np.testing.assert_array_equal(block, values[start:stop].astype(np.float32))
    assert len(pickle.dumps(source)) < 1000
    assert source.ids().to_pylist()[-1] == "19"


def test_one_array_of_several_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", features(), y=features(8, 2))
    assert ArrayFile(path, "y").rows == 8
    for column in (None, "z"):
        with pytest.raises(UserError, match=r"column: no array .* allowed are x, y"):
            ArrayFile(path, column)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(5, np.float32), r"shape \(5,\); allowed is \(rows, dimensions\)"),
        (np.zeros((2, 3, 4), np.float32), r"shape \(2, 3, 4\)"),
        (np.zeros((0, 4), np.float32), r"shape \(0, 4\)"),
        (np.zeros((4, 0), np.float32), r"shape \(4, 0\)"),
        (np.zeros((2, 2), complex), "holds complex128 values; allowed are floats and integers"),
        (np.array([["a", "b"]]), "holds <U1 values"),
    ],
)
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_what_is_no_matrix_of_numbers_is_refused(
    values: np.ndarray, message: str, name: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        ArrayFile(saved(tmp_path / name, values))


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", np.array([[{}, {}]], object))
    with pytest.raises(UserError, match="it holds pickled objects, which are never loaded"):
        ArrayFile(path)


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
@pytest.mark.parametrize(
    "spoil", [lambda b: b"", lambda b: b"no array", lambda b: b[: len(b) // 2]]
)
def test_a_broken_file_is_named(name: str, spoil: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = Path(saved(tmp_path / name, features()))
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(UserError, match=f"input: '.*{name}' cannot be read"):
        ArrayFile(str(path)).read(0, 40)


def test_an_array_is_taken_out_of_a_npz_into_a_file_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "a.npz", features())
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source = ArrayFile(path)
    assert os.listdir(tmp_path) == ["a.npz"]
    np.testing.assert_array_equal(source.read(0, 40), features())

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extract", full)
    with pytest.raises(UserError, match=f"{tmp_path} has no room .*; name a folder .* in TMPDIR"):
        ArrayFile(path)
