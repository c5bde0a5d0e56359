"""Pixels as features: a view of the images, computed as they are read and stored nowhere."""

import math

import numpy as np

from actors.pool import shards

# bytes of images that are scaled at a time
BLOCK_BYTES = 1 << 24


def scale(images: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return (n, ...) uint8 images as (n, pixels) float32, black -1 and white 1."""
    flat = images.reshape(len(images), -1)
    scaled = np.divide(flat, np.float32(127.5), out=out, dtype=np.float32)
    return np.subtract(scaled, np.float32(1), out=scaled)


class Pixels:
    """Rows of pixels picked out of mapped images by position, as `Gather` picks stored features."""

    def __init__(self, images: "shards.Gather | Pixels") -> None:
        self._images = images
        self.shape: tuple[int, ...] = (math.prod(images.shape),)
        self.dtype = np.dtype(np.float32)

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        """Return the (n, pixels) float32 rows at (n,) positions."""
        return scale(self._images[positions])

    def all(self) -> np.ndarray:
        """Return every row, (n, pixels), as one array."""
        (pixels,) = self.shape
        rows = np.empty((len(self), pixels), np.float32)
        for start, stop in shards.ranges(len(self), max(1, BLOCK_BYTES // pixels)):
            scale(self._images[np.arange(start, stop)], rows[start:stop])
        return rows
