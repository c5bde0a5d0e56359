"""Keeping the rounding of squared distances small, and bounds for what is left of it."""

import numpy as np
import torch

# rows whose median is the centre
SAMPLED = 256
# norms that centred rows are scaled up to, the square of which float32 holds with room above
LARGEST_EXPONENT = 60
# bytes of float64 that are centred at once
BLOCK_BYTES = 1 << 19


def relative_error(roundings: int, dtype: type[np.floating]) -> float:
    """Return what so many roundings in a row may take away, as a share; infinite where all.

    Source: gamma_n = n u / (1 - n u), with u half the distance of 1 to the next number; it bounds
    a sum of products in whatever order they are added (Higham, Accuracy and Stability of Numerical
    Algorithms, 2002, lemma 3.1).
    """
    lost = roundings * float(np.finfo(dtype).eps) / 2
    return lost / (1 - lost) if lost < 1 else np.inf


def product_error(dimension: int, dtype: type[np.floating]) -> float:
    """Return e with | |x|^2 + |y|^2 - 2 x.y - |x - y|^2 | <= e (|x| + |y|)^2 as computed.

    Of the d + 8 roundings d + 3 are those of the products and of their sum, the others those of
    x and y, of which each may have been rounded once, and of the lengths.
    """
    return relative_error(dimension + 8, dtype)


def difference_error(dimension: int) -> float:
    """Return the share by which a sum of squared float64 differences may be off."""
    return relative_error(dimension + 4, np.float64)


def underflow(dimension: int) -> float:
    """Return what numbers below float32's normal ones may take away from a sum of d products."""
    return 8.0 * (dimension + 8) * float(np.finfo(np.float32).tiny)


def middle(rows: np.ndarray) -> np.ndarray:
    """Return the (d,) float64 median, per dimension, of some of the (n, d) rows.

    Unlike the mean it does not follow a few rows that are far from the others, and each of its
    elements is one of theirs: where those are integers it is one as well.
    """
    some = rows[:: max(1, len(rows) // SAMPLED)]
    half = len(some) // 2
    return np.partition(some, half, axis=0)[half].astype(np.float64)


def largest_power(*sets: np.ndarray | torch.Tensor) -> int:
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
