"""Rows that repeat an earlier row exactly, counted by 128-bit keys."""

from collections.abc import Iterable

import numpy as np


def row_keys(blocks: Iterable[tuple[int, np.ndarray]], rows: int) -> np.ndarray:
    """Return (N, 2) uint64 keys, equal for equal rows and, but for chance, for no others.

    A key is a random linear form of a row's bits modulo 2^64 (Carter and Wegman 1979).
    """
    keys = np.empty((rows, 2), np.uint64)
    factors = np.empty((0, 2), np.uint64)
    for start, block in blocks:
        if len(factors) != block.shape[1]:
            odd = np.random.default_rng(0).integers(0, 1 << 63, (block.shape[1], 2), np.uint64)
            factors = 2 * odd + np.uint64(1)
        bits = np.add(block, np.float32(0)).view(np.uint32)  # -0 and 0 are one number
        keys[start : start + len(block)] = bits.astype(np.uint64) @ factors
    return keys


def repeated(keys: np.ndarray) -> int:
    """Return how many of the (N, 2) keys another one before them equals."""
    ordered = keys[np.lexsort(keys.T)]
    return int((ordered[1:] == ordered[:-1]).all(axis=1).sum())
