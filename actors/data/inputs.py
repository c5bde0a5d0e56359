"""What every kind of input has."""

from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actors.data.feature_source import FeatureSource, name_rows
from actors.distances.space import Space
from actors.errors import UserError


class Candidates(FeatureSource, Protocol):
    """A feature source whose rows have names, and maybe origins and qualities."""

    @property
    def space(self) -> Space:
        """How near two rows may be and still be distinguished."""

    @property
    def skipped(self) -> tuple[str, ...]:
        """What could not be read and was left out, each with its cause."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the input is not read, or not as one would expect, in words."""

    def ids(self) -> pa.Array:
        """Return the (N,) strings that name the rows."""

    def origins(self) -> pa.Array | None:
        """Return the (N,) strings that say where the rows came from, if that is known."""

    def numbers(self, column: str) -> np.ndarray:
        """Return a numeric column as (N,) float64.

        Raises:
            UserError: there is none of that name, or it has gaps.
        """


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


def row_numbers(rows: int) -> pa.Array:
    """Return the row numbers, from 0, as ids."""
    return pa.array(np.arange(rows)).cast(pa.string())
