"""What every feature extractor has."""

from abc import abstractmethod

import numpy as np

from actors.config import Config


class Extractor(Config):
    """Configuration of one extractor."""

    kind: str

    @abstractmethod
    def dimension(self, image_shape: tuple[int, int, int]) -> int:
        """Return the number of features of one (height, width, channels) image."""

    @abstractmethod
    def extract(self, images: np.ndarray) -> np.ndarray:
        """Return (n, d) float32 features of (n, height, width, channels) uint8 images."""
