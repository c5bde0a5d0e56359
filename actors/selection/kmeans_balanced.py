"""Hierarchical k-means with a balanced draw (Vo et al. 2024)."""

from itertools import pairwise
from typing import Literal

import faiss
import numpy as np
from pydantic import Field, PositiveInt, field_validator

from actors.distances.rounding import centred, largest_power, middle, scaling
from actors.errors import UserError
from actors.selection.selection import Method, Selection, check_request

ITERATIONS = 25
# starts of k-means on centroids, which are few, of which the best is kept
STARTS = 10
# points are scaled to lengths of at most two to this, of which any number of squares can be added
CLUSTERED_EXPONENT = 0


def kmeans_balanced(
    features: np.ndarray, n: int, *, seed: int, clusters: list[int] | None = None
) -> Selection:
    """Cluster the rows, then the centroids of each level, and draw evenly from the top down.

    A cluster's share is divided among its parts by water-filling: parts give equally many rows,
    smaller ones all they have, and what does not divide goes to parts at random. Within a cluster
    of the finest level rows are drawn at random. The paper's resampling between levels is left out.

    Args:
        features: (N, d), computed with as float32.
        n: rows to draw, 1 to N.
        seed: seed of k-means and of the draw.
        clusters: clusters per level from the finest up, each at most those below, the first at most
            N; by default N^(2/3) and N^(1/3), some N^(1/3) rows to a cluster of the finest level.

    Returns:
        The rows in the order of the draw: a smaller one of the same seed is its beginning.

    Raises:
        UserError: n, the features or the clusters are not as above.

    Source: Vo et al., "Automatic Data Curation for Self-Supervised Learning: A Clustering-Based
    Approach", TMLR 2024, sections 3.2 and 3.3.
    """
    check_request(features, n)
    rows = len(features)
    levels = [round(rows ** (2 / 3)), round(rows ** (1 / 3))] if clusters is None else clusters
    if not levels or min(levels) < 1 or not falling([rows, *levels]):
        raise UserError(
            f"clusters: found {levels}; allowed are numbers from 1 to {rows}, the candidate rows, "
            "none larger than the one before"
        )
    rng = np.random.default_rng(seed)
    points, member = features, np.arange(rows)
    rank = np.zeros(rows, np.int64)
    for level, size in enumerate([*levels, 1]):
        # the parts of a cluster in a random order, in which they give what does not divide
        turn = rng.permutation(len(points))[member]
        starts = STARTS if level else 1
        points, assigned = kmeans(points, size, int(rng.integers(2**31)), starts)
        member = assigned[member]
        rank = ranks(member, rank, turn)
    return Selection(np.argsort(rank)[:n])


def falling(sizes: list[int]) -> bool:
    """Return whether no size is larger than the one before."""
    return all(a >= b for a, b in pairwise(sizes))


def ranks(groups: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the (N,) place of every row in its group when sorted by two keys.

    Where rows are sorted by their rank within a part and then by the part, any number of rows from
    the front is the water-filling draw of that many.
    """
    order = np.lexsort((second, first, groups))
    sizes = np.bincount(groups)
    starts = np.cumsum(sizes) - sizes
    places = np.empty_like(order)
    places[order] = np.arange(len(order)) - starts[groups[order]]
    return places


def kmeans(points: np.ndarray, k: int, seed: int, starts: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return (k, d) float32 centroids and the (m,) int64 centroid of every one of (m, d) points."""
    # faiss aborts the process where a sum of squares leaves float32, and loses digits far from 0
    centre = middle(points)
    scale = scaling(largest_power(points), points.shape[1], CLUSTERED_EXPONENT)
    moved, _ = centred(points, centre, scale)
    model = faiss.Kmeans(
        points.shape[1],
        k,
        niter=ITERATIONS,
        nredo=starts,
        seed=seed,
        init_method=faiss.ClusteringInitMethod_KMEANS_PLUS_PLUS,
        # every point counts, however many to a centroid, without a warning where they are few
        min_points_per_centroid=1,
        max_points_per_centroid=len(points),
    )
    model.train(moved)
    _, assigned = model.assign(moved)
    centroids = np.asarray(model.centroids, dtype=np.float64) / scale + centre
    return centroids.astype(np.float32), assigned


class KMeansBalanced(Method):
    """Hierarchical k-means, equal shares from the top down."""

    function = staticmethod(kmeans_balanced)

    kind: Literal["kmeans_balanced"]
    clusters: list[PositiveInt] | None = Field(
        None,
        min_length=1,
        description="clusters per level from the finest up; null derives two levels from the rows",
    )

    @field_validator("clusters")
    @classmethod
    def _falling(cls, clusters: list[int] | None) -> list[int] | None:
        if clusters and not falling(clusters):
            raise ValueError(f"found {clusters}; allowed is none larger than the one before")
        return clusters
