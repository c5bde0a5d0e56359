"""NumPy files as input, memory-mapped."""

import errno
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from actors.data.feature_source import Candidates
from actors.errors import UserError


class ArrayFile(Candidates):
    """A 2-D array in a .npy or .npz file."""

    described = "a NumPy file"

    def __init__(self, path: str, column: str | None = None) -> None:
        """Open a file; `column` names one of several arrays of a .npz.

        Raises:
            UserError: it is no array of (rows, dimensions) numbers.
        """
        self._path, self._column = path, column
        self._array: np.ndarray | None = None
        array = self._mapped()
        if array.dtype.kind not in "fiu":
            raise UserError(
                f"input: {path!r} holds {array.dtype} values; allowed are floats and integers"
            )
        if array.ndim != 2 or 0 in array.shape:
            raise UserError(
                f"input: {path!r} has shape {array.shape}; allowed is (rows, dimensions), none of "
                "them 0"
            )
        self.rows, self.dimension = array.shape

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_array": None}

    @property
    def mapped(self) -> np.ndarray | None:
        array = self._mapped()
        # others are converted block by block
        fitting = array.dtype == np.float32 and array.flags.c_contiguous
        return array.view(np.ndarray) if fitting else None

    def read(self, start: int, stop: int) -> np.ndarray:
        with np.errstate(over="ignore"):  # infinity is found, and named, later
            return self._mapped()[start:stop].astype(np.float32, copy=False)

    def _mapped(self) -> np.ndarray:
        if self._array is None:
            try:
                self._array = _map(self._path, self._column)
            except UserError:
                raise
            except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
                raise UserError(f"input: {self._path!r} cannot be read: {_cause(error)}") from None
        return self._array


def _map(path: str, column: str | None) -> np.ndarray:
    """Return the mapped array of a file; one of a .npz is taken out into a file without a name."""
    if Path(path).suffix.lower() != ".npz":
        if column is not None:
            raise UserError(f"column: found {column!r}, but a .npy file has one array only")
        return np.load(path, mmap_mode="r", allow_pickle=False)
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory("ouroboros-") as folder:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        stems = [name.removesuffix(".npy") for name in names]
        if column is None and len(names) == 1:
            (column,) = stems
        if column not in stems:
            said = "no array is named" if column is None else f"no array {column!r}"
            raise UserError(f"column: {said} in {path!r}; allowed are {', '.join(stems) or 'none'}")
        return np.load(archive.extract(f"{column}.npy", folder), mmap_mode="r", allow_pickle=False)


def _cause(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        folder = tempfile.gettempdir()
        return f"{folder} has no room for its array; name a folder with more room in TMPDIR"
    if "allow_pickle" in str(error) or "Python objects" in str(error):
        return "it holds pickled objects, which are never loaded; allowed are floats and integers"
    return " ".join(str(error).split())[:200] or type(error).__name__
