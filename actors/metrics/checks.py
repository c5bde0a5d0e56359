"""What every metric asks of the rows it is given."""

from collections.abc import Collection

import numpy as np


def check(least: int = 1, *, finite: Collection[str] = (), **sets: np.ndarray) -> None:
    """Refuse sets that are no (n, d) rows of one width, are too small or are not finite.

    Args:
        least: rows that every set must have.
        finite: sets of which that is known.
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
            total = 0.0 if name in finite else rows.sum(dtype=np.float64)
        if not np.isfinite(total):
            raise ValueError(f"{name}: found values that are not finite; allowed are finite ones")
