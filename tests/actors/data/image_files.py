"""Small images, some like those of cameras, and files of them."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def noise(seed: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    """Return (height, width[, channels]) uint8 that JPEG would not survive and PNG does."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write(path: Path, content: bytes) -> None:
    """Write a file, and the folders it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def photo(seed: int, height: int, width: int) -> np.ndarray:
    """Return (height, width, 3) uint8 whose power falls with the square of the frequency.

    Natural images have that spectrum (Field 1987); the colours of a pixel are alike, as theirs are.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    frequency = np.maximum(np.hypot(rows, columns), 1 / max(height, width))
    shape = (4, height, frequency.shape[1])
    waves = (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / frequency
    fields = np.fft.irfft2(waves, s=(height, width), axes=(1, 2))
    fields /= fields.std(axis=(1, 2), keepdims=True)
    pixels = 128 + 50 * (fields[0] + 0.3 * fields[1:]) + 25 * rng.normal(size=(3, 1, 1))
    return np.ascontiguousarray(pixels.clip(0, 255).astype(np.uint8).transpose(1, 2, 0))


def encoded(image: Image.Image | np.ndarray, format: str = "png", **options: Any) -> bytes:
    """Return an image file."""
    file = BytesIO()
    shown = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    shown.save(file, format, **options)
    return file.getvalue()


def turned(orientation: int) -> Image.Exif:
    """Return EXIF data that say how a picture has to be turned to stand upright."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif
