"""Rows of a table that is read in groups."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actors.data.columns import Columns
from actors.data.images import read_header
from actors.data.source import Header, Item, Stored
from actors.errors import UserError

# reads the columns of that names of group i
ReadGroup = Callable[[int, list[str]], pa.Table]


@dataclass(frozen=True)
class Rows:
    """Images and labels of a table.

    Attributes:
        lengths: rows of each group.
        labels: (count,) int64 or None.
        paths: whether images may be paths of files, in a table that was written here.
    """

    read: ReadGroup
    lengths: Sequence[int]
    image: str
    classes: int | None
    labels: np.ndarray | None
    digest: str
    paths: bool
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return sum(self.lengths)

    def headers(self) -> Iterator[tuple[str, Header]]:
        first = 0
        for group, length in enumerate(self.lengths):
            for name, stored in self._group(group, first, np.arange(length)):
                try:
                    header = read_header(stored)
                except UserError as error:
                    raise UserError(f"{name}: {error}") from None
                yield name, header
                if isinstance(stored, np.ndarray):
                    return  # the column's type says that all are alike
            first += length

    def take(self, positions: np.ndarray) -> tuple[Iterator[Item], np.ndarray | None]:
        return self._items(positions), None if self.labels is None else self.labels[positions]

    def _items(self, positions: np.ndarray) -> Iterator[Item]:
        order = np.argsort(positions)
        stops = np.cumsum(self.lengths)
        bounds = [0, *np.searchsorted(positions[order], stops).tolist()]
        for group, (stop, length) in enumerate(zip(stops.tolist(), self.lengths, strict=True)):
            here = order[bounds[group] : bounds[group + 1]]
            if len(here):
                first = stop - length
                found = self._group(group, first, positions[here] - first)
                for index, (name, stored) in zip(here.tolist(), found, strict=True):
                    yield Item(index, name, stored)

    def _group(self, group: int, first: int, within: np.ndarray) -> Iterable[tuple[str, Stored]]:
        column = self.read(group, [self.image]).column(0).combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = column.chunk(0)
        names = (f"row {first + row}" for row in within.tolist())
        if isinstance(column.type, pa.FixedShapeTensorType):
            return zip(names, column.to_numpy_ndarray()[within], strict=True)
        return ((n, self._stored(n, v)) for n, v in zip(names, column.take(within), strict=True))

    def _stored(self, name: str, value: pa.Scalar) -> Stored:
        found = value.as_py()
        path = None
        if isinstance(found, dict):
            found, path = found["bytes"], found.get("path")
        if found is not None:
            return bytes(found)
        if self.paths and path and os.path.isfile(path):
            return str(path)
        raise UserError(f"{name} has no image")


def open_table(
    read: ReadGroup, lengths: Sequence[int], columns: Columns, digest: str, *, paths: bool = False
) -> Rows:
    """Return the rows of a table, their labels read.

    Raises:
        UserError: there are no rows, or labels are no classes.
    """
    if not sum(lengths):
        raise UserError("the table has no rows; allowed are at least 4")
    classes, labels = None, None
    if columns.label is not None:
        label = columns.label
        parts = [read(group, [label]).column(0) for group in range(len(lengths))]
        values = pa.chunked_array([chunk for part in parts for chunk in part.chunks])
        labels = class_numbers(label, values)
        classes = columns.classes or int(labels.max()) + 1
    return Rows(read, lengths, columns.image, classes, labels, digest, paths)


def class_numbers(column: str, values: pa.ChunkedArray) -> np.ndarray:
    """Return labels as (n,) int64; texts are numbered in alphabetical order.

    Raises:
        UserError: a label is missing, negative or neither a whole number nor text.
    """
    if values.null_count:
        row = pc.index(pc.is_null(values), True).as_py()
        raise UserError(f"label_column {column!r} has nothing in row {row}; allowed is a label")
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return np.unique(values.to_pylist(), return_inverse=True)[1].astype(np.int64)
    if not pa.types.is_integer(values.type):
        raise UserError(
            f"label_column {column!r} is of type {values.type}; allowed are whole numbers and text"
        )
    labels = values.to_numpy().astype(np.int64)
    if labels.min() < 0:
        row = int(labels.argmin())
        raise UserError(
            f"label_column {column!r} is {labels[row]} in row {row}; allowed are 0 and more"
        )
    return labels
