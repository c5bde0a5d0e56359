"""Checks of the rows that a measure is given."""

import numpy as np


def check(least: int = 1, **sets: np.ndarray) -> None:
    """Refuse sets that are no (n, d) rows of one width, are too small or are not finite.

    Args:
        least: rows that every set must have.
        sets: the sets by the name of their argument.

    Raises:
        ValueError: names the set, what was found and what is allowed.
    """
    first, width = "", 0
    for name, rows in sets.items():
        if rows.ndim != 2 or rows.shape[1] == 0:
            raise ValueError(f"{name}: found shape {rows.shape}; allowed is (n, d) with d >= 1")
        if len(rows) < least:
            raise ValueError(f"{name}: found {len(rows)} rows; allowed are {least} and more")
        first, width = first or name, width or rows.shape[1]
        if rows.shape[1] != width:
            raise ValueError(
                f"{name}: found {rows.shape[1]} dimensions; allowed are {width}, those of {first}"
            )
        # one sum finds NaN and infinity without a mask of the size of the rows
        with np.errstate(invalid="ignore"):
            total = rows.sum(dtype=np.float64)
        if not np.isfinite(total):
            raise ValueError(f"{name}: found values that are not finite; allowed are finite ones")


def distinct(rows: np.ndarray) -> np.ndarray:
    """Return the (n, d) rows that equal no earlier one, in their order."""
    same = np.ascontiguousarray(rows + 0)  # -0 and 0 are one number
    keys = same.view(np.dtype((np.void, same.shape[1] * same.itemsize)))[:, 0]
    return rows[np.sort(np.unique(keys, return_index=True)[1])]
