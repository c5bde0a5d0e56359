"""Rows that are exact copies of others."""

import numpy as np

# rows compared with the first of their kind at once
BLOCK = 4096


def without_repeats(rows: np.ndarray, most: int) -> np.ndarray:
    """Return the ascending positions of (n, d) rows, at most `most` of equal ones: the first."""
    # equal rows have equal keys; rows of one key are compared, so that chance decides nothing
    weights = np.random.default_rng(0).normal(size=rows.shape[1])
    keys = np.einsum("nd,d->n", rows, weights)
    _, first, group, count = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(group, kind="stable")
    rank = np.empty(len(rows), np.int64)
    rank[order] = np.arange(len(rows)) - (np.cumsum(count) - count)[group[order]]
    many = np.flatnonzero(count[group] > most)
    if not len(many):
        return np.arange(len(rows))
    parts = np.array_split(many, -(-len(many) // BLOCK))
    equal = np.concatenate([(rows[part] == rows[first[group[part]]]).all(axis=1) for part in parts])
    mixed = np.isin(group[many], group[many[~equal]])
    return np.delete(np.arange(len(rows)), many[(rank[many] >= most) & ~mixed])
