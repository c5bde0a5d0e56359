"""Embeddings in a column of Parquet and Arrow IPC files, read batch by batch."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actors.data.columns import is_image
from actors.data.feature_source import SHOWN, block_rows, name_rows
from actors.data.formats import count_rows, read_arrays, read_column, read_schema
from actors.data.inputs import row_numbers
from actors.distances.space import GIVEN
from actors.errors import UserError

ID_COLUMNS = ("sample_id", "id")
SOURCE_COLUMN = "source"


class TableFiles:
    """An embedding column of Parquet or Arrow files, row after row through the files in order."""

    skipped: tuple[str, ...] = ()
    space = GIVEN

    def __init__(
        self,
        paths: Sequence[str],
        column: str | None = None,
        id_column: str | None = None,
        source_column: str | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Open files; columns that are not named are looked for.

        Raises:
            UserError: a file cannot be read, has other columns or no rows.
        """
        self.notes = notes
        self._paths = tuple(paths)
        self._schema = schema = read_schema(paths[0])
        self._column = self._embedding(column)
        known = [name for name in ID_COLUMNS if name in schema.names]
        self._ids = self._named("id_column", id_column) or next(iter(known), None)
        self._source = self._named("source_column", source_column)
        if source_column is None and SOURCE_COLUMN in schema.names:
            self._source = SOURCE_COLUMN
        self._check_schemas()
        self._ends = np.cumsum([count_rows(path, self._column) for path in paths])
        self.rows = int(self._ends[-1])
        if not self.rows:
            raise UserError(f"input: {self._shown()} has no rows; allowed is at least one")
        self._going: tuple[int, pa.Array | None, Iterator[pa.Array]] | None = None
        self.dimension = self._dimension()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_going": None}

    def read(self, start: int, stop: int) -> np.ndarray:
        out = np.empty((stop - start, self.dimension), np.float32)
        filled = 0
        for array in self._arrays(start, stop):
            here = slice(filled, filled + len(array))
            out[here] = vectors(array, self.dimension, start + filled, self._column)
            filled += len(array)
        return out

    def _arrays(self, start: int, stop: int) -> Iterator[pa.Array]:
        """Yield the column from row start to stop; going on where the last call ended is cheap."""
        position, rest, coming = start, None, self._stream(start)
        if self._going is not None and self._going[0] == start:
            position, rest, coming = self._going
        while position < stop:
            array = next(coming) if rest is None else rest
            part = array.slice(0, stop - position)
            rest = array.slice(len(part)) if len(part) < len(array) else None
            position += len(part)
            yield part
        self._going = (position, rest, coming)

    def _stream(self, start: int) -> Iterator[pa.Array]:
        """Yield arrays of the embedding column from row `start` on."""
        file = int(np.searchsorted(self._ends, start, side="right"))
        skip = start - int(self._ends[file - 1] if file else 0)
        batch_rows = block_rows(getattr(self, "dimension", 1))
        for path in self._paths[file:]:
            yield from read_arrays(path, self._column, skip, batch_rows)
            skip = 0

    def _dimension(self) -> int:
        known = vector_length(self._schema.field(self._column).type)
        if known is None:
            (first,) = self._arrays(0, 1)
            if first.null_count:
                raise UserError(f"{self._column}: {name_rows([0], 1, 'is')} null")
            known = len(first[0].as_py())
        if not known:
            raise UserError(f"{self._column}: found vectors of 0 numbers; allowed is at least 1")
        return known

    def ids(self) -> pa.Array:
        return row_numbers(self.rows) if self._ids is None else self._strings(self._ids)

    def origins(self) -> pa.Array | None:
        return None if self._source is None else self._strings(self._source)

    def numbers(self, column: str) -> np.ndarray:
        self._named("selection", column)
        kind = self._schema.field(column).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise UserError(f"selection: column {column!r} holds {kind}; allowed are numbers")
        values = self._whole(column).cast(pa.float64()).to_numpy(zero_copy_only=False)
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise UserError(
                f"selection: in column {column!r}, {name_rows(bad[:6].tolist(), len(bad))} null, "
                "NaN or infinity"
            )
        return values

    def _strings(self, column: str) -> pa.Array:
        try:
            return self._whole(column).cast(pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            kind = self._schema.field(column).type
            raise UserError(
                f"input: column {column!r} holds {kind}; allowed are strings and integers"
            ) from None

    def _whole(self, column: str) -> pa.Array:
        parts = [read_column(path, column) for path in self._paths]
        chunks = [chunk for part in parts for chunk in part.chunks]
        return pa.concat_arrays([_plain(chunk) for chunk in chunks])

    def _named(self, option: str, column: str | None) -> str | None:
        if column is not None and column not in self._schema.names:
            raise UserError(
                f"{option}: no column {column!r} in {self._paths[0]!r}; "
                f"there are {', '.join(self._schema.names) or 'none'}"
            )
        return column

    def _embedding(self, column: str | None) -> str:
        if self._named("column", column) is not None and column is not None:
            kind = self._schema.field(column).type
            if not is_vector(kind, integers=True):
                raise UserError(
                    f"column: {column!r} holds {kind}; allowed are lists and tensors of numbers"
                )
            return column
        found = [field.name for field in self._schema if is_vector(field.type)]
        if len(found) != 1:
            said = f"columns {', '.join(found)} hold vectors" if found else "no column of vectors"
            if any(is_image(field.type) for field in self._schema):
                said += " (images are read from folders)"
            raise UserError(
                f"column: {said} in {self._paths[0]!r}; name one of "
                f"{', '.join(found or self._schema.names)}"
            )
        return found[0]

    def _check_schemas(self) -> None:
        needed = [name for name in (self._column, self._ids, self._source) if name]
        for path in self._paths[1:]:
            schema = read_schema(path)
            for name in needed:
                if name not in schema.names or schema.field(name).type != self._type(name):
                    found = schema.field(name).type if name in schema.names else "no such column"
                    raise UserError(
                        f"input: column {name!r} is {found} in {path!r}, but {self._type(name)} "
                        f"in {self._paths[0]!r}; allowed is one type"
                    )

    def _type(self, column: str) -> pa.DataType:
        return self._schema.field(column).type

    def _shown(self) -> str:
        return repr(self._paths[0] if len(self._paths) == 1 else str(Path(self._paths[0]).parent))


def _plain(chunk: pa.Array) -> pa.Array:
    return chunk.dictionary_decode() if pa.types.is_dictionary(chunk.type) else chunk


def is_vector(kind: pa.DataType, *, integers: bool = False) -> bool:
    """Whether the values of a column are vectors of floats, or of integers where those may be."""
    if not (isinstance(kind, pa.FixedShapeTensorType) or _is_list(kind)):
        return False
    value = kind.value_type
    return pa.types.is_floating(value) or (integers and pa.types.is_integer(value))


def _is_list(kind: pa.DataType) -> bool:
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(check(kind) for check in lists)


def vector_length(kind: pa.DataType) -> int | None:
    """Return how many numbers every vector has, or None where the type does not say."""
    if isinstance(kind, pa.FixedShapeTensorType):
        return math.prod(kind.shape)
    return kind.list_size if pa.types.is_fixed_size_list(kind) else None


def vectors(array: pa.Array, dimension: int, first: int, column: str) -> np.ndarray:
    """Return an array of vectors as (n, dimension) float32.

    Args:
        first: row number of the first one, for messages.
        column: its name, for messages.

    Raises:
        UserError: vectors are null, hold nulls, or have another length.
    """
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if array.null_count:
        _refuse(array.is_null(), first, column, "are null; allowed are vectors of numbers")
    if not pa.types.is_fixed_size_list(array.type):
        lengths = pc.list_value_length(array)
        wrong = pc.not_equal(lengths, dimension)
        if pc.any(wrong).as_py():
            place = int(np.argmax(wrong.to_numpy(zero_copy_only=False)))
            found = f"found {lengths[place].as_py()} numbers"
            _refuse(wrong, first, column, f"do not have {dimension} numbers as row 0 has; {found}")
    values = array.flatten()
    if values.null_count:
        gaps = values.is_null().to_numpy(zero_copy_only=False).reshape(-1, dimension).any(axis=1)
        _refuse(pa.array(gaps), first, column, "hold null; allowed are numbers")
    with np.errstate(over="ignore"):  # infinity is found, and named, later
        return values.to_numpy(zero_copy_only=False).astype(np.float32).reshape(-1, dimension)


def _refuse(wrong: pa.Array, first: int, column: str, said: str) -> None:
    places = np.flatnonzero(wrong.to_numpy(zero_copy_only=False)) + first
    named = name_rows(places[: SHOWN + 1].tolist(), len(places), "")
    raise UserError(f"{column}: {named}{said}")
