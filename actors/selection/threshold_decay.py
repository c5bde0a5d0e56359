"""Threshold decay filter (Shi et al. 2025)."""

from typing import Literal

import numpy as np
from pydantic import Field

from actors.errors import UserError
from actors.selection.selection import Method, Selection, check_request, squared_distances

MAX_PASSES = 10_000


def threshold_decay(
    features: np.ndarray, n: int, *, seed: int, initial_threshold: float, decay: float
) -> Selection:
    """Keep candidates that lie farther than a threshold from every kept row; lower it until n are.

    Candidates are visited in one random order. One is kept when its distance to every kept row is
    strictly greater than the threshold. After a pass over those left, the threshold is multiplied
    by `decay`; with `decay = 0` the second pass keeps whatever differs at all. Rows identical to a
    kept one come last, in visiting order.

    Args:
        features: (N, d) float32 or float64.
        n: rows to keep, 1 to N.
        seed: seed of the visiting order.
        initial_threshold: distance in feature units, >= 0.
        decay: factor per pass, 0 <= decay < 1.

    Returns:
        The rows in the order of keeping, with the distance to the nearest row kept before.

    Raises:
        UserError: more than 10,000 passes would be needed.
    """
    check_request(features, n)
    order = np.random.default_rng(seed).permutation(len(features))
    visited = features[order]
    nearest = np.full(len(features), np.inf)
    kept = np.empty(n, np.int64)
    squared = np.empty(n, np.float64)
    count, threshold, passes = 0, initial_threshold, 0
    while count < n:
        if passes > 0 and nearest.max() <= 0:
            rest = np.flatnonzero(nearest == 0)[: n - count]
            kept[count:], squared[count:] = rest, 0
            break
        passes += 1
        if passes > MAX_PASSES:
            raise UserError(
                f"initial_threshold: {initial_threshold:g} with decay {decay:g} needs more than "
                f"{MAX_PASSES} passes; the threshold is {threshold:g} and the largest distance "
                f"left {np.sqrt(nearest.max()):g}"
            )
        place = 0
        # between two keeps no distance changes, so the next row to keep is the next far enough
        while count < n and (far := np.flatnonzero(nearest[place:] > threshold**2)).size:
            place += int(far[0])
            kept[count], squared[count] = place, nearest[place]
            np.minimum(nearest, squared_distances(visited, place), out=nearest)
            nearest[place] = -1  # kept: never far enough again
            count, place = count + 1, place + 1
        threshold *= decay
    squared[0] = np.nan
    return Selection(order[kept].astype(np.int64), np.sqrt(squared))


class ThresholdDecay(Method):
    """Random order, strict threshold, decayed after each pass."""

    kind: Literal["threshold_decay"]
    initial_threshold: float = Field(ge=0, description="distance in feature units")
    decay: float = Field(0.95, ge=0, lt=1, description="factor on the threshold after each pass")

    def select(self, features: np.ndarray, n: int, seed: int) -> Selection:
        return threshold_decay(
            features,
            n,
            seed=seed,
            initial_threshold=self.initial_threshold,
            decay=self.decay,
        )
