"""Exact nearest neighbours: faiss finds the candidates, recomputed distances decide."""

import faiss
import numpy as np

# neighbours recomputed beyond those asked for: rounding may have changed their order
MARGIN = 4
# differences held at once
BLOCK_BYTES = 1 << 24


def nearest(
    queries: np.ndarray, base: np.ndarray, k: int = 1, *, exclude_self: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return distances and positions of the k nearest base rows of every query.

    Args:
        queries: (m, d).
        base: (n, d); with `exclude_self` the same rows as the queries.
        k: neighbours per query, at most n (n - 1 with `exclude_self`).
        exclude_self: leave out row i of the base as a neighbour of query i.

    Returns:
        (m, k) float64 Euclidean distances, rising, and (m, k) int64 positions.
    """
    most = len(base) - exclude_self
    if not 1 <= k <= most:
        raise ValueError(f"k: found {k}; allowed are 1 to {most} for {len(base)} rows")
    # distances do not depend on the origin, but the rounding of faiss's matrix product does
    centre = base.mean(axis=0, dtype=np.float64)
    centred_base = (base - centre).astype(np.float32)
    centred_queries = (queries - centre).astype(np.float32)
    index = faiss.IndexFlatL2(base.shape[1])
    index.add(centred_base)
    _, found = index.search(centred_queries, min(len(base), k + exclude_self + MARGIN))
    distances = np.empty((len(queries), k))
    positions = np.empty((len(queries), k), np.int64)
    step = max(1, BLOCK_BYTES // (8 * found.shape[1] * base.shape[1]))
    for start in range(0, len(queries), step):
        rows = slice(start, start + step)
        near = found[rows]
        difference = queries[rows, None].astype(np.float64) - base[near]
        squared = np.einsum("mkd,mkd->mk", difference, difference)
        if exclude_self:
            squared[near == np.arange(start, start + len(near))[:, None]] = np.inf
        order = np.argsort(squared, axis=1, kind="stable")[:, :k]
        distances[rows] = np.sqrt(np.take_along_axis(squared, order, axis=1))
        positions[rows] = np.take_along_axis(near, order, axis=1)
    return distances, positions
