"""Two-level selection, for pools on which exact greedy selection takes too long."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from actors.metrics.entropy import entropy
from actors.selection.greedy import first_row, greedy, greedy_from
from actors.selection.selection import Method, Selection, check_request

# rows on which the loss against exact selection is measured
MEASURED = 8192


def two_level(
    features: np.ndarray,
    n: int,
    *,
    seed: int,
    partitions: int = 16,
    surplus: float = 1.25,
    device: str = "cpu",
) -> Selection:
    """Select greedily in each of some random partitions, then in the union of their selections.

    Distributed farthest-first traversal in two rounds (Malkomes et al., NeurIPS 2015), with a
    surplus instead of n rows per partition: N n / partitions + surplus n^2 distances, not N n.

    Args:
        features: (N, d), computed with as float32.
        n: rows to choose, 1 to N.
        seed: seed of the division and of the first rows.
        partitions: how many, >= 1; fewer where one would have no row.
        surplus: rows that the partitions select together, in units of n, >= 1.
        device: "cuda" computes the distances on a GPU; the rows are the same.

    Returns:
        The rows in the order of the second selection. The notes have the entropy in nats that is
        lost against exact greedy selection, measured with the same ratio and as many partitions on
        `measured_on` random candidates, where partitions are smaller and more is lost than on all.
    """
    check_request(features, n)
    chosen = in_two_levels(features, n, seed, partitions, surplus, device)
    rng = np.random.default_rng([seed, 1])
    some = features[np.sort(rng.permutation(len(features))[:MEASURED])]
    few = max(1, round(n * len(some) / len(features)))
    notes = {"measured_on": float(len(some))}
    if few > 1:
        ours = some[in_two_levels(some, few, seed, partitions, surplus, device).positions]
        exact = some[greedy(some, few, seed=seed, device=device).positions]
        lost = entropy(exact).nats - entropy(ours).nats
        if np.isfinite(lost):  # it is not where all rows are copies
            notes["entropy_lost"] = lost
    return Selection(chosen.positions, chosen.distances, notes)


def in_two_levels(
    features: np.ndarray, n: int, seed: int, partitions: int, surplus: float, device: str
) -> Selection:
    """Return the selection without measuring what it loses.

    It begins with the row that greedy selection begins with, so that one partition does as it does.
    """
    order = np.random.default_rng(seed).permutation(len(features))
    first = first_row(len(features), seed)
    wanted = min(len(features), int(np.ceil(n * surplus)))
    chosen = []
    for partition in np.array_split(order, min(partitions, n)):
        rows = np.sort(partition)
        share = int(np.ceil(wanted * len(rows) / len(features)))
        start = np.flatnonzero(rows == first)
        begin = int(start[0]) if len(start) else first_row(len(rows), seed)
        chosen.append(rows[greedy_from(features[rows], share, begin, device).positions])
    union = np.sort(np.concatenate(chosen))
    last = greedy_from(features[union], n, int(np.searchsorted(union, first)), device)
    return Selection(union[last.positions], last.distances)


class TwoLevel(Method):
    """Greedy selection in partitions, then over their union."""

    function = staticmethod(two_level)
    on_gpu: ClassVar[bool] = True

    kind: Literal["two_level"]
    partitions: int = Field(16, ge=1, description="random partitions that select on their own")
    surplus: float = Field(1.25, ge=1, description="rows they select, in units of the rows")
