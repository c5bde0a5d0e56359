"""NumPy files as input: .npy memory-mapped, .npz read in ranges."""

import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from actors.data.inputs import row_numbers
from actors.distances.space import GIVEN
from actors.errors import UserError


class ArrayFile:
    """A 2-D array in a .npy or .npz file."""

    skipped: tuple[str, ...] = ()
    space = GIVEN
    notes: tuple[str, ...] = ()

    def __init__(self, path: str, column: str | None = None) -> None:
        """Open a file; `column` names one of several arrays of a .npz.

        Raises:
            UserError: it is no array of (rows, dimensions) numbers.
        """
        self._path = path
        self._member: str | None = None
        self._open: Any = None
        try:
            if Path(path).suffix.lower() == ".npz":
                self._member = _member(path, column)
                with zipfile.ZipFile(path) as archive, archive.open(self._member) as file:
                    shape, self._fortran, self._dtype = _header(file)
                    self._offset = file.tell()
            elif column is not None:
                raise UserError(f"column: found {column!r}, but a .npy file has one array only")
            else:
                mapped = np.load(path, mmap_mode="r", allow_pickle=False)
                shape, self._dtype = mapped.shape, mapped.dtype
        except UserError:
            raise
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(f"input: {path!r} cannot be read: {_cause(error)}") from None
        if self._dtype.kind not in "fiu":
            raise UserError(
                f"input: {path!r} holds {self._dtype} values; allowed are floats and integers"
            )
        if len(shape) != 2 or 0 in shape:
            raise UserError(
                f"input: {path!r} has shape {shape}; allowed is (rows, dimensions), none of them 0"
            )
        self.rows, self.dimension = shape

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": None}

    def read(self, start: int, stop: int) -> np.ndarray:
        try:
            with np.errstate(over="ignore"):  # infinity is found, and named, later
                return self._values(start, stop).astype(np.float32)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(f"input: {self._path!r} cannot be read: {_cause(error)}") from None

    def _values(self, start: int, stop: int) -> np.ndarray:
        if self._member is None or self._fortran:
            if self._open is None:
                loaded = np.load(self._path, mmap_mode="r", allow_pickle=False)
                self._open = loaded if self._member is None else loaded[_stem(self._member)]
            return self._open[start:stop]
        if self._open is None:
            # kept open: a compressed member can be read on, but going back starts from its top
            self._open = zipfile.ZipFile(self._path).open(self._member)  # noqa: SIM115
        row_bytes = self.dimension * self._dtype.itemsize
        self._open.seek(self._offset + start * row_bytes)
        content = self._open.read((stop - start) * row_bytes)
        return np.frombuffer(content, self._dtype).reshape(stop - start, self.dimension)

    def ids(self) -> pa.Array:
        return row_numbers(self.rows)

    def origins(self) -> None:
        return None

    def numbers(self, column: str) -> np.ndarray:
        raise UserError(
            f"selection: this method needs the column {column!r}, which a NumPy file does not "
            "have; give a Parquet or Arrow file"
        )


def _member(path: str, column: str | None) -> str:
    """Return the file inside a .npz that holds the array."""
    with zipfile.ZipFile(path) as archive:
        names = [_stem(name) for name in archive.namelist() if name.endswith(".npy")]
    if column is None and len(names) == 1:
        return f"{names[0]}.npy"
    if column not in names:
        said = "no array is named" if column is None else f"no array {column!r}"
        raise UserError(f"column: {said} in {path!r}; allowed are {', '.join(names) or 'none'}")
    return f"{column}.npy"


def _stem(member: str) -> str:
    return member.removesuffix(".npy")


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return shape, order and type of a .npy stream, and leave it where the values begin."""
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"version {version} of the .npy format")
    return read(file)


def _cause(error: Exception) -> str:
    if "allow_pickle" in str(error) or "Python objects" in str(error):
        return "it holds pickled objects, which are never loaded; allowed are floats and integers"
    return " ".join(str(error).split())[:200] or type(error).__name__
