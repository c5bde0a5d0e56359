"""The pictures of a generator at one iteration."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from actors.distances.pairs import as_rows
from actors.features.pca import project
from actors.metrics import PICTURES
from actors.metrics.base import Sets
from actors.plots.images import beside_nearest, grid
from actors.plots.projection import draw_projection

PIXELS = 512
GRID_COLUMNS, PAIR_COLUMNS = 8, 5

# (n,) positions to (n, height, width, channels) uint8
Images = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Shown:
    """What the pictures are drawn from.

    Attributes:
        images: of the samples.
        trained_on: of the training set; None for a generator that was not trained here.
        shape: height, width, channels.
        title: of the projection.
    """

    sets: Sets
    images: Images
    trained_on: Images | None
    shape: tuple[int, ...]
    title: str


def draw(shown: Shown) -> Iterator[tuple[str, Callable[[Path], Any]]]:
    """Yield the name of each picture's file and what writes it."""
    yield PICTURES["samples"], _png(_grid(shown))
    if shown.trained_on is not None:
        yield PICTURES["nearest"], _png(_pairs(shown, shown.trained_on))
    arrays = (
        as_rows(rows).numpy(force=True) for rows in (shown.sets.reference, shown.sets.samples)
    )
    shares, (real, made) = project(*arrays)
    yield (
        PICTURES["projection"],
        lambda file: draw_projection(real, made, shares, file, shown.title),
    )


def _grid(shown: Shown) -> np.ndarray:
    first = np.arange(min(GRID_COLUMNS**2, len(shown.sets.samples)))
    return grid(shown.images(first), GRID_COLUMNS, _scale(shown, GRID_COLUMNS))


def _pairs(shown: Shown, trained_on: Images) -> np.ndarray:
    """Return the samples that are nearest to the training set, beside their nearest row."""
    distances, positions = shown.sets.searches.nearest("samples", "training_set")
    order = np.argsort(distances[:, 0], kind="stable")[: PAIR_COLUMNS**2]
    pairs = shown.images(order), trained_on(positions[order, 0])
    scale = _scale(shown, 2 * PAIR_COLUMNS)
    return beside_nearest(*pairs, distances[order, 0], PAIR_COLUMNS, scale)


def _scale(shown: Shown, columns: int) -> int:
    return max(1, PIXELS // (columns * shown.shape[1]))


def _png(picture: np.ndarray) -> Callable[[Path], Any]:
    return lambda file: Image.fromarray(picture).save(file, format="PNG")
