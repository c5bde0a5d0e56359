"""Threshold decay filter (Shi et al. 2025)."""

from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field

from actors.distances.farthest_first import LIKELY
from actors.distances.nearest_chosen import Block, NearestChosen, as_tensor
from actors.distances.neighbours import nearest
from actors.errors import UserError
from actors.selection.selection import Method, Selection, check_request

MAX_PASSES = 10_000
# rows brought up to date, and decided in order, together
VISITED = 1024
# what `auto` asks for its threshold
ASKED = 4096
QUANTILE = 0.95


def threshold_decay(
    features: np.ndarray,
    n: int,
    *,
    seed: int,
    initial_threshold: float | Literal["auto"] = "auto",
    decay: float = 0.95,
    device: str = "cpu",
) -> Selection:
    """Keep candidates that lie farther than a threshold from every kept row; lower it until n are.

    Candidates are visited in one random order. One is kept when its distance to every kept row is
    strictly greater than the threshold. After a pass over those left, the threshold is multiplied
    by `decay`; with `decay = 0` the second pass keeps whatever differs at all. Rows identical to a
    kept one come last, in visiting order.

    Args:
        features: (N, d), computed with as float32.
        n: rows to keep, 1 to N.
        seed: seed of the visiting order.
        initial_threshold: distance in feature units, >= 0; `auto` takes the 95 % quantile of the
            nearest-neighbour distances of 4,096 random candidates, found in the notes.
        decay: factor per pass, 0 <= decay < 1.
        device: "cuda" computes the distances on a GPU; the rows are the same.

    Returns:
        The rows in the order of keeping, with the distance to the nearest row kept before.

    Raises:
        UserError: more than 10,000 passes would be needed, or the features are not as above.
    """
    check_request(features, n)
    order = np.random.default_rng(seed).permutation(len(features))
    threshold = (
        usual_distance(features, order) if initial_threshold == "auto" else initial_threshold
    )
    with torch.inference_mode():
        kept, squared = filter_in_order(
            as_tensor(features, device), torch.from_numpy(order), n, threshold, decay
        )
    squared[0] = np.nan
    return Selection(kept, np.sqrt(squared), {"initial_threshold": threshold})


def usual_distance(features: np.ndarray, order: np.ndarray) -> float:
    """Return a quantile of the nearest-neighbour distances of the first rows in a random order."""
    if len(features) == 1:
        return 0.0
    some = np.asarray(features[np.sort(order[:ASKED])], dtype=np.float32)
    # the nearest of a row among all is itself, or a copy of it
    distances, _ = nearest(some, features, k=2)
    return float(np.quantile(distances[:, 1], QUANTILE))


def filter_in_order(
    features: torch.Tensor, order: torch.Tensor, n: int, threshold: float, decay: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the (n,) positions kept and the (n,) float64 squared distances at the keeping.

    Only rows whose last known distance exceeds the threshold are brought up to date.
    """
    state = NearestChosen(features, n)
    kept: list[torch.Tensor] = []
    at_pick: list[float] = []
    limit, left = threshold, order.to(features.device)
    for _ in range(MAX_PASSES):
        for rows in left[state.squared[left] > limit * limit].split(VISITED):
            now, distances = keep(state, rows, n - len(at_pick), limit * limit)
            kept.append(now)
            at_pick += distances
            if len(at_pick) == n:
                return torch.cat(kept).numpy(force=True), np.array(at_pick)
        left = left[state.squared[left] >= 0]
        if state.squared[left].max() <= 0:
            kept.append(left[: n - len(at_pick)])
            at_pick += [0.0] * (n - len(at_pick))
            return torch.cat(kept).numpy(force=True), np.array(at_pick)
        limit *= decay
    raise UserError(
        f"initial_threshold: {threshold:g} with decay {decay:g} needs more than {MAX_PASSES} "
        f"passes; the threshold is {limit:g} and the largest distance left "
        f"{float(state.squared.max()) ** 0.5:g}"
    )


def keep(
    state: NearestChosen, rows: torch.Tensor, most: int, limit: float
) -> tuple[torch.Tensor, list[float]]:
    """Visit (m,) rows in order; choose up to `most` farther from all chosen than a squared limit.

    Returns:
        The rows chosen, and their squared distances at the choice.
    """
    state.refresh(rows, limit)
    rows = rows[state.squared[rows] > limit]
    if not len(rows):
        return rows, []
    block = Block(state.features[rows], state.squared[rows].numpy(force=True))
    together = LIKELY[rows.device.type]
    kept: list[int] = []
    distances: list[float] = []
    while len(kept) < most:
        # those before the last one kept were visited
        first = kept[-1] + 1 if kept else 0
        far = np.flatnonzero(block.squared[first:] > limit)
        if not len(far):
            break
        kept.append(first + int(far[0]))
        if not block.knows(kept[-1]):
            block.look(first + far[:together])
        distances.append(block.pick(kept[-1]))
    state.choose(rows[kept])
    return rows[kept], distances


class ThresholdDecay(Method):
    """Random order, strict threshold, decayed after each pass."""

    function = staticmethod(threshold_decay)
    on_gpu: ClassVar[bool] = True

    kind: Literal["threshold_decay"]
    initial_threshold: Annotated[float, Field(ge=0)] | Literal["auto"] = Field(
        "auto", description="distance in feature units"
    )
    decay: float = Field(0.95, ge=0, lt=1, description="factor on the threshold after each pass")
