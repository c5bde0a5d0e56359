"""Drawing candidates: the rows of the pool that a selection chooses from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Stratum:
    """Consecutive sample steps of which some rows are drawn together.

    Attributes:
        first: number of its first step.
        end: number after its last step.
        rows: rows drawn of them, all alike.
    """

    first: int
    end: int
    rows: int


def draw_candidates(
    sizes: Sequence[int], published: Sequence[int], strata: Sequence[Stratum], seed: int
) -> np.ndarray:
    """Return the ascending int64 positions, counted through the steps, of the candidates.

    Args:
        sizes: rows of each step.
        published: how many of each step's rows are in the pool at all: its first ones.
        strata: without any, every published row is a candidate.
        seed: of the draw, which is uniform without replacement within a stratum.

    Raises:
        ValueError: a stratum has fewer rows than are drawn of it.
    """
    ends = np.cumsum(sizes)
    steps = [
        np.arange(end - size, end - size + count)
        for end, size, count in zip(ends, sizes, published, strict=True)
    ]
    if not strata:
        return np.concatenate(steps)
    generator = np.random.default_rng(seed)
    drawn = []
    for stratum in strata:
        rows = np.concatenate(steps[stratum.first : stratum.end])
        drawn.append(generator.choice(rows, stratum.rows, replace=False))
    return np.sort(np.concatenate(drawn))
