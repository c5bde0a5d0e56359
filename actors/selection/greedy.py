"""Greedy selection: exact, blocked farthest-first traversal (Shi et al. 2025; Gonzalez 1985)."""

from typing import Literal

import numpy as np
import torch

from actors.selection.nearest import Block, NearestChosen, as_tensor
from actors.selection.selection import Method, Selection, check_request

# rows brought up to date together, and rows among which picks are settled without the others
REFRESHED = 4096
SETTLED = 2048


def greedy(features: np.ndarray, n: int, *, seed: int) -> Selection:
    """Start from one random row, then always add the row farthest from its nearest chosen row.

    Args:
        features: (N, d), computed with as float32.
        n: rows to choose, 1 to N.
        seed: seed of the first row.

    Returns:
        The rows in the order of picking, with the distance at each pick; ties go to the lowest
        position, and no row is picked twice even where rows are identical.

    Raises:
        UserError: n or the features are not as above.
    """
    check_request(features, n)
    first = int(np.random.default_rng(seed).integers(len(features)))
    with torch.inference_mode():
        positions, squared = farthest_first(as_tensor(features), n, first)
        squared[0] = torch.nan
        return Selection(positions.cpu().numpy(), squared.sqrt().numpy())


def farthest_first(features: torch.Tensor, n: int, first: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the (n,) positions picked and the (n,) float64 squared distances at the picks.

    Each round takes the rows with the largest bounds, brings them up to date, and settles picks
    among the farthest of them for as long as the winner beats everything outside.
    """
    state = NearestChosen(features, n)
    at_pick = [torch.inf]
    state.choose(torch.tensor([first], device=features.device))
    state.refresh(torch.arange(len(features), device=features.device))
    while len(at_pick) < n:
        rows, bound, tied = largest(state.squared, REFRESHED)
        state.refresh(rows)
        fresh = state.squared[rows]
        inside, inner_bound, inner_tied = largest(fresh, SETTLED)
        if inner_bound >= bound:
            # rows are ascending, so the lowest place among the tied is the lowest position
            inner = int(rows[inner_tied]) if inner_tied < len(rows) else len(features)
            tied = min(inner, tied) if inner_bound == bound else inner
            bound = inner_bound
        inside = inside[fresh[inside] >= bound]
        if len(inside):
            picks, distances = settle(state, rows[inside], n - len(at_pick), bound, tied)
            state.choose(picks)
            at_pick += distances
    return state.chosen, torch.tensor(at_pick, dtype=torch.float64)


def largest(values: torch.Tensor, most: int) -> tuple[torch.Tensor, float, int]:
    """Return the places of the largest values, ascending; equal ones go to the lowest places.

    Returns:
        The (m,) places, the largest value outside, and the lowest place outside that has it (minus
        infinity and the number of values where all are inside).
    """
    if len(values) <= most:
        return torch.arange(len(values), device=values.device), -torch.inf, len(values)
    bound = torch.topk(values, most + 1, sorted=True).values[-1]
    above = torch.nonzero(values > bound)[:, 0]
    equal = torch.nonzero(values == bound)[:, 0]
    filled = most - len(above)
    places = torch.cat((above, equal[:filled])).sort().values
    return places, float(bound), int(equal[filled])


def settle(
    state: NearestChosen, rows: torch.Tensor, most: int, bound: float, tied: int
) -> tuple[torch.Tensor, list[float]]:
    """Pick among some rows, up to date, for as long as the winner is certain.

    Args:
        rows: (m,) positions, ascending.
        most: picks wanted.
        bound: no other row is farther than this.
        tied: lowest position of the other rows that may be exactly that far.

    Returns:
        The (p,) positions picked and their squared distances at the pick.
    """
    block = Block(state, rows)
    picks: list[int] = []
    distances: list[float] = []
    while len(picks) < most:
        place = int(block.squared.argmax())  # the first of equal ones: the lowest position
        farthest = float(block.squared[place])
        if farthest < max(bound, 0) or (farthest == bound and int(rows[place]) > tied):
            break
        picks.append(place)
        distances.append(block.pick(place))
    return rows[picks], distances


class Greedy(Method):
    """Farthest-first traversal."""

    kind: Literal["greedy"]

    def select(self, features: np.ndarray, n: int, seed: int) -> Selection:
        return greedy(features, n, seed=seed)
