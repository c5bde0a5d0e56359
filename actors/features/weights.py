"""Weights of extractors, read and fitted, and the card of the features made with them."""

import hashlib
from functools import lru_cache
from typing import Any

import numpy as np
import safetensors.numpy

from actors.errors import UserError
from actors.features import EXTRACTORS, Extractor
from actors.features.extractor import Fitted
from actors.pool.manifest import read_step
from actors.pool.storage import File, Storage

FILE = "weights.safetensors"


def check(extractor: Extractor) -> None:
    """Raise UserError, "field: what", unless the weights that an extractor reads can be had."""
    try:
        extractor.digest()
    except UserError as error:
        *kinds, last = [
            kind for kind, extractor_type in EXTRACTORS.items() if not extractor_type.downloads
        ]
        raise UserError(
            f"{error}; without network work the kinds {', '.join(kinds)} and {last}"
        ) from None


def save(storage: Storage, step_path: str, fitted: Fitted) -> File:
    """Store fitted weights; return the file's record."""
    content = _serialized(fitted)
    return storage.write(f"{step_path}/{FILE}", lambda file: file.write_bytes(content))


def fingerprint(fitted: Fitted) -> str:
    """Return the sha256 of the file that fitted weights are stored as."""
    return hashlib.sha256(_serialized(fitted)).hexdigest()


def _serialized(fitted: Fitted) -> bytes:
    return safetensors.numpy.save(
        {name: np.ascontiguousarray(value) for name, value in sorted(fitted.items())}
    )


@lru_cache(maxsize=4)
def load(storage: Storage, step_path: str) -> Fitted:
    """Return the weights that a finished fit step stored, read once per process."""
    return safetensors.numpy.load_file(storage.local(f"{step_path}/{FILE}"))


def card(storage: Storage, path: str) -> dict[str, Any]:
    """Return what the features of a finished embed step must have in common with others.

    For a sample step, whose pixels are the features, what pixels have in common.

    The extractor's fields, its `name`, `resize` and `space`, and `weights`: the sha256 of the file
    that they were read from or fitted into, None for an extractor without weights.
    """
    step = read_step(storage, path)
    if step.kind == "sample":
        (name,) = (name for name, kind in EXTRACTORS.items() if kind.is_pixels)
        return _card(EXTRACTORS[name].model_validate({"kind": name}), None)
    weights = step.config.get("digest")
    if fitted := step.input("fitted"):
        weights = fingerprint(load(storage, fitted))
    features = step.config["features"]
    return _card(EXTRACTORS[features["kind"]].model_validate(features), weights)


def _card(extractor: Extractor, weights: str | None) -> dict[str, Any]:
    return {
        **extractor.identity,
        "name": extractor.name,
        "resize": extractor.resize,
        "space": extractor.space,
        "weights": weights,
    }
