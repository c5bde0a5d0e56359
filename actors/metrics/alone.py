"""Measuring sets that come from anywhere: folders of images, tables and arrays of embeddings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from actors.data.feature_source import Candidates, FeatureSource
from actors.distances.space import GIVEN
from actors.errors import UserError
from actors.features import Extractor, FittedExtractor
from actors.features.extractor import Fitted, size_on_card
from actors.features.images import Images, in_colour
from actors.features.memory import load
from actors.features.weights import fingerprint
from actors.metrics.groups import Sets


@dataclass(frozen=True)
class Extracted:
    """The images of a folder as the features that a fitted extractor makes of them."""

    images: Images
    extractor: FittedExtractor
    fitted: Fitted

    @property
    def rows(self) -> int:
        return self.images.rows

    @property
    def dimension(self) -> int:
        return self.extractor.dimension(self.images.reading.shape)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return the (stop - start, d) float32 features of some images."""
        pixels = self.images.images(np.arange(start, stop))
        return self.extractor.extract(pixels, self.fitted)


def gather(
    inputs: Mapping[str, Candidates], extractor: Extractor, k: int, seed: int
) -> tuple[Sets, list[str], list[str]]:
    """Return the features of `real`, `samples` and, if given, `train`.

    Beside them what was left out, and what is not read as one would expect. Where one set has
    colour all are read as RGB.

    Raises:
        UserError: the sets differ in their dimension, or values are missing or not finite.
    """
    inputs = _of_one_kind(inputs)
    sources: dict[str, FeatureSource] = dict(inputs)
    card: dict[str, Any] = {"features": "given", "extractor": None}
    space = GIVEN
    if all(isinstance(one, Images) for one in inputs.values()):
        card = {"features": extractor.name, "extractor": extractor.digest()}
        readings = {name: str(one.reading) for name, one in inputs.items()}
        alike = len({*readings.values()}) == 1
        shown = readings["real"] if alike else "; ".join(f"{n} {r}" for n, r in readings.items())
        card["resize"] = size_on_card(shown, extractor.resize)
        space = extractor.space
        if isinstance(extractor, FittedExtractor):
            sources, card["extractor"] = _fitted(inputs, extractor, seed)
    first = sources["real"].dimension
    for name, source in sources.items():
        if source.dimension != first:
            raise UserError(
                f"{name}: found {source.dimension} features per row; allowed is {first}, what the "
                "real rows have (--image-size makes all images one size)"
            )
    arrays = {name: load(source) for name, source in sources.items()}
    sets = Sets(
        arrays["samples"],
        arrays["real"],
        arrays.get("train"),
        card=card,
        k=k,
        seed=seed,
        space=space,
    )
    skipped, notes = (
        [f"{name}: {line}" for name, one in inputs.items() for line in getattr(one, field)]
        for field in ("skipped", "notes")
    )
    return sets, skipped, notes


def _of_one_kind(inputs: Mapping[str, Candidates]) -> dict[str, Any]:
    """Return the inputs, images among them in colour where some have it."""
    channels = {one.reading.shape[2] for one in inputs.values() if isinstance(one, Images)}
    return {
        name: in_colour(one)
        if isinstance(one, Images) and one.reading.shape[2] < max(channels)
        else one
        for name, one in inputs.items()
    }


def _fitted(
    inputs: Mapping[str, Any], extractor: FittedExtractor, seed: int
) -> tuple[dict[str, FeatureSource], str]:
    """Fit on the rows trained on, or on the real ones; labels are the names of folders."""
    shapes = {name: one.reading.shape for name, one in inputs.items()}
    for name, (height, width, _) in shapes.items():
        if (height, width) != (real := shapes["real"])[:2]:
            raise UserError(
                f"{name}: found images of {width}x{height}; allowed is {real[1]}x{real[0]}, what "
                f"the real ones have, as {extractor.kind} is fitted to one size (--image-size "
                "makes all images one size)"
            )
    folder = inputs.get("train") or inputs["real"]
    try:
        extractor.check_images(folder.reading.shape, folder.rows)
    except ValueError as error:
        raise UserError(f"features.{error}") from None
    origins = folder.origins()
    labels = None if origins is None else np.unique(origins.to_numpy(False), return_inverse=True)[1]
    fitted = extractor.fit(folder.images(np.arange(folder.rows)), labels, seed)
    sources = {name: Extracted(one, extractor, fitted) for name, one in inputs.items()}
    return dict(sources), fingerprint(fitted)
