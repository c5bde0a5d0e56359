"""Why a row is in a selection or not."""

import numpy as np
import torch

from actors.distances.nearest_chosen import NearestChosen, as_tensor
from actors.selection.selection import Reasons


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
