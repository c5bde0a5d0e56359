"""What makes a run or a sweep the one that it is, by which it is found again in its store.

Where the store lies, who does the work with what, and what is done about damage are no part of it.
"""

import hashlib
import json
from typing import Any

from actors.features import Extractor
from actors.generators import Family
from orchestrator.config import Experiment

LEFT_OUT = {"arms", "damaged", "features", "generators", "resources", "store"}


def experiment_key(experiment: Experiment) -> str:
    """Return the hash of all that determines what comes out of an experiment, and of its name."""
    arms = experiment.arm_experiments().items()
    return key({arm: identity(configuration) for arm, configuration in arms})


def key(value: object) -> str:
    """Return the hash of JSON values, 16 hex digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def identity(experiment: Experiment) -> dict[str, Any]:
    """Return what of one arm determines its output, with its name, as JSON values."""
    value = experiment.model_dump(mode="json", exclude=LEFT_OUT)
    # the content tells data sets apart, wherever it lies
    for field in experiment.dataset.EXECUTION:
        del value["dataset"][field]
    value["dataset"]["digest"] = experiment.dataset.info.digest
    threads = experiment.resources.features.threads
    value["features"] = {**_extractor(experiment.features), "threads": threads}
    value["evaluation"]["features"] = _extractor(experiment.measured_in)
    shape = experiment.dataset.image_shape
    value["generators"] = {
        name: _family(family, shape) for name, family in experiment.generators.items()
    }
    return value


def _extractor(extractor: Extractor) -> dict[str, Any]:
    return {**extractor.identity, "digest": extractor.digest()}


def _family(generator: Family, image_shape: tuple[int, int, int]) -> dict[str, Any]:
    value, _ = generator.divided()
    digest = generator.digest(image_shape)
    return {**value, "threads": generator.resources.threads, "digest": digest}
