"""Variance selection: rows whose covariance has a large trace."""

from typing import Literal

import numpy as np

from actors.distances.pairs import squared_distances
from actors.selection.selection import Method, Selection, check_request

# rows among which picks are made without a look at the others
COMPARED = 1024


def variance(features: np.ndarray, n: int, *, seed: int) -> Selection:
    """Start from the row farthest from the mean; always add the row that raises the trace most.

    The trace of the covariance of k chosen rows with mean m grows with a further row x through
    k / (k + 1) |x - m|^2 alone, so the row added is the one farthest from the mean of those chosen.
    Taking the n rows farthest from the mean of the candidates instead loses nearly all of the trace
    where one cluster lies farther out than the rest.

    Args:
        features: (N, d); sums are float64.
        n: rows to choose, 1 to N.
        seed: not used, nothing is drawn.

    Returns:
        The rows in the order of picking; ties go to the lowest position. Notes: `trace` of their
        covariance in squared feature units, and `trace_limit`, which no n rows exceed.

    Raises:
        UserError: n or the features are not as above.

    Source: greedy maximisation of the trace (Welford's update, Technometrics 1962); the limit is
    max_S min_c <= min_c max_S of the sum of |x - c|^2 over n rows S.
    """
    check_request(features, n)
    mean = features.mean(axis=0, dtype=np.float64)
    positions = np.empty(0, np.int64)
    while len(positions) < n:
        squared = squared_from(mean, features)
        squared[positions] = -1
        picks, mean = accept(features, squared, mean, len(positions), n - len(positions))
        positions = np.concatenate((positions, picks))
    squared = squared_from(mean, features)
    degrees = max(n - 1, 1)
    trace = float(squared[positions].sum()) / degrees
    limit = float(np.sort(squared)[-n:].sum()) / degrees
    return Selection(positions, notes={"trace": trace, "trace_limit": limit})


def squared_from(centre: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Return the (N,) float64 squared distances of the rows from a centre."""
    rows = np.arange(len(features))
    return squared_distances(features, centre[None], rows, np.zeros_like(rows))


def accept(
    features: np.ndarray, squared: np.ndarray, mean: np.ndarray, count: int, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pick among the rows farthest from the mean for as long as the winner is certain.

    Args:
        features: (N, d).
        squared: (N,) squared distances to the mean; -1 for chosen rows.
        mean: (d,) of the `count` rows chosen so far.
        most: picks wanted.

    Returns:
        The (p,) positions picked, p >= 1, and the mean of all rows chosen.
    """
    order = np.argsort(-squared, kind="stable")
    rows = np.sort(order[:COMPARED])
    outside = squared[order[COMPARED]] if len(order) > COMPARED else -1.0
    bound = np.sqrt(outside) if outside >= 0 else -np.inf
    relative = features[rows] - mean
    norms = squared[rows]
    moved = np.zeros_like(mean)
    picks: list[int] = []
    while len(picks) < most:
        # einsum, not BLAS: identical rows get identical products, and the lowest of them wins
        distances = norms - 2 * np.einsum("nd,d->n", relative, moved) + moved @ moved
        distances[norms < 0] = -np.inf
        place = int(distances.argmax())
        drift = np.sqrt(moved @ moved)
        farthest = np.sqrt(max(distances[place], 0.0))
        certain = farthest > bound + drift or (drift == 0 and farthest == bound)
        if norms[place] < 0 or (picks and not certain):
            break
        picks.append(place)
        norms[place] = -1
        # the mean of the candidates, from which the first row is picked, counts for nothing
        moved += (relative[place] - moved) / (count + len(picks))
    return rows[picks], mean + moved


class Variance(Method):
    """Greedy maximisation of the trace of the covariance."""

    function = staticmethod(variance)

    kind: Literal["variance"]
