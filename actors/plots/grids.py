"""Grids of small images, and of pairs of near ones."""

import numpy as np
from PIL import Image, ImageDraw

# pixels below a pair for its distance, and gaps between pairs for one within a pair
CAPTION = 13
WIDER = 6


def grid(images: np.ndarray, columns: int = 8, scale: int = 1, gap: int = 1) -> np.ndarray:
    """Lay out the first columns x columns images in a square.

    Args:
        images: (n, height, width, channels) uint8, channels 1 or 3.
        scale: pixels per image pixel, repeated, so that small images can be seen.
        gap: white pixels between images.

    Returns:
        (rows, columns, 3) uint8.
    """
    shown = images[: columns * columns]
    missing = -len(shown) % columns
    shown = np.concatenate((shown, np.full((missing, *shown.shape[1:]), 255, np.uint8)))
    shown = _enlarged(shown, scale)
    shown = np.pad(shown, ((0, 0), (0, gap), (0, gap), (0, 0)), constant_values=255)
    n, height, width, _ = shown.shape
    rows = shown.reshape(n // columns, columns, height, width, 3).swapaxes(1, 2)
    return rows.reshape(n // columns * height, columns * width, 3)[:-gap, :-gap]


def beside_nearest(
    samples: np.ndarray,
    nearest: np.ndarray,
    distances: np.ndarray | None = None,
    columns: int = 5,
    scale: int = 1,
    gap: int = 2,
) -> np.ndarray:
    """Lay out the first columns x columns samples, each with its nearest image at its right.

    Args:
        samples: (n, height, width, channels) uint8, channels 1 or 3.
        nearest: as `samples`; row i is the training image nearest to sample i.
        distances: (n,), written below the pairs.
        columns: pairs in a row.
        scale: pixels per image pixel, repeated, so that small images can be seen.
        gap: white pixels within a pair; between pairs there are several times as many.

    Returns:
        (rows, columns, 3) uint8.

    Raises:
        ValueError: the images, or the distances, do not pair up.
    """
    if samples.shape != nearest.shape or (distances is not None and len(distances) != len(samples)):
        raise ValueError(
            f"nearest: found {nearest.shape} and {None if distances is None else len(distances)} "
            f"distances; allowed are one image and one distance for each of {samples.shape}"
        )
    shown = slice(columns * columns)
    left, right = (_enlarged(images[shown], scale) for images in (samples, nearest))
    space = np.full((*left.shape[:2], gap, 3), 255, np.uint8)
    pairs = np.concatenate((left, space, right), axis=2)
    if distances is not None:
        captions = [_caption(distance, pairs.shape[2]) for distance in distances[shown].tolist()]
        pairs = np.concatenate((pairs, np.stack(captions)), axis=1)
    return grid(pairs, columns, gap=WIDER * gap)


def _enlarged(images: np.ndarray, scale: int) -> np.ndarray:
    """Return images in colour, each pixel repeated."""
    coloured = np.broadcast_to(images, (*images.shape[:3], 3))
    return coloured.repeat(scale, axis=1).repeat(scale, axis=2)


def _caption(distance: float, width: int) -> np.ndarray:
    """Return (CAPTION, width, 3) uint8 with a number at its left."""
    strip = Image.new("RGB", (width, CAPTION), "white")
    ImageDraw.Draw(strip).text((0, 1), f"{distance:.3g}", fill="black")
    return np.asarray(strip)
