"""Rows about a centre of their own, where a matrix product loses fewest digits, as float32."""

import numpy as np

# rows whose median is the centre
SAMPLED = 256
# norms that centred rows are scaled up to, the square of which float32 holds with room above
LARGEST_EXPONENT = 60
# bytes of float64 that are centred at once
BLOCK_BYTES = 1 << 19


def middle(rows: np.ndarray) -> np.ndarray:
    """Return the (d,) float64 median, per dimension, of some of the (n, d) rows.

    Unlike the mean it does not follow a few rows that are far from the others, and each of its
    elements is one of theirs: where those are integers it is one as well.
    """
    some = rows[:: max(1, len(rows) // SAMPLED)]
    half = len(some) // 2
    return np.partition(some, half, axis=0)[half].astype(np.float64)


def largest_power(*sets: np.ndarray) -> int:
    """Return the least e for which no element of any (n, d) set is larger than 2^e in size.

    Raises:
        ValueError: NaN or infinity.
    """
    ends = np.array([float(end) for rows in sets for end in (rows.min(), rows.max())])
    if not np.isfinite(ends).all():
        raise ValueError("rows: found values that are not finite; allowed are finite ones")
    return int(np.frexp(np.abs(ends).max())[1])


def scaling(power: int, dimension: int, exponent: int = LARGEST_EXPONENT) -> float:
    """Return a power of two that brings the lengths of all (x - c) down or up to 2^exponent.

    Args:
        power: of the largest element of rows and centre.
        dimension: d.
        exponent: by default one whose square float32 holds as well.
    """
    return float(np.ldexp(1.0, exponent - power - 1 - int(np.ceil(np.log2(dimension) / 2))))


def centred(rows: np.ndarray, centre: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return scale * (x - c) of (n, d) rows in float32 and the (n,) float64 lengths of these."""
    out = np.empty(rows.shape, np.float32)
    lengths = np.empty(len(rows))
    step = max(1, BLOCK_BYTES // (8 * rows.shape[1]))
    for start in range(0, len(rows), step):
        block = slice(start, start + step)
        exact = np.subtract(rows[block], centre, dtype=np.float64)
        exact *= scale
        out[block] = exact
        lengths[block] = np.einsum("nd,nd->n", exact, exact)
    return out, np.sqrt(lengths, out=lengths)
