"""Why a row is in a selection or not, as one plain sentence."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

DIGITS = 4  # of a distance that are shown
UNKNOWN = "left out; the picked row nearest to it was not looked for"


def sentences(rank: pa.Array, distance: pa.Array, covered_by: pa.Array) -> pa.Array:
    """Return a sentence per row.

    Args:
        rank: (m,) int64 from 0; null for a row that is not picked.
        distance: (m,) float64 to the nearest row picked before, or to the covering row, or null.
        covered_by: (m,) id of the picked row nearest to one that is not picked; null for a picked
            one, and where it is not known.
    """
    near = significant(distance)
    is_copy = pc.equal(distance, 0)
    picked = pc.binary_join_element_wise("picked ", ordinals(rank), "")
    picked_near = pc.if_else(
        is_copy,
        pc.binary_join_element_wise(picked, ", an exact copy of a row picked before", ""),
        pc.binary_join_element_wise(picked, ", ", near, " from the nearest row picked before", ""),
    )
    covering = pc.binary_join_element_wise("left out: row ", covered_by, ", picked, is ", "")
    left_out = pc.if_else(
        is_copy,
        pc.binary_join_element_wise(covering, "an exact copy", ""),
        pc.binary_join_element_wise(covering, near, " away", ""),
    )
    return pc.coalesce(picked_near, picked, left_out, pa.scalar(UNKNOWN))


def ordinals(rank: pa.Array) -> pa.Array:
    """Return 1st, 2nd, 3rd, ... for ranks 0, 1, 2, ...; null stays null."""
    number = pc.add(rank, 1)
    counted = number.fill_null(0).to_numpy()
    last = counted % 10
    place = np.where((last > 3) | (counted // 10 % 10 == 1), 0, last)
    endings = pa.array(["th", "st", "nd", "rd"]).take(pa.array(place))
    return pc.binary_join_element_wise(number.cast(pa.string()), endings, "")


def significant(distance: pa.Array) -> pa.Array:
    """Return distances >= 0 as text, to four digits or to whole units; null stays null."""
    values = distance.to_numpy(zero_copy_only=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        decimals = np.nan_to_num(DIGITS - 1 - np.floor(np.log10(values)), nan=0, posinf=0)
    scale = 10.0 ** decimals.clip(0, 300)
    return pa.array(np.rint(values * scale) / scale, from_pandas=True).cast(pa.string())
