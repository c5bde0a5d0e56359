"""scikit-learn's handwritten digits."""

from typing import Literal

import numpy as np

from actors.data.dataset import RealData, Source, source_of_arrays
from actors.data.images import Header

ROWS = 1797


class Digits(RealData):
    """scikit-learn's 8x8 handwritten digits, shipped in the package."""

    kind: Literal["digits"] = "digits"

    def open(self) -> Source:
        return source_of_arrays(load, ROWS, Header(8, 8, 1), 10, "scikit-learn")


def load() -> tuple[np.ndarray, np.ndarray]:
    """Return images, (1797, 8, 8) uint8, their 17 levels spread over 0 to 255, and labels."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return np.rint(data.images * (255 / 16)).astype(np.uint8), data.target
