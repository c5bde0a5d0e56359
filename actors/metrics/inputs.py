"""The sets of `ouroboros evaluate`: features of images, tables and arrays from anywhere."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from actors.data.feature_source import Candidates
from actors.distances.space import GIVEN
from actors.errors import UserError
from actors.features import Extractor, FittedExtractor
from actors.features.extractor import size_on_card
from actors.features.images import Images, in_colour
from actors.features.memory import load
from actors.features.weights import fingerprint
from actors.metrics.base import Sets


def read_sets(
    inputs: Mapping[str, Candidates], extractor: Extractor, k: int, seed: int
) -> tuple[Sets, list[str], list[str]]:
    """Return the features of `real`, `samples` and, if given, `train`.

    Beside them what was left out, and what is not read as one would expect. Where one set has
    colour all are read as RGB.

    Raises:
        UserError: the sets differ in their dimension, or values are missing or not finite.
    """
    images = {name: folder for name, folder in inputs.items() if isinstance(folder, Images)}
    channels = {folder.reading.shape[2] for folder in images.values()}
    for name, folder in images.items():
        if folder.reading.shape[2] < max(channels):
            images[name] = in_colour(folder)
    card: dict[str, Any] = {"features": "given", "extractor": None}
    if len(images) == len(inputs):
        readings = {name: str(folder.reading) for name, folder in images.items()}
        alike = len({*readings.values()}) == 1
        shown = readings["real"] if alike else "; ".join(f"{n} {r}" for n, r in readings.items())
        card = {"features": extractor.name, "extractor": extractor.digest()}
        card["resize"] = size_on_card(shown, extractor.resize)
        if isinstance(extractor, FittedExtractor):
            images, card["extractor"] = _fitted(images, extractor, seed)
    inputs = {**inputs, **images}
    first = inputs["real"].dimension
    for name, source in inputs.items():
        if source.dimension != first:
            raise UserError(
                f"{name}: found {source.dimension} features per row; allowed is {first}, what the "
                "real rows have (--image-size makes all images one size)"
            )
    arrays = {name: load(source) for name, source in inputs.items()}
    sets = Sets(
        arrays["samples"],
        arrays["real"],
        arrays.get("train"),
        card=card,
        k=k,
        seed=seed,
        space=extractor.space if len(images) == len(inputs) else GIVEN,
    )
    skipped, notes = (
        [f"{name}: {line}" for name, folder in inputs.items() for line in getattr(folder, field)]
        for field in ("skipped", "notes")
    )
    return sets, skipped, notes


def _fitted(
    images: Mapping[str, Images], extractor: FittedExtractor, seed: int
) -> tuple[dict[str, Images], str]:
    """Fit on the rows trained on, or on the real ones; labels are the names of folders."""
    real = images["real"].reading.shape
    for name, each in images.items():
        height, width, _ = each.reading.shape
        if (height, width) != real[:2]:
            raise UserError(
                f"{name}: found images of {width}x{height}; allowed is {real[1]}x{real[0]}, what "
                f"the real ones have, as {extractor.kind} is fitted to one size (--image-size "
                "makes all images one size)"
            )
    folder = images.get("train") or images["real"]
    try:
        extractor.check_images(folder.reading.shape, folder.rows)
    except ValueError as error:
        raise UserError(f"features.{error}") from None
    origins = folder.origins()
    labels = None if origins is None else np.unique(origins.to_numpy(False), return_inverse=True)[1]
    fitted = extractor.fit(folder.images(np.arange(folder.rows)), labels, seed)
    features = {}
    for name, each in images.items():
        # what the reading says is among the notes
        reading = replace(each.reading, notes=())
        features[name] = Images(
            each.root, each.names, reading, extractor, each.notes, each.skipped, fitted
        )
    return features, fingerprint(fitted)
