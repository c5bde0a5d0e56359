"""Rows of features that any process can read a range of, in blocks."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import ClassVar, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actors.distances.space import GIVEN, Space
from actors.errors import UserError

Progress = Callable[[int], None]

# features read at once; small enough that a few of them in flight do not matter
BLOCK_BYTES = 1 << 25
BLOCK_ROWS = 8192
SHOWN = 5


class FeatureSource(Protocol):
    """Rows of features that any process can read a range of; pickled it holds no rows."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def dimension(self) -> int:
        """Number of features of a row."""

    @property
    def mapped(self) -> np.ndarray | None:
        """All rows, (N, d) float32, where they lie in memory or can be mapped; None elsewhere."""

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return rows start to stop, (stop - start, dimension) float32."""


class Candidates(ABC):
    """A feature source whose rows have names, and maybe origins and qualities.

    Attributes:
        rows: number of rows.
        dimension: number of features of a row.
        space: how near two rows may be and still be distinguished.
        notes: what of the input is not read, or not as one would expect, in words.
        skipped: what could not be read and was left out, each with its cause.
        described: what kind of input it is, for messages.
    """

    rows: int
    dimension: int
    space: Space = GIVEN
    notes: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    described: ClassVar[str]

    @property
    def mapped(self) -> np.ndarray | None:
        """All rows, (N, d) float32, where they can be mapped; None elsewhere."""
        return None

    @abstractmethod
    def read(self, start: int, stop: int) -> np.ndarray:
        """Return rows start to stop, (stop - start, dimension) float32."""

    def ids(self) -> pa.Array:
        """Return the (N,) strings that name the rows: their numbers, where nothing else does."""
        return pa.array(np.arange(self.rows)).cast(pa.string())

    def origins(self) -> pa.Array | None:
        """Return the (N,) strings that say where the rows came from, if that is known."""
        return None

    def numbers(self, column: str) -> np.ndarray:
        """Return a numeric column as (N,) float64.

        Raises:
            UserError: there is none of that name, or it has gaps.
        """
        raise UserError(
            f"selection: this method needs the column {column!r}, which {self.described} does not "
            "have; give a Parquet or Arrow file"
        )


class Rows:
    """An array as a feature source."""

    def __init__(self, features: np.ndarray) -> None:
        """Take (N, d) float32 rows."""
        self.mapped = features
        self.rows, self.dimension = features.shape

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.mapped[start:stop]


def block_rows(dimension: int) -> int:
    """Return how many rows of float32 features are read at once."""
    return min(BLOCK_ROWS, max(1, BLOCK_BYTES // (4 * dimension)))


def blocks(
    source: FeatureSource, progress: Progress | None = None, first: int = 0
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (first row, rows) of every block in order; all must be finite.

    Args:
        first: number that the source's first row has for the reader of an error.

    Raises:
        UserError: after the last block, where rows hold NaN or infinity.
    """
    step = block_rows(source.dimension)
    bad: list[int] = []
    count = 0
    for start in range(0, source.rows, step):
        stop = min(start + step, source.rows)
        block = source.read(start, stop)
        yield start, block
        wrong = np.flatnonzero(~np.isfinite(block).all(axis=1)) + start
        count += len(wrong)
        bad += (wrong[: SHOWN + 1 - len(bad)] + first).tolist()
        if progress:
            progress(stop)
    if count:
        raise UserError(f"input: {name_rows(bad, count)} NaN or infinity as float32")


def pick(source: FeatureSource, positions: np.ndarray) -> np.ndarray:
    """Return the (m, d) float32 rows at some positions, reading the source once, in order."""
    order = np.argsort(positions, kind="stable")
    ascending = positions[order]
    out = np.empty((len(positions), source.dimension), np.float32)
    step = block_rows(source.dimension)
    for start in range(0, source.rows, step):
        stop = min(start + step, source.rows)
        first, last = np.searchsorted(ascending, (start, stop))
        if first < last:
            out[order[first:last]] = source.read(start, stop)[ascending[first:last] - start]
    return out


def name_rows(positions: list[int], count: int, verb: str = "hold") -> str:
    """Return '3 rows hold (1, 5, 7)'-like words for the first of `count` row positions."""
    shown = ", ".join(map(str, positions[:SHOWN])) + (", ..." if count > SHOWN else "")
    return f"{'row' if count == 1 else 'rows'} {shown} ({count:,} in all) {verb}"


def check_ids(ids: pa.Array) -> None:
    """Raise UserError unless every row has a name of its own."""
    if ids.null_count:
        empty = np.flatnonzero(ids.is_null().to_numpy(zero_copy_only=False))
        raise UserError(f"input: {name_rows(empty.tolist(), len(empty), 'have')} no id")
    counts = pc.value_counts(ids)
    if len(counts) < len(ids):
        counted = counts.field("counts").to_numpy()
        place = int(np.argmax(counted > 1))
        raise UserError(
            f"input: the id {counts.field('values')[place].as_py()!r} names {counted[place]} rows "
            f"({len(ids) - len(counts):,} ids are repeated); allowed are distinct ids"
        )
