"""Mosaics: images in rows, alone or some side by side, on the axes of a figure."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from actors.plots.style import Theme

LARGEST = 96  # pixels of a side
WIDTH = 7.0  # inches


@dataclass(frozen=True)
class Mosaic:
    """Equal tiles in rows, with a caption below each where there are captions.

    Attributes:
        tiles: (m, k, height, width, 3) uint8, k images side by side in a tile.
    """

    title: str
    tiles: np.ndarray
    columns: int
    captions: tuple[str, ...] = ()

    @property
    def _cell(self) -> tuple[int, int]:
        """Pixels of a tile with the space around it."""
        _, side_by_side, height, width, _ = self.tiles.shape
        wide = side_by_side * (width + self._gap)
        if not self.captions:
            return height + self._gap, wide
        return height + max(1, round(wide * 0.18)), wide + max(1, round(wide * 0.12))

    @property
    def _gap(self) -> int:
        """Pixels between images."""
        return max(1, round(max(self.tiles.shape[2:4]) * 0.07))

    @property
    def height(self) -> float:
        """Inches it takes at a width of WIDTH."""
        rows = -(-len(self.tiles) // self.columns)
        height, width = self._cell
        return WIDTH * rows * height / (self.columns * width)

    def draw(self, axes: Axes, theme: Theme) -> None:
        """Draw it."""
        height, width = self._cell
        _, _, tall, wide, _ = self.tiles.shape
        rows = -(-len(self.tiles) // self.columns)
        # what lies between the tiles is transparent
        canvas = np.zeros((rows * height, self.columns * width, 4), np.uint8)
        for place, tile in enumerate(self.tiles):
            top, left = place // self.columns * height, place % self.columns * width
            for number, image in enumerate(tile):
                begin = left + number * (wide + self._gap)
                canvas[top : top + tall, begin : begin + wide, :3] = image
                canvas[top : top + tall, begin : begin + wide, 3] = 255
            if self.captions:
                middle = left + (len(tile) * (wide + self._gap) - self._gap) / 2
                axes.annotate(
                    self.captions[place],
                    (middle, top + tall),
                    (0, -1),
                    textcoords="offset points",
                    ha="center",
                    va="top",
                    size=10,
                )
        axes.imshow(canvas, interpolation="antialiased")
        axes.set_anchor("NW")
        axes.set_axis_off()


def evenly(values: np.ndarray, most: int) -> np.ndarray:
    """Return at most `most` of some values, evenly spaced, the first and the last among them."""
    places = np.linspace(0, len(values) - 1, min(most, len(values)))
    return values[np.rint(places).astype(int)]


def thumbnails(images: np.ndarray) -> np.ndarray:
    """Return (m, height, width, 1 or 3) images in colour, at most LARGEST pixels high and wide."""
    images = np.broadcast_to(images, (*images.shape[:3], 3))
    _, height, width, _ = images.shape
    shrink = max(height, width) / LARGEST
    if shrink <= 1:
        return images
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    small = [Image.fromarray(image).resize(size, Image.Resampling.BOX) for image in images]
    return np.stack([np.asarray(image) for image in small])
