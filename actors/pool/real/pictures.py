"""An image as it is stored, and the pixels that the pool takes from it."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import islice

import joblib
import numpy as np
from PIL import Image

from actors.curation.decoding import BROKEN, cause
from actors.errors import UserError
from actors.pool.real.source import Header, Item, Stored

# encoded images in memory at a time, and those that a thread takes at once
BATCH, TASK = 256, 16


def open_image(stored: Stored) -> Image.Image:
    """Return the image, its pixels not decoded yet."""
    if isinstance(stored, np.ndarray):
        return Image.fromarray(stored.squeeze(2) if stored.shape[2:] == (1,) else stored)
    return Image.open(BytesIO(stored) if isinstance(stored, bytes) else stored)


def read_header(name: str, stored: Stored) -> Header:
    """Return an image's header.

    Raises:
        UserError: it is no image, or its pixels are no integers.
    """
    try:
        with open_image(stored) as image:
            mode = image.mode
            if mode == "F":
                raise UserError(f"{name}: its pixels are floats; allowed are 8 and 16 bits")
            grey = mode in ("1", "L", "LA") or mode.startswith("I")
            return Header(*image.size, 1 if grey else 3)
    except UserError:
        raise
    except BROKEN as error:
        raise UserError(f"{name}: cannot be decoded: {cause(error)}") from None


def common_shape(
    headers: Iterable[tuple[str, Header]], side: int | None, channels: int | None
) -> tuple[int, int, int]:
    """Return the (height, width, channels) that all images have once they are read.

    Args:
        side: of the square that they are resized and cropped to, None to leave them as they are.
        channels: that they are converted to, None to leave them as they are.

    Raises:
        UserError: two differ.
    """
    named = iter(headers)
    first, one = next(named)
    for name, other in named:
        if side is None and other[:2] != one[:2]:
            raise UserError(
                f"images differ in size: {first} is {one.width}x{one.height}, {name} is "
                f"{other.width}x{other.height}; set dataset.resize to resize and crop them all"
            )
        if channels is None and other.channels != one.channels:
            kinds = {1: "grey", 3: "colour"}
            raise UserError(
                f"images differ in channels: {first} is {kinds[one.channels]}, {name} is "
                f"{kinds[other.channels]}; set dataset.channels to 1 or 3 to convert them all"
            )
    return side or one.height, side or one.width, channels or one.channels


def decode(stored: Stored, channels: int, side: int | None) -> np.ndarray:
    """Return an image as (height, width, channels) uint8.

    16 bits are cut to the upper 8, transparency is dropped.

    Raises:
        BROKEN: it cannot be decoded.
    """
    with open_image(stored) as opened:
        image: Image.Image = opened
        if image.mode.startswith("I"):
            image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
        elif "transparency" in image.info:
            image = image.convert("RGBA")  # Pillow warns where it has to drop it itself
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


def decode_all(
    items: Iterator[Item], shape: tuple[int, int, int, int], side: int | None
) -> np.ndarray:
    """Return images as one uint8 array of a shape, (n, height, width, channels).

    Raises:
        UserError: one cannot be decoded, or has another shape.
    """
    images = np.empty(shape, np.uint8)

    def work(some: list[Item]) -> None:
        for item in some:
            try:
                image = decode(item.stored, shape[3], side)
            except BROKEN as error:
                raise UserError(
                    f"dataset: {item.name}: cannot be decoded: {cause(error)}"
                ) from None
            if image.shape != shape[1:]:
                raise UserError(f"dataset: {item.name} is {image.shape} now, but was {shape[1:]}")
            images[item.place] = image

    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        while batch := list(islice(items, BATCH)):
            list(pool.map(work, [batch[i : i + TASK] for i in range(0, len(batch), TASK)]))
    return images
