"""Measuring sets that come from anywhere: folders of images, tables and arrays of embeddings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from actors.curation.images import ImageFolder
from actors.curation.inputs import Candidates
from actors.errors import UserError
from actors.evaluation.groups import Sets
from actors.features import Extractor
from actors.features.extractor import Fitted
from actors.features.memory import load
from actors.features.source import FeatureSource
from actors.features.space import GIVEN


@dataclass(frozen=True)
class Extracted:
    """The images of a folder as the features that a fitted extractor makes of them."""

    images: ImageFolder
    extractor: Extractor
    fitted: Fitted

    @property
    def rows(self) -> int:
        return self.images.rows

    @property
    def dimension(self) -> int:
        return self.extractor.dimension(self.images.shape)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return the (stop - start, d) float32 features of some images."""
        pixels = self.images.images(np.arange(start, stop))
        return self.extractor.extract(pixels, self.fitted)


def gather(
    inputs: Mapping[str, Candidates], extractor: Extractor, k: int, seed: int
) -> tuple[Sets, list[str]]:
    """Return the features of `real`, `samples` and, if given, `train`, and what was left out.

    Raises:
        UserError: the sets differ in their dimension, or values are missing or not finite.
    """
    sources: dict[str, FeatureSource] = dict(inputs)
    card: dict[str, Any] = {"features": "given", "extractor": None}
    space = GIVEN
    if all(isinstance(one, ImageFolder) for one in inputs.values()):
        card = {"features": extractor.name, "extractor": extractor.digest()}
        card["resize"] = extractor.resize
        space = extractor.space
        if extractor.fits:
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
    return sets, [f"{name}: {one}" for name in inputs for one in inputs[name].skipped]


def _fitted(
    inputs: Mapping[str, Any], extractor: Extractor, seed: int
) -> tuple[dict[str, FeatureSource], str]:
    """Fit on the rows trained on, or on the real ones; labels are the names of folders."""
    from actors.features.weights import fingerprint

    folder = inputs.get("train") or inputs["real"]
    try:
        extractor.check_images(folder.shape, folder.rows)
    except ValueError as error:
        raise UserError(f"features.{error}") from None
    origins = folder.origins()
    labels = None if origins is None else np.unique(origins.to_numpy(False), return_inverse=True)[1]
    fitted = extractor.fit(folder.images(np.arange(folder.rows)), labels, seed)
    sources = {name: Extracted(one, extractor, fitted) for name, one in inputs.items()}
    return dict(sources), fingerprint(fitted)
