"""Small images, and files of them."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image


def noise(seed: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    """Return (height, width[, channels]) uint8 that JPEG would not survive and PNG does."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def png(pixels: np.ndarray) -> bytes:
    """Return a PNG file."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def write(path: Path, content: bytes) -> None:
    """Write a file, and the folders it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
