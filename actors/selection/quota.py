"""Bounds on how many rows of each source a selection takes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from actors.errors import UserError


def bounds(
    available: Mapping[str, int], n: int, quota: Mapping[str, float], cap: Mapping[str, float]
) -> dict[str, tuple[int, int]]:
    """Return the fewest and the most rows of each source among n selected ones.

    Args:
        available: candidate rows of each source.
        quota: least share of the selected rows, by source.
        cap: largest share of the selected rows, by source.

    Raises:
        UserError: no n candidates keep within them.
    """
    limits = {}
    for source in dict.fromkeys([*available, *quota, *cap]):
        rows = available.get(source, 0)
        # a share is meant as it is written: 0.3 of 10 rows is 3, not 4
        least = int(np.ceil(quota.get(source, 0) * n - 1e-9))
        most = min(rows, int(np.floor(cap.get(source, 1) * n + 1e-9)))
        if least > rows:
            raise UserError(
                f"quota.{source}: {quota[source]:g} of {n} rows are {least}, but only {rows} of "
                f"the candidates are of {source}; allowed is up to {rows / n:.3g}"
            )
        if least > most:
            raise UserError(
                f"quota.{source}: {least} of {n} rows at least, but cap.{source} "
                f"{cap[source]:g} allows {most}"
            )
        limits[source] = (least, most)
    if (needed := sum(least for least, _ in limits.values())) > n:
        raise UserError(f"quota: {needed} rows are asked for together, but {n} are selected")
    if (possible := sum(most for _, most in limits.values())) < n:
        raise UserError(
            f"cap: at most {possible} rows may be selected together, but {n} are needed; raise "
            "a cap or select fewer"
        )
    return limits


def within(sources: np.ndarray, n: int, limits: Mapping[Any, tuple[int, int]]) -> np.ndarray:
    """Return which n candidates are the most wanted that keep within limits by source.

    Every source has its least of its most wanted rows; the places left go to the most wanted
    others whose source has not its most yet.

    Args:
        sources: (N,) source of every candidate, the most wanted candidate first.
        limits: fewest and most rows of each source; n of the candidates must keep within them.

    Returns:
        (n,) int64 ascending places in that order.
    """
    taken, allowed = np.zeros(len(sources), bool), np.zeros(len(sources), bool)
    for source, (least, most) in limits.items():
        rows = np.flatnonzero(sources == source)
        taken[rows[:least]] = True
        allowed[rows[least:most]] = True
    free = n - int(taken.sum())
    taken[np.flatnonzero(allowed)[:free]] = True
    return np.flatnonzero(taken)
