"""SemDeDup: near-duplicates are dropped within clusters (Abbas et al. 2023)."""

from typing import Literal

import numpy as np
from pydantic import Field

from actors.distances.neighbours import nearest_before
from actors.distances.pairs import squared_distances
from actors.errors import UserError
from actors.selection.kmeans_balanced import ITERATIONS, kmeans
from actors.selection.selection import Method, Selection, check_request


def semdedup(features: np.ndarray, n: int, *, seed: int, clusters: int | None = None) -> Selection:
    """Drop the rows nearest to one before them in their cluster until n are left.

    As in the paper's code a cluster is gone through from the row farthest from its centroid, so of
    near-duplicates that one stays, and a row before counts whether it stays or not. There the
    threshold is given and its number of rows follows; here the threshold follows from n. Distances
    are Euclidean where the paper has cosines: give features of unit length for the paper's order.

    Work grows with the sum of the squared sizes of the clusters.

    Args:
        features: (N, d), clustered as float32, compared as float64.
        n: rows to keep, 1 to N.
        seed: seed of k-means.
        clusters: clusters, 1 to n, as the first row of each always stays; by default sqrt(N / 25),
            where clustering and comparing cost about the same, or n if that is less.

    Returns:
        The rows, those farthest from any before them first, ties to the lowest position: a smaller
        one of the same clusters is its beginning. Notes: `threshold`, the largest distance at
        which a row was dropped, in feature units, 0 where none was.

    Raises:
        UserError: n, the features or the clusters are not as above.

    Source: Abbas et al., "SemDeDup: Data-efficient learning at web-scale through semantic
    deduplication", arXiv 2303.09540, section 3 and algorithm 1.
    """
    check_request(features, n)
    derived = min(n, round((len(features) / ITERATIONS) ** 0.5) or 1)
    count = derived if clusters is None else clusters
    if not 1 <= count <= n:
        raise UserError(f"clusters: found {count}; allowed are 1 to {n}, the rows to keep")
    centroids, assigned = kmeans(features, count, seed % 2**31)
    distances = np.empty(len(features))
    by_cluster = np.argsort(assigned, kind="stable")
    sizes = np.bincount(assigned, minlength=count)
    for centroid, rows in zip(centroids, np.split(by_cluster, np.cumsum(sizes)[:-1]), strict=True):
        far = squared_distances(features, centroid[None], rows, np.zeros_like(rows))
        ordered = rows[np.argsort(-far, kind="stable")]
        distances[ordered] = nearest_before(features[ordered])
    order = np.argsort(-distances, kind="stable")
    dropped = distances[order[n:]]
    return Selection(order[:n], notes={"threshold": float(dropped.max(initial=0.0))})


class SemDeDup(Method):
    """Near-duplicates dropped within k-means clusters."""

    function = staticmethod(semdedup)

    kind: Literal["semdedup"]
    clusters: int | None = Field(
        None, ge=1, description="k-means clusters, at most the rows kept; null derives them"
    )
