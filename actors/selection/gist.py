"""GIST: quality and distance together (Fahrbach et al. 2025)."""

from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field

from actors.data.feature_source import Progress
from actors.distances.nearest_chosen import NearestChosen, as_tensor
from actors.distances.neighbours import nearest
from actors.errors import UserError
from actors.selection.greedy import greedy
from actors.selection.selection import Method, Selection, check_request, numbers
from actors.selection.threshold_decay import VISITED, keep

# the neighbour whose distance tells the density
NEIGHBOUR = 10
# rows whose neighbours are held at a time
TOGETHER = 1 << 13


def gist(
    features: np.ndarray,
    n: int,
    *,
    seed: int,
    quality: np.ndarray | None = None,
    weight: float = 0.5,
    epsilon: float = 0.1,
    device: str = "cpu",
) -> Selection:
    """Choose n rows of high quality that lie far apart.

    Maximises f(S) = (1 - weight) mean quality of S + weight div(S) / D over the sets of n rows. div
    is the smallest distance between two of them, D that of greedy selection, which is at least half
    of what any n rows reach; quality is divided by its largest. For a falling sequence of
    thresholds rows are visited by falling quality and kept when no kept row is nearer than the
    threshold; the best set of n rows wins, greedy selection's among them.

    f is at least OPT / (2 + 2 epsilon), OPT being the largest f of any n rows, and every row of
    the result is covered by that. A threshold t <= div(OPT's set) / 2 is kept by n rows of at
    least its quality, as each kept row excludes at most one of its rows (proof of theorem 3.3), and
    some t tried is within 1 + epsilon of the largest such one or below epsilon D. The paper's
    2/3 - epsilon for a linear utility is for up to n rows: it needs the two rows of the diameter to
    count as a set, and no 1/2 + epsilon is possible for n rows (Ravi et al. 1994). So thresholds
    go down from D, and the diameter is not needed.

    Args:
        features: (N, d), computed with as float32.
        n: rows to choose, 1 to N.
        seed: seed of greedy selection's first row.
        quality: (N,) finite, >= 0, higher is better; by default the density of the candidates.
        weight: share of the distance in f, 0 to 1.
        epsilon: thresholds fall by 1 / (1 + epsilon), 0 < epsilon <= 0.5.
        device: "cuda" computes the distances of greedy selection and of the sets on a GPU.

    Returns:
        The rows by falling quality, ties to the lowest position, or in greedy selection's order
        where its set wins, with the distance to the nearest row before. Notes: `objective` f,
        `quality` the mean, `diversity` div in feature units (0 for one row), and `at_least` the
        share of OPT that was certainly reached, by an upper bound from the sets tried.

    Raises:
        UserError: an argument is not as above.

    Source: Fahrbach et al., "GIST: Greedy Independent Set Thresholding for Max-Min Diversification
    with Submodular Utility", NeurIPS 2025, algorithm 1.
    """
    check_request(features, n)
    worth = density(features) if quality is None else checked(quality, len(features))
    order = np.argsort(-worth, kind="stable")
    best = greedy(features, n, seed=seed, device=device)
    assert best.distances is not None
    scale = float(best.distances[-1]) if n > 1 else 0.0

    def value(worths: float, distance: float) -> float:
        return (1 - weight) * worths + (weight * distance / scale if scale else 0.0)

    objective = value(float(worth[best.positions].mean()), scale)
    count = int(np.log(1 / epsilon) / np.log1p(epsilon)) + 1 if scale else 0
    limit, above = 0.0, scale
    with torch.inference_mode():
        rows = as_tensor(features, device)
        for threshold in [*(scale / (1 + epsilon) ** i for i in range(count)), 0.0]:
            tried = independent_set(rows, torch.from_numpy(order), n, threshold)
            if tried:
                worths = float(worth[tried.positions].mean())
                reached = value(worths, diversity(tried))
                if reached >= objective:
                    best, objective = tried, reached
                # no n rows at least 2 x threshold and less than 2 x above apart are better
                limit = max(limit, value(worths, 2 * above), reached)
                if np.array_equal(tried.positions, order[:n]):
                    break  # as it is for every lower threshold
            above = threshold
    notes = {
        "objective": objective,
        "quality": float(worth[best.positions].mean()),
        "diversity": diversity(best),
        "at_least": objective / max(limit, objective) if objective else 1.0,
    }
    return Selection(best.positions, best.distances, notes)


