"""Subsets of a data set by seed: for training, for reference, and fresh rows for later."""

import numpy as np

from actors.pool.real.dataset import RealData

# split to the field that says how many rows it has; in the order in which they are cut
SPLIT_ROWS = {"train": "rows", "reference": "reference_rows", "fresh": "fresh_rows"}


def split(dataset: RealData, name: str, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return images, (n, height, width, channels) uint8, and labels, (n,) int64, of a split.

    The splits are consecutive ranges of one permutation, hence disjoint for one seed.

    Args:
        name: `train`, `reference` or `fresh`.

    Raises:
        UserError: an image cannot be decoded.
    """
    return dataset.read(split_positions(dataset, name, seed))


def split_positions(dataset: RealData, name: str, seed: int) -> np.ndarray:
    """Return the (n,) positions of a split's rows in the data set."""
    names = list(SPLIT_ROWS)
    before = names[: names.index(name)]
    first = sum(getattr(dataset, SPLIT_ROWS[earlier]) for earlier in before)
    order = np.random.default_rng(seed).permutation(dataset.facts.rows)
    return order[first : first + getattr(dataset, SPLIT_ROWS[name])]
