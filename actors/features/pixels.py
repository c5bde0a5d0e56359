"""Pixels as features."""

from typing import ClassVar, Literal

import numpy as np

from actors.distances.space import PIXELS, Space
from actors.features.extractor import Extractor
from actors.pool.pixels import scale


class Pixels(Extractor):
    """The image itself, flattened and scaled to [-1, 1]; 1 there is 127.5 in 0..255 pixel space."""

    space: ClassVar[Space] = PIXELS
    is_pixels: ClassVar[bool] = True

    kind: Literal["pixels"] = "pixels"

    def dimension(self, image_shape: tuple[int, int, int]) -> int:
        height, width, channels = image_shape
        return height * width * channels

    def extract(self, images: np.ndarray, model: None = None) -> np.ndarray:
        return scale(images)
