"""Grids of small images, and of pairs of near ones."""

import numpy as np
from PIL import Image, ImageDraw

# pixels below a pair for its distance, and gaps between pairs for one within a pair
CAPTION = 13
WIDER = 6
LARGEST = 96  # pixels of a side of a thumbnail


def grid(images: np.ndarray, columns: int = 8, scale: int = 1, gap: int = 1) -> np.ndarray:
    """Lay out images in rows.

    Args:
        images: (n, height, width, channels) uint8, channels 1, 3 or 4.
        scale: pixels per image pixel, repeated, so that small images can be seen.
        gap: pixels between images, white, or transparent where images have four channels.

    Returns:
        (rows, columns, 3 or 4) uint8.
    """
    empty = 0 if images.shape[-1] == 4 else 255
    shown = _enlarged(images, scale)
    missing = ((0, -len(shown) % columns), (0, gap), (0, gap), (0, 0))
    shown = np.pad(shown, missing, constant_values=empty)
    n, height, width, channels = shown.shape
    rows = shown.reshape(n // columns, columns, height, width, channels).swapaxes(1, 2)
    return rows.reshape(n // columns * height, columns * width, channels)[:-gap, :-gap]


def beside_nearest(
    samples: np.ndarray,
    nearest: np.ndarray,
    distances: np.ndarray | None = None,
    columns: int = 5,
    scale: int = 1,
    gap: int = 2,
) -> np.ndarray:
    """Lay out samples, each with its nearest image at its right.

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
    pairs = paired(_enlarged(samples, scale), _enlarged(nearest, scale), gap)
    if distances is not None:
        captions = [_caption(distance, pairs.shape[2]) for distance in distances.tolist()]
        pairs = np.concatenate((pairs, np.stack(captions)), axis=1)
    return grid(pairs, columns, gap=WIDER * gap)


def paired(left: np.ndarray, right: np.ndarray, gap: int) -> np.ndarray:
    """Return (n, height, 2 width + gap, channels) pairs of images with a gap as in a grid."""
    empty = 0 if left.shape[-1] == 4 else 255
    left = np.pad(left, ((0, 0), (0, 0), (0, gap), (0, 0)), constant_values=empty)
    return np.concatenate((left, right), axis=2)


def evenly(values: np.ndarray, most: int) -> np.ndarray:
    """Return at most `most` of some values, evenly spaced, the first and the last among them."""
    places = np.linspace(0, len(values) - 1, min(most, len(values)))
    return values[np.rint(places).astype(int)]


def thumbnails(images: np.ndarray) -> np.ndarray:
    """Return (n, height, width, 4) opaque images, at most LARGEST pixels high and wide."""
    images = _enlarged(images, 1)
    _, height, width, _ = images.shape
    shrink = max(1.0, max(height, width) / LARGEST)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    small = [Image.fromarray(image).resize(size, Image.Resampling.BOX) for image in images]
    return np.stack([np.asarray(image.convert("RGBA")) for image in small])


def _enlarged(images: np.ndarray, scale: int) -> np.ndarray:
    """Return images in colour, each pixel repeated."""
    coloured = np.broadcast_to(images, (*images.shape[:3], max(3, images.shape[3])))
    return coloured.repeat(scale, axis=1).repeat(scale, axis=2)


def _caption(distance: float, width: int) -> np.ndarray:
    """Return (CAPTION, width, 3) uint8 with a number at its left."""
    strip = Image.new("RGB", (width, CAPTION), "white")
    ImageDraw.Draw(strip).text((0, 1), f"{distance:.3g}", fill="black")
    return np.asarray(strip)
