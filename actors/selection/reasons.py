"""Why a row is in a selection or not."""

import numpy as np
import torch

from actors.selection.nearest import NearestChosen, as_tensor
from actors.selection.selection import Reasons

# chosen rows whose distances to each other are formed together
PICKED_TOGETHER = 512


def explain(features: np.ndarray, positions: np.ndarray) -> Reasons:
    """Return which chosen row covers every candidate, and how far it is.

    Args:
        features: (N, d), computed with as float32.
        positions: (n,) of the chosen rows, by rank; of equally near ones the lowest rank covers.
    """
    with torch.inference_mode():
        state = NearestChosen(as_tensor(features), len(positions))
        chosen = torch.from_numpy(positions).to(state.features.device)
        state.choose(chosen)
        left = torch.nonzero(state.squared >= 0)[:, 0]
        state.refresh(left)
        covered_by = torch.empty_like(state.nearest)
        covered_by[chosen] = chosen
        covered_by[left] = chosen[state.nearest[left]]
        distances = state.squared.clamp(min=0).sqrt()
    return Reasons(covered_by.numpy(force=True), distances.numpy(force=True))


def distances_at_pick(features: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return the distance of every chosen row to the nearest of those chosen before it.

    Args:
        features: (N, d), computed with as float32.
        positions: (n,) rows in the order in which they were chosen, none twice.

    Returns:
        (n,) float64; NaN for the first row.
    """
    with torch.inference_mode():
        rows = as_tensor(features[positions])
        nearest = NearestChosen(rows, len(rows))
        distances = torch.full((len(rows),), torch.nan, dtype=torch.float64)
        for block in torch.arange(len(rows)).split(PICKED_TOGETHER):
            exact = rows[block].double()
            apart = torch.cdist(exact, exact, compute_mode="donot_use_mm_for_euclid_dist")
            # to the rows of this block that come before
            apart = apart.masked_fill(torch.ones_like(apart, dtype=torch.bool).triu(), torch.inf)
            if nearest.count:
                nearest.refresh(block)
            before = nearest.squared[block].sqrt()
            distances[block] = torch.minimum(apart.min(dim=1).values, before)
            nearest.choose(block)
        distances[:1] = torch.nan
        return distances.numpy()
