"""Decoding image files, many at a time."""

import os
import struct
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import joblib
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff")
SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L")
GREY = ("1", "L", "LA", *SIXTEEN_BITS)
COLOUR = ("P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB", "HSV")
# what Pillow's readers raise about broken files
BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    struct.error,
    Image.DecompressionBombError,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Header:
    """What an image file says of itself."""

    size: tuple[int, int]
    mode: str


def read_header(path: str, *, whole: bool = False) -> Header | str:
    """Return an image's (width, height) and mode, or why it is none; `whole` decodes it as well."""
    if not os.path.isfile(path):
        return "it is no regular file"  # opening a pipe would wait for ever
    try:
        with Image.open(path) as image:
            if image.mode not in (*GREY, *COLOUR):
                return f"its pixels are of mode {image.mode}; allowed are 8 and 16 bits"
            if whole:
                image.load()
            return Header(image.size, image.mode)
    except BROKEN as error:
        return cause(error)


def decode(path: str, mode: str, side: int | None) -> np.ndarray:
    """Return an image as (height, width, channels) uint8.

    Args:
        mode: L or RGB; 16 bits are cut to the upper 8, transparency is dropped.
        side: of the square that the image is resized to by its shortest side (bicubic, with
            antialias) and cropped to around its centre; None leaves it as it is.

    Raises:
        BROKEN: it cannot be decoded.
    """
    with Image.open(path) as opened:
        image: Image.Image = opened
        if image.mode in SIXTEEN_BITS:
            image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
        elif "transparency" in image.info:
            image = image.convert("RGBA")
        image = image.convert(mode)
        if side:
            image = ImageOps.fit(image, (side, side), Image.Resampling.BICUBIC)
        return np.asarray(image).reshape(image.height, image.width, -1)


def in_threads(work: Callable[[str], T], paths: Iterable[str]) -> list[T]:
    """Return work(path) for every path, in order; Pillow decodes in parallel."""
    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        return list(pool.map(work, paths))


def cause(error: Exception) -> str:
    """Return in few words why a file could not be decoded."""
    if isinstance(error, UnidentifiedImageError):
        return "its content is no image that Pillow knows"
    return getattr(error, "strerror", None) or " ".join(str(error).split())[:120] or repr(error)
