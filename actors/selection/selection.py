"""What every selection method takes and gives, and why a row is selected or not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field

from actors.config import Config
from actors.data.feature_source import Progress
from actors.distances.farthest_first import LocalShards, Shards
from actors.errors import UserError

CHECKED_ROWS = 1 << 16


@dataclass(frozen=True)
class Reasons:
    """Why every candidate is in a selection or not.

    Attributes:
        covered_by: (N,) int64 position of the nearest chosen row; its own for a chosen one.
        distances: (N,) float64 distance to that row.
    """

    covered_by: np.ndarray
    distances: np.ndarray


@dataclass(frozen=True)
class Selection:
    """Rows chosen among candidates.

    Attributes:
        positions: (n,) int64 candidate positions by rank, none twice.
        distances: (n,) float64 distance to the nearest row chosen before, at the pick; NaN for the
            first; None where the method has no distances.
        notes: what the method found on its way and a reader may want to know, by name.
        reasons: why each candidate is chosen or not, where asked for.
    """

    positions: np.ndarray
    distances: np.ndarray | None = None
    notes: dict[str, float] = field(default_factory=dict)
    reasons: Reasons | None = None

    def at(self, ranks: np.ndarray) -> "Selection":
        """Return the rows at some ranks, as a selection."""
        distances = None if self.distances is None else self.distances[ranks]
        return Selection(self.positions[ranks], distances)


class Method(Config):
    """Configuration of one selection method."""

    # from (N, d) features, n, and as keywords the seed and the method's own fields
    function: ClassVar[Callable[..., Selection]]
    # the same from a source of rows, which some number of Ray actors read; None where there is none
    over_shards: ClassVar[Callable[..., Selection] | None] = None
    # whether a smaller selection is the beginning of a larger one
    nested: ClassVar[bool] = False
    # whether all sets of n rows are equally likely: it looks at no features
    uniform: ClassVar[bool] = False
    # whether its function takes a device, "cuda" where a GPU is to compute the distances
    on_gpu: ClassVar[bool] = False

    kind: str
    ratio: float | None = Field(
        None, gt=0, le=1, description="rows selected / candidate rows; null takes all"
    )
    trim: float = Field(
        0, ge=0, lt=1, description="share of the candidates, the most isolated, left out first"
    )

    @property
    def needed_column(self) -> str | None:
        """Name of the column of the candidates that `select` takes as quality, if any."""
        return None

    def select(
        self,
        features: np.ndarray,
        n: int,
        seed: int,
        quality: np.ndarray | None = None,
        progress: Progress | None = None,
        device: str = "cpu",
        reasons: bool = False,
    ) -> Selection:
        """Choose n of the (N, d) float32 rows.

        Args:
            quality: (N,) values of the needed column, higher is better.
            progress: called with the number of rows chosen so far, by methods that know it.
            device: "cpu", or "cuda" for a method that can use a GPU.
            reasons: whether those are wanted that a method finds with less work than `explain`.
        """
        options = self.model_dump(exclude={"kind", "ratio", "trim"})
        if self.on_gpu:
            options["device"] = device
        return self.function(features, n, seed=seed, **options)


def check_request(features: np.ndarray, n: int) -> None:
    """Raise UserError unless n rows can be chosen among these features."""
    if features.ndim != 2 or 0 in features.shape:
        raise UserError(f"features: found shape {features.shape}; allowed is (rows, dimensions)")
    check_rows(len(features), n)
    finite = [
        np.isfinite(features[start : start + CHECKED_ROWS]).all(axis=1)
        for start in range(0, len(features), CHECKED_ROWS)
    ]
    bad = np.flatnonzero(~np.concatenate(finite))
    if len(bad):
        raise UserError(f"features: {len(bad)} rows contain NaN or infinity ({numbers(bad)})")


def check_rows(candidates: int, n: int) -> None:
    """Raise UserError unless n of so many candidates can be chosen."""
    if not 1 <= n <= candidates:
        raise UserError(f"n: found {n}; allowed are 1 to {candidates}, the candidate rows")


def numbers(rows: np.ndarray) -> str:
    """Return the first few of some row numbers, in words."""
    return f"rows {', '.join(map(str, rows[:5]))}" + (", ..." if len(rows) > 5 else "")


def explain(
    features: np.ndarray,
    positions: np.ndarray,
    progress: Progress | None = None,
    device: str = "cpu",
) -> Reasons:
    """Return which chosen row covers every candidate, and how far it is.

    Args:
        features: (N, d), computed with as float32.
        positions: (n,) of the chosen rows, by rank; of equally near ones the lowest rank covers.
        progress: called now and then with the number of candidates that are done.
        device: "cpu" or "cuda".
    """
    with torch.inference_mode():
        shards = LocalShards(features, len(positions), device=device)
        shards.add_rows(positions)
        return reasons_of(shards, progress)


def reasons_of(shards: Shards, progress: Progress | None = None) -> Reasons:
    """Return which picked row covers every candidate of some shards, and how far it is."""
    covered = shards.ask("cover", *([progress] if progress else []))
    # of a picked row, whose rank is -1, it is none of these
    by_rank = np.concatenate([*shards.picks, [-1]])
    covered_by = np.concatenate([by_rank[shard.ranks] for shard in covered])
    picked = by_rank[:-1]
    covered_by[picked] = picked
    return Reasons(covered_by, np.concatenate([shard.distances for shard in covered]))
