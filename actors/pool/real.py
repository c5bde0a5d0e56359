"""Real data sets: where D_0, the reference and fresh rows come from."""

from abc import abstractmethod
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from actors.config import Config

DIGITS_ROWS = 1797


class RealData(Config):
    """Configuration of one data set."""

    kind: str
    rows: int = Field(512, ge=2, description="real rows of the first training set (N)")
    reference_rows: int = Field(1024, ge=2, description="held-out rows that measures compare with")

    @property
    @abstractmethod
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""

    @abstractmethod
    def load(self) -> tuple[np.ndarray, np.ndarray]:
        """Return every image, (n, height, width, channels) uint8, and its label, (n,) int64."""


class Digits(RealData):
    """scikit-learn's 8x8 handwritten digits, shipped in the package."""

    kind: Literal["digits"] = "digits"

    @model_validator(mode="after")
    def _fits(self) -> "Digits":
        if self.rows + self.reference_rows > DIGITS_ROWS:
            raise ValueError(
                f"rows {self.rows} + reference_rows {self.reference_rows} is more than "
                f"the {DIGITS_ROWS} rows that digits has"
            )
        return self

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return (8, 8, 1)

    def load(self) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.datasets import load_digits

        data = load_digits()
        images = np.rint(data.images * (255 / 16)).astype(np.uint8)[..., None]
        return images, data.target.astype(np.int64)


REAL_DATA: dict[str, type[RealData]] = {
    "digits": Digits,
}


def split(dataset: RealData, name: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels of the split `train` or `reference`, disjoint for one seed."""
    images, labels = dataset.load()
    order = np.random.default_rng(seed).permutation(len(images))
    first, last = {
        "train": (0, dataset.rows),
        "reference": (dataset.rows, dataset.rows + dataset.reference_rows),
    }[name]
    chosen = order[first:last]
    return images[chosen], labels[chosen]
