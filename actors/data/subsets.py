"""Subsets of a data set by seed: for training, for reference, and fresh rows for later.

All are ranges of one permutation of the whole set, so they share no row.
"""

import numpy as np

from actors.data.dataset import RealData


def split_range(dataset: RealData, name: str) -> tuple[int, int]:
    """Return (first, rows) of the split `train` or `reference` in the order of a seed."""
    return {
        "train": (0, dataset.rows),
        "reference": (dataset.rows, dataset.reference_rows),
    }[name]


def fresh_range(dataset: RealData, used: int, rows: int) -> tuple[int, int]:
    """Return (first, rows) of fresh rows, the next after `used` of them."""
    return dataset.rows + dataset.reference_rows + used, rows


def fresh_available(dataset: RealData) -> int:
    """Return how many rows are neither for training nor for reference."""
    return dataset.facts.rows - dataset.rows - dataset.reference_rows


def split(dataset: RealData, name: str, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return images, (n, height, width, channels) uint8, and labels, (n,) int64, of a split.

    Raises:
        UserError: an image cannot be decoded.
    """
    return dataset.read(range_positions(dataset, *split_range(dataset, name), seed))


def range_positions(dataset: RealData, first: int, rows: int, seed: int) -> np.ndarray:
    """Return the (rows,) positions in the data set of a range of the seed's order."""
    order = np.random.default_rng(seed).permutation(dataset.facts.rows)
    return order[first : first + rows]
