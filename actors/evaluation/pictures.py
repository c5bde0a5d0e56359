"""Pictures of samples."""

import numpy as np


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
    shown = np.broadcast_to(shown, (*shown.shape[:3], 3))
    shown = shown.repeat(scale, axis=1).repeat(scale, axis=2)
    shown = np.pad(shown, ((0, 0), (0, gap), (0, gap), (0, 0)), constant_values=255)
    n, height, width, _ = shown.shape
    rows = shown.reshape(n // columns, columns, height, width, 3).swapaxes(1, 2)
    return rows.reshape(n // columns * height, columns * width, 3)[:-gap, :-gap]
