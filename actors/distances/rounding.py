"""How far rounding may take a computed squared distance from the true one."""

import numpy as np


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
