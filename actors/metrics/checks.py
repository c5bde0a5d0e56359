"""What every metric asks of the rows it is given."""

from collections.abc import Collection

import torch

from actors.distances.pairs import Rows, as_rows


def check(least: int = 1, *, finite: Collection[str] = (), **sets: Rows) -> None:
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
        # the ends show NaN and infinity without a mask of the size of the rows
        if (
            name not in finite
            and len(rows)
            and not torch.stack(as_rows(rows).aminmax()).isfinite().all()
        ):
            raise ValueError(f"{name}: found values that are not finite; allowed are finite ones")
