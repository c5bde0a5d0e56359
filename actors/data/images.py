"""The one reader of images: what a file, its bytes or given pixels become as an array.

Every image is read by the same rules, in this order: the first of several frames; upright, as its
EXIF says; the upper eight of 16 bits; transparent pixels over white; grey or RGB; where a side is
given, the shorter side resized to it bilinearly, and the square around the centre.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError, features

from actors.errors import UserError

# the path or the bytes of an image file, or pixels (height, width[, channels]) uint8
Stored = str | bytes | np.ndarray

GREY = ("1", "L", "LA")
COLOUR = ("P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB", "HSV")
BACKGROUND = "white"
ALLOWED = "allowed are pixels of up to 8 bits, and grey ones of 16"
# of the orientations that a file may give (EXIF 2.32, tag 0x0112)
SIDEWAYS = (5, 6, 7, 8)
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
# formats that Pillow opens with a library that it may be built without
LIBRARIES = {"AVIF": "avif", "JPEG": "jpg", "JPEG2000": "jpg_2000", "PNG": "zlib", "WEBP": "webp"}
# EPS is a program that Ghostscript would run; of MPEG only the header is read
NEVER = ("EPS", "MPEG")


class Header(NamedTuple):
    """Width and height of an image that stands upright, 1 channel for grey and 3 for colour."""

    width: int
    height: int
    channels: int
    several_frames: bool = False


@lru_cache(maxsize=1)
def suffixes() -> tuple[str, ...]:
    """Return the suffixes of the files that Pillow can decode here, in alphabetical order."""
    known = Image.registered_extensions()
    # what a phone saves beside a picture is read as the JPEG that it begins with
    openable = {kind for kind in Image.OPEN if _decodes(kind)} | {"MPO"}
    return tuple(sorted(suffix for suffix, kind in known.items() if kind in openable))


def _decodes(kind: str) -> bool:
    opens = Image.OPEN[kind][0]
    if kind in NEVER or (isinstance(opens, type) and issubclass(opens, ImageFile.StubImageFile)):
        return False
    return kind not in LIBRARIES or bool(features.check(LIBRARIES[kind]))


def read_header(stored: Stored, *, whole: bool = False) -> Header:
    """Return what an image says of itself; `whole` decodes it as well.

    Raises:
        UserError: why it cannot be read.
    """
    with _opened(stored) as image:
        if whole:
            width, height = _upright(image).size
        else:
            width, height = image.size[::-1] if _sideways(image) else image.size
        # the layers of a Photoshop file are no frames: the first image holds them all
        several = getattr(image, "is_animated", False) and image.format != "PSD"
        return Header(width, height, _channels(image), bool(several))


def decode(stored: Stored, channels: int, side: int | None) -> np.ndarray:
    """Return an image as (height, width, channels) uint8.

    Args:
        channels: 1 for grey (by the weights of ITU-R BT.601), 3 for RGB.
        side: of the square that it is resized and cropped to; None leaves its size.

    Raises:
        UserError: why it cannot be read.
    """
    with _opened(stored) as opened:
        _channels(opened)
        image = _upright(opened)
        if image.mode.startswith("I"):
            image = _eight_bits(image)
        elif image.has_transparency_data:
            clear = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", clear.size, BACKGROUND), clear)
        image = image.convert("L" if channels == 1 else "RGB")
        if side:
            image = resize_and_crop(image, side)
        return np.asarray(image).reshape(image.height, image.width, channels)


def resize_and_crop(image: Image.Image, side: int) -> Image.Image:
    """Resize the shorter side to `side` (bilinear, with antialias) and crop around the centre.

    These are torchvision's Resize and CenterCrop, as in the training example of diffusers.
    """
    short = min(image.size)
    width, height = (int(side * length / short) for length in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - side) / 2), round((height - side) / 2)
    return image.crop((left, top, left + side, top + side))


def whole(path: str) -> bytes:
    """Return the content of an image file.

    Raises:
        UserError: why it cannot be read.
    """
    if not os.path.isfile(path):
        # opening a pipe would wait for ever
        raise UserError("it is no regular file")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"it cannot be decoded: {_cause(error)}") from None


@contextmanager
def _opened(stored: Stored) -> Iterator[Image.Image]:
    """Open an image, its pixels not decoded yet; what goes wrong with it is a UserError."""
    try:
        if isinstance(stored, np.ndarray):
            pixels = stored.squeeze(2) if stored.shape[2:] == (1,) else stored
            yield Image.fromarray(pixels)
            return
        if isinstance(stored, str) and not os.path.isfile(stored):
            # opening a pipe would wait for ever
            raise UserError("it is no regular file")
        with Image.open(BytesIO(stored) if isinstance(stored, bytes) else stored) as image:
            yield image
    except UserError:
        raise
    except BROKEN as error:
        raise UserError(f"it cannot be decoded: {_cause(error)}") from None


def _channels(image: Image.Image) -> int:
    """Return 1 for a grey image and 3 for one in colour.

    Raises:
        UserError: its pixels have no range that is agreed on.
    """
    if image.mode in COLOUR:
        return 3
    # 16 bits of PNG and PNM, which some versions of Pillow hold in 32
    deep = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
    if image.mode in GREY or deep:
        return 1
    kind = {"I": "integers of 32 or signed ones of 16 bits", "F": "floats"}.get(image.mode)
    raise UserError(
        f"its pixels are {kind or f'of mode {image.mode}'}, which have no agreed range; {ALLOWED}"
    )


def _upright(image: Image.Image) -> Image.Image:
    """Return the image, decoded and turned as its EXIF says."""
    image.load()  # PNG may have its EXIF after the pixels, and Pillow turns TIFF itself
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    except Exception:  # the EXIF cannot be read, or not be written again once the image is turned
        pass
    return image


def _sideways(image: Image.Image) -> bool:
    """Whether width and height change places once an image that is not decoded yet is upright."""
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return False  # Pillow has done it, or would have to decode the image to know
    try:
        return image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
    except Exception:  # what cannot be read says nothing, and Pillow's errors there are many
        return False


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return the upper eight bits of a grey image of 16 (or 12).

    Raises:
        UserError: that would be black, and it is not.
    """
    values = np.asarray(image)
    bits = 16
    if image.format == "TIFF":
        (bits,) = image.tag_v2.get(258, (16,))  # type: ignore[attr-defined]
    if 0 < values.max() < 1 << (bits - 8):
        raise UserError(
            f"its pixels are of {bits} bits and at most {values.max()}, which would be black; "
            "save it with 8 bits, or with values that use the range"
        )
    levels = (values >> (bits - 8)).clip(0, 255).astype(np.uint8)
    if isinstance(clear := image.info.get("transparency"), int):
        levels[values == clear] = 255
    return Image.fromarray(levels)


def _cause(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "its content is no image that Pillow knows"
    return getattr(error, "strerror", None) or " ".join(str(error).split())[:120] or repr(error)
