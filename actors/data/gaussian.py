"""Rows whose distribution is known: a Gaussian, or a mixture of a few, around mid grey."""

import hashlib
from typing import Literal

import numpy as np
from pydantic import Field

from actors.data.dataset import RealData, Source, source_of_arrays
from actors.data.images import Header

# levels of a pixel per unit of [-1, 1], and the level of 0
LEVELS = 127.5


class Gaussian(RealData):
    """Square grey images whose pixels are independent Gaussians around their component's centre.

    One component has its centre at mid grey and no labels; of several, all equally probable, the
    labels are the components. Values beyond black and white are clipped.
    """

    kind: Literal["gaussian"] = "gaussian"
    size: int = Field(8, ge=1, le=256, description="side of the images in pixels")
    deviation: float = Field(
        0.2, gt=0, le=1, description="standard deviation of a pixel; black is -1, white 1"
    )
    components: int = Field(1, ge=1, le=256, description="Gaussians that rows are drawn from")
    spread: float = Field(
        0.3, ge=0, le=1, description="standard deviation of the centres of several components"
    )
    available: int = Field(8192, ge=4, description="rows in the set")
    data_seed: int = Field(0, ge=0, description="seed of centres and rows")

    @property
    def has_equal_variances(self) -> bool:
        return self.components == 1

    def open(self) -> Source:
        images, components = draw(self)
        digest = hashlib.sha256(images.tobytes() + components.tobytes()).hexdigest()
        classes, labels = (self.components, components) if self.components > 1 else (None, None)
        header = Header(self.size, self.size, 1)
        return source_of_arrays(lambda: (images, labels), len(images), header, classes, digest)


def centres(dataset: Gaussian) -> np.ndarray:
    """Return the (components, pixels) float64 centres, in [-1, 1] units."""
    shape = (dataset.components, dataset.size**2)
    if dataset.components == 1:
        return np.zeros(shape)
    rng = np.random.default_rng((dataset.data_seed, 0))
    return dataset.spread * rng.standard_normal(shape)


def draw(dataset: Gaussian) -> tuple[np.ndarray, np.ndarray]:
    """Return every row's image, (available, size, size) uint8, and component, (available,) int64.

    Rounding to levels adds about 1/12 level squared to the variance of a pixel.
    """
    rng = np.random.default_rng((dataset.data_seed, 1))
    components = rng.integers(dataset.components, size=dataset.available)
    pixels = dataset.deviation * rng.standard_normal((dataset.available, dataset.size**2))
    pixels += centres(dataset)[components]
    levels = np.rint((pixels.clip(-1, 1) + 1) * LEVELS).astype(np.uint8)
    return levels.reshape(-1, dataset.size, dataset.size), components