def independent_set(
    features: torch.Tensor, order: torch.Tensor, n: int, threshold: float
) -> Selection | None:
    """Visit rows in order, keep those at least the threshold from every kept one, stop at n.

    Returns:
        The rows in the order of keeping, or None where there are fewer than n.
    """
    state = NearestChosen(features, n)
    # `keep` is strict, so the limit is the number just below
    limit = float(np.nextafter(threshold * threshold, -1.0))
    kept: list[torch.Tensor] = []
    squared: list[float] = []
    for start in range(0, len(order), VISITED):
        if len(squared) == n or len(squared) + len(order) - start < n:
            break
        rows = order[start : start + VISITED].to(features.device)
        now, distances = keep(state, rows, n - len(squared), limit)
        kept.append(now)
        squared += distances
    if len(squared) < n:
        return None
    at_pick = np.sqrt([np.nan, *squared[1:]])
    return Selection(torch.cat(kept).numpy(force=True), at_pick)


def diversity(selection: Selection) -> float:
    """Return the smallest distance between two of the rows; 0 where there is one only."""
    assert selection.distances is not None
    return float(selection.distances[1:].min()) if len(selection.positions) > 1 else 0.0


def density(features: np.ndarray) -> np.ndarray:
    """Return the (N,) share of the other rows in less dense places, ties halved.

    A place is the denser the nearer its 10th neighbour. Ranks, as the negative logarithm of that
    distance, which estimates the density, has no bound where rows are copies.
    """
    from scipy.stats import rankdata  # takes as long to import as torch

    others = len(features) - 1
    if not others:
        return np.ones(1)
    farthest = np.empty(len(features))
    for start in range(0, len(features), TOGETHER):
        some = slice(start, start + TOGETHER)
        # one more, as every row is among its own neighbours
        farthest[some] = nearest(features[some], features, min(NEIGHBOUR, others) + 1)[0][:, -1]
    return (rankdata(-farthest) - 1) / others


def checked(quality: np.ndarray, rows: int) -> np.ndarray:
    """Return quality as float64, its largest value 1; UserError where it cannot be one."""
    values = np.asarray(quality, dtype=np.float64)
    if values.shape != (rows,):
        raise UserError(f"quality: found shape {values.shape}; allowed is ({rows},), one a row")
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(bad):
        raise UserError(
            f"quality: {len(bad)} values are negative, NaN or infinite ({numbers(bad)}); allowed "
            "are finite values from 0"
        )
    return values / (values.max() or 1.0)


class Gist(Method):
    """Greedy independent sets over falling thresholds, for a linear utility."""

    on_gpu: ClassVar[bool] = True

    kind: Literal["gist"]
    quality: str = Field("density", description="density, or a column where higher is better")
    weight: float = Field(
        0.5, ge=0, le=1, description="share of the distance in the objective; the rest is quality"
    )
    epsilon: float = Field(
        0.1, gt=0, le=0.5, description="step between thresholds; smaller is closer and slower"
    )

    @property
    def needed_column(self) -> str | None:
        return None if self.quality == "density" else self.quality

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
        if self.needed_column and quality is None:
            raise UserError(
                f"quality: found no values of the column {self.quality!r}; allowed are density or "
                "a column of the candidates"
            )
        used = quality if self.needed_column else None
        return gist(
            features,
            n,
            seed=seed,
            quality=used,
            weight=self.weight,
            epsilon=self.epsilon,
            device=device,
        )
