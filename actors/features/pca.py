"""Principal components of pixels as features."""

import math
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from actors.distances.space import PIXELS, Space
from actors.features.extractor import Fitted, FittedExtractor

# values centred at once, in float64
BLOCK = 1 << 24


class Pca(FittedExtractor):
    """Coordinates on the top principal components of the real training set's scaled pixels."""

    # a projection, whose distances are those of pixels or less
    space: ClassVar[Space] = PIXELS

    kind: Literal["pca"] = "pca"
    components: int = Field(64, ge=1, description="how many, those of largest variance first")

    def check_images(self, image_shape: tuple[int, int, int], rows: int) -> None:
        pixels = math.prod(image_shape)
        most = min(pixels, rows - 1)
        if self.components > most:
            raise ValueError(
                f"components: found {self.components}; allowed are up to {most}, which "
                f"{rows} real rows of {pixels} pixels have"
            )

    def dimension(self, image_shape: tuple[int, int, int]) -> int:
        return self.components

    def fit(self, images: np.ndarray, labels: np.ndarray | None, seed: int) -> Fitted:
        """Return `mean`, (pixels,), and `components`, (components, pixels), float64; no chance."""
        mean, components = principal(images.reshape(len(images), -1), self.components)
        return {"mean": mean / 127.5 - 1, "components": components}

    def extract(self, images: np.ndarray, model: Any = None) -> np.ndarray:
        pixels = images.reshape(len(images), -1) / 127.5 - 1
        return ((pixels - model["mean"]) @ model["components"].T).astype(np.float32)


def principal(rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean, (d,), and the top components, (count, d), of (n, d) rows.

    Exact, from the eigenvectors of the smaller of covariance, d x d, and Gram matrix, n x n, in
    float64. A component's sign makes its largest entry positive.
    """
    from scipy.linalg import eigh

    n, d = rows.shape
    mean = rows.mean(axis=0, dtype=np.float64)
    smaller = np.zeros((min(n, d),) * 2)
    if d <= n:
        for block in _blocks(n, d):
            centred = rows[block] - mean
            smaller += centred.T @ centred
    else:
        for block in _blocks(d, n):
            centred = rows[:, block] - mean[block]
            smaller += centred @ centred.T
    size = len(smaller)
    vectors = eigh(smaller, subset_by_index=(size - count, size - 1))[1][:, ::-1]
    if d > n:
        columns = [(rows[:, block] - mean[block]).T @ vectors for block in _blocks(d, n)]
        # orthogonal already, but not of length 1
        vectors = np.linalg.qr(np.concatenate(columns))[0]
    largest = np.abs(vectors).argmax(axis=0)
    components = (vectors * np.sign(vectors[largest, np.arange(count)])).T
    return mean, np.ascontiguousarray(components)


def project(reference: np.ndarray, *sets: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Project rows onto the top two principal components of the reference.

    Exact and in float64; a component's largest entry is positive.

    Args:
        reference: (n, d) features of the rows that define the mean and the components.
        sets: (m, d) features of other rows.

    Returns:
        The (2,) float64 shares of the variance of the reference that the components have, and
        (m, 2) float64 coordinates: those of the reference first, then those of every set. Where
        there is no second component its coordinates are 0.
    """
    count = min(2, *reference.shape)
    mean, components = principal(reference, count)
    components = np.pad(components, ((0, 2 - count), (0, 0)))
    coordinates = [
        np.concatenate([(rows[block] - mean) @ components.T for block in _blocks(*rows.shape)])
        for rows in (reference, *sets)
    ]
    total = reference.var(axis=0, dtype=np.float64).sum()
    return coordinates[0].var(axis=0) / (total or 1), coordinates


def _blocks(length: int, other: int) -> list[slice]:
    step = max(1, BLOCK // other)
    return [slice(start, start + step) for start in range(0, length, step)]
