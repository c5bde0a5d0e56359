"""Embeddings in a column of Parquet and Arrow IPC files, read batch by batch."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actors.data.feature_source import SHOWN, Candidates, block_rows, name_rows
from actors.data.tables import Table, is_image
from actors.errors import UserError

ID_COLUMNS = ("sample_id", "id")
SOURCE_COLUMN = "source"


class TableFiles(Candidates):
    """An embedding column of Parquet or Arrow files, row after row through the files in order."""

    described = "a table"

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
        self._table = Table(tuple(paths), "input")
        self._schema = self._table.schema
        self._column = self._embedding(column)
        self._ids = self._named("id_column", id_column) or self._first_of(ID_COLUMNS)
        self._source = self._named("source_column", source_column) or self._first_of(
            (SOURCE_COLUMN,)
        )
        self._table.check_alike(self._column, self._ids, self._source)
        self.rows = sum(self._table.lengths)
        if not self.rows:
            where = repr(paths[0] if len(paths) == 1 else str(Path(paths[0]).parent))
            raise UserError(f"input: {where} has no rows; allowed is at least one")
        # row that is read next, what is left of the array that has it, and the arrays after that
        self._going: tuple[int, pa.Array | None, Iterator[pa.Array]] | None = None
        self.dimension = self._dimension()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_going": None}

    def read(self, start: int, stop: int) -> np.ndarray:
        array = pa.concat_arrays([*self._arrays(start, stop)])
        return vectors(array, self.dimension, start, self._column)

    def _arrays(self, start: int, stop: int) -> Iterator[pa.Array]:
        """Yield the column from row start to stop; going on where the last call ended is cheap."""
        position, rest, coming = start, None, self._stream(start)
        if self._going is not None and self._going[0] == start:
            position, rest, coming = self._going
        while position < stop:
            array = next(coming) if rest is None else rest
            due = array.slice(0, stop - position)
            rest = array.slice(len(due)) if len(due) < len(array) else None
            position += len(due)
            yield due
        self._going = (position, rest, coming)

    def _stream(self, start: int) -> Iterator[pa.Array]:
        """Yield arrays of the embedding column from row `start` on."""
        rows = block_rows(getattr(self, "dimension", 1))
        for first, array in self._table.arrays(self._column, rows, lambda _, stop: stop > start):
            if first + len(array) > start:
                yield array.slice(max(0, start - first))

    def _dimension(self) -> int:
        known = vector_length(self._type(self._column))
        if known is None:
            (first,) = self._arrays(0, 1)
            if first.null_count:
                raise UserError(f"{self._column}: {name_rows([0], 1, 'is')} null")
            known = len(first[0].as_py())
        if not known:
            raise UserError(f"{self._column}: found vectors of 0 numbers; allowed is at least 1")
        return known

    def ids(self) -> pa.Array:
        return super().ids() if self._ids is None else self._strings(self._ids)

    def origins(self) -> pa.Array | None:
        return None if self._source is None else self._strings(self._source)

    def numbers(self, column: str) -> np.ndarray:
        self._named("selection", column)
        kind = self._type(column)
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise UserError(f"selection: column {column!r} holds {kind}; allowed are numbers")
        values = self._table.column(column).cast(pa.float64()).to_numpy(zero_copy_only=False)
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise UserError(
                f"selection: in column {column!r}, {name_rows(bad[:6].tolist(), len(bad))} null, "
                "NaN or infinity"
            )
        return values

    def _strings(self, column: str) -> pa.Array:
        try:
            return self._table.column(column).cast(pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise UserError(
                f"input: column {column!r} holds {self._type(column)}; allowed are strings and "
                "integers"
            ) from None

    def _type(self, column: str) -> pa.DataType:
        return self._schema.field(column).type

    def _first_of(self, columns: Sequence[str]) -> str | None:
        return next((name for name in columns if name in self._schema.names), None)

    def _named(self, option: str, column: str | None) -> str | None:
        if column is not None and column not in self._schema.names:
            raise UserError(
                f"{option}: no column {column!r} in {self._table.paths[0]!r}; "
                f"there are {', '.join(self._schema.names) or 'none'}"
            )
        return column

    def _embedding(self, column: str | None) -> str:
        if self._named("column", column) is not None and column is not None:
            if not is_vector(self._type(column), integers=True):
                raise UserError(
                    f"column: {column!r} holds {self._type(column)}; allowed are lists and tensors "
                    "of numbers"
                )
            return column
        able = [field.name for field in self._schema if is_vector(field.type)]
        if len(able) != 1:
            said = f"columns {', '.join(able)} hold vectors" if able else "no column of vectors"
            if any(is_image(field.type) for field in self._schema):
                said += " (images are read from folders)"
            raise UserError(
                f"column: {said} in {self._table.paths[0]!r}; name one of "
                f"{', '.join(able or self._schema.names)}"
            )
        return able[0]


def is_vector(kind: pa.DataType, *, integers: bool = False) -> bool:
    """Whether the values of a column are vectors of floats, or of integers where those may be."""
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    if not (isinstance(kind, pa.FixedShapeTensorType) or any(check(kind) for check in lists)):
        return False
    value = kind.value_type
    return pa.types.is_floating(value) or (integers and pa.types.is_integer(value))


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
            length = lengths[pc.index(wrong, True).as_py()]
            said = f"do not have {dimension} numbers as row 0 has; found {length} numbers"
            _refuse(wrong, first, column, said)
    values = array.flatten()
    if values.null_count:
        gaps = np.asarray(values.is_null()).reshape(-1, dimension).any(axis=1)
        _refuse(gaps, first, column, "hold null; allowed are numbers")
    with np.errstate(over="ignore"):  # infinity is found, and named, later
        return values.to_numpy(zero_copy_only=False).astype(np.float32).reshape(-1, dimension)


def _refuse(wrong: np.ndarray | pa.Array, first: int, column: str, said: str) -> None:
    places = np.flatnonzero(wrong) + first
    named = name_rows(places[: SHOWN + 1].tolist(), len(places), "")
    raise UserError(f"{column}: {named}{said}")
