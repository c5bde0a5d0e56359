"""Which step does what: the part of the configuration, the inputs and the seed of each kind."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from actors.config import Resources
from actors.data.dataset import fresh_range, split_range
from actors.features import Extractor
from actors.generators import Family, TrainedFamily
from actors.pool.schema import FRESH, REAL
from actors.pool.shards import default_rows
from actors.pool.step import Ranges, Step
from actors.seeds import derive_seed
from actors.selection import Method
from orchestrator.candidates import Candidates
from orchestrator.config import Experiment, SelectionResources

# the output of each kind of step, by a number that is raised when the same configuration comes to
# make another; tests/digests.py notices when the code of one changes
VERSIONS = {
    "real": 2,
    "fit": 1,
    "embed": 1,
    "order": 4,
    "select": 6,
    "train": 4,
    "sample": 4,
    "evaluate": 4,
}


def real_data(experiment: Experiment, split: str) -> Step:
    """Write the real rows of a split, `train` or `reference`, into the pool."""
    return _real(experiment, REAL, 0, split, split_range(experiment.dataset, split))


def fresh(experiment: Experiment, iteration: int, used: int, rows: int) -> Step:
    """Write the fresh rows that arrive after an iteration, `used` having arrived before."""
    return _real(experiment, FRESH, iteration, FRESH, fresh_range(experiment.dataset, used, rows))


def _real(
    experiment: Experiment, source: str, iteration: int, split: str, rows: tuple[int, int]
) -> Step:
    # the content tells data sets apart, wherever it lies, and the range says how many rows
    execution = {*experiment.dataset.EXECUTION, "rows", "reference_rows"}
    config = {
        "dataset": experiment.dataset.model_dump(mode="json", exclude=execution),
        "digest": experiment.dataset.info.digest,
        "images": str(experiment.dataset.info.reading),
        "source": source,
        "iteration": iteration,
        "split": split,
        "range": list(rows),
        "shard_rows": _shard_rows(experiment, rows[1]),
    }
    settings = {
        "dataset": experiment.dataset.model_dump(mode="json", include=execution),
        **_needs(experiment.resources.pool),
    }
    seed = derive_seed(experiment.seed, "split")
    return Step("sample", "pool", config, {}, seed, settings, VERSIONS["real"])


def fit(experiment: Experiment, extractor: Extractor, real: Step) -> Step:
    """Fit an extractor on the real training set."""
    # on the CPU, whatever it extracts on: the same weights everywhere
    config, settings = _extracting(experiment, extractor, gpus=0)
    seed = derive_seed(experiment.seed, "fit")
    inputs = _paths(samples=real)
    return Step("fit", "features", config, inputs, seed, settings, VERSIONS["fit"])


def embed(
    experiment: Experiment, extractor: Extractor, samples: Step, fitted: Step | None = None
) -> Step:
    """Compute the features of a sample step, with what was fitted where the extractor needs it."""
    gpus = experiment.resources.features.gpus if extractor.can_use_gpu else 0
    config, settings = _extracting(experiment, extractor, gpus)
    digest = extractor.digest()
    config |= {"digest": digest} if digest else {}
    inputs, version = _paths(samples=samples, fitted=fitted), VERSIONS["embed"]
    shard_rows = samples.config["shard_rows"]
    cut = Ranges(rows_of(samples), shard_rows, _model(config, inputs.get("fitted")))
    return Step("embed", "features", config, inputs, settings=settings, version=version, cut=cut)


def _extracting(
    experiment: Experiment, extractor: Extractor, gpus: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings of an extractor that determine its output, and the others."""
    resources = experiment.resources.features.model_copy(update={"gpus": gpus})
    config = {"features": extractor.identity, "threads": resources.threads}
    return config, {"features": extractor.execution, **_needs(resources)}


@dataclass(frozen=True)
class Choice:
    """What a training set is selected from, by which method and with which seed.

    Attributes:
        pairs: the sample and embed steps of the candidates' arrivals.
        resources: that selecting takes.
        ratio: the largest with which rows of these candidates may be selected by that method.
        limits: `quota` and `cap`, shares by source, where they bind this training set.
    """

    pairs: Sequence[tuple[Step, Step]]
    candidates: Candidates
    method: Method
    seed: int
    resources: SelectionResources
    ratio: float
    limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def order(choice: Choice) -> Step:
    """Rank candidates by a nested method, once for every ratio: as many as any of them needs.

    How many is no part of what it is: whoever needs more goes on from what is stored.
    """
    total = choice.candidates.total
    rows = max(choice.candidates.rows, math.ceil(choice.ratio * total))
    config = {"selection": _method(choice.method), **_drawn(choice.candidates)}
    inputs, version = _inputs(choice.pairs), VERSIONS["order"]
    settings = {
        **_selecting(choice),
        "workers": choice.resources.shards if choice.method.over_shards else 1,
        "rows": total if any(choice.limits.values()) else min(rows, total),
    }
    return Step("order", "selection", config, inputs, choice.seed, settings, version)


def select(choice: Choice, ranked: Step | None = None) -> Step:
    """Select a training set among candidates, or from their order."""
    limits: dict[str, Any] = {}
    if any(choice.limits.values()):
        sources = [arrival.source for arrival in choice.candidates.arrivals]
        limits = {"limits": choice.limits, "sources": sources}
    return Step(
        "select",
        "selection",
        {
            "selection": _method(choice.method),
            "rows": choice.candidates.rows,
            **_drawn(choice.candidates),
            **limits,
        },
        _inputs(choice.pairs) | ({"order": (ranked.path,)} if ranked else {}),
        choice.seed,
        _selecting(choice),
        VERSIONS["select"],
    )


def _selecting(choice: Choice) -> dict[str, float]:
    """Return what a worker needs to select; a GPU where the method can use one."""
    needs = _needs(choice.resources)
    return needs if choice.method.on_gpu else {**needs, "gpus": 0}


def choice(
    experiment: Experiment,
    iteration: int,
    generator: str | None,
    pairs: Sequence[tuple[Step, Step]],
    candidates: Candidates,
    method: Method,
    ratio: float = 0,
) -> Choice:
    """Return what a training set is selected from: the shared one, or a generator's own.

    Args:
        ratio: the largest that others may ask for of the same candidates.
    """
    # the first is all of the real rows, whatever binds the others
    limits = {"quota": experiment.quota, "cap": experiment.cap} if iteration > 1 else {}
    seed = selection_seed(experiment, iteration, generator)
    resources = experiment.resources.selection
    return Choice(pairs, candidates, method, seed, resources, ratio, limits)


def selection_seed(experiment: Experiment, iteration: int, generator: str | None) -> int:
    """Return the seed of a training set, the shared one or a generator's own."""
    if generator is None:
        return derive_seed(experiment.seed, "select", iteration)
    seed = experiment.training_sets[generator].seed
    if seed is not None:
        return derive_seed(seed, "select", iteration)
    return derive_seed(experiment.seed, "select", generator, iteration)


def _method(method: Method) -> dict[str, Any]:
    return method.model_dump(mode="json", exclude={"ratio"})


def _drawn(candidates: Candidates) -> dict[str, Any]:
    """Return what says which rows are candidates, where not all of the steps' rows are."""
    published = [arrival.published for arrival in candidates.arrivals]
    sizes = [arrival.rows for arrival in candidates.arrivals]
    if published == sizes and not candidates.strata:
        return {}
    strata = [list(arrival) for arrival in candidates.strata]
    return {"candidates": {"sizes": sizes, "published": published, "strata": strata}}


def _inputs(pairs: Sequence[tuple[Step, Step]]) -> dict[str, tuple[str, ...]]:
    return {
        "samples": tuple(samples.path for samples, _ in pairs),
        "features": tuple(features.path for _, features in pairs),
    }


def train(
    experiment: Experiment,
    name: str,
    generator: TrainedFamily,
    iteration: int,
    training_set: Step,
    previous: Step | None = None,
) -> Step:
    """Train a generator on a training set, from scratch or from the iteration before."""
    config, execution = generator.divided("sampling")
    return Step(
        "train",
        "generator",
        {
            "generator": config,
            "threads": generator.resources.threads,
            "source": name,
            "iteration": iteration,
            **_classes(experiment, generator),
        },
        _paths(training_set=training_set, initial=previous),
        seed=derive_seed(experiment.seed, "train", name, iteration),
        settings={
            **_needs(generator.resources),
            "workers": generator.needs.workers,
            "rows_visited": generator.rows_visited(training_set.config["rows"]),
            "generator": execution,
        },
        version=VERSIONS["train"],
    )


def sample(
    experiment: Experiment, name: str, iteration: int, checkpoint: Step | None, before: int
) -> Step:
    """Sample a generator into the pool, a trained one from its checkpoint.

    Args:
        before: samples of this generator in earlier iterations.
    """
    generator = experiment.generators[name]
    config, execution = generator.divided("training")
    digest = generator.digest(experiment.dataset.image_shape)
    shard_rows = _shard_rows(experiment, generator.sampling.rows)
    inputs = _paths(checkpoint=checkpoint)
    model = _model([config, digest], inputs.get("checkpoint"))
    return Step(
        "sample",
        "generator",
        {
            "generator": config,
            "threads": generator.resources.threads,
            "source": name,
            "iteration": iteration,
            "image_shape": list(experiment.dataset.image_shape),
            "shard_rows": shard_rows,
            **_classes(experiment, generator),
            **({"digest": digest} if digest else {}),
            **({"before": before} if generator.gives_each_once else {}),
        },
        inputs,
        seed=derive_seed(experiment.seed, "sample", name, iteration),
        settings={
            **_needs(generator.resources),
            "workers": generator.sampling.workers,
            "generator": execution,
        },
        version=VERSIONS["sample"],
        cut=Ranges(generator.sampling.rows, shard_rows, model),
    )


def rows_of(step: Step) -> int:
    """Return how many pool rows a step writes."""
    if step.kind != "sample":
        return 0
    return step.cut.rows if step.cut else int(step.config["range"][1])


def _model(config: Any, made_by: tuple[str, ...] | None) -> str:
    """Return what tells models apart that workers keep: the step that made it, or its settings."""
    return made_by[0] if made_by else json.dumps(config, sort_keys=True)


def _needs(resources: Resources) -> dict[str, float]:
    """Return what a worker needs to do a step, as its settings say it."""
    return {"cpus": resources.cpus, "gpus": resources.gpus}


def _paths(**inputs: Step | None) -> dict[str, tuple[str, ...]]:
    return {name: (step.path,) for name, step in inputs.items() if step}


def _shard_rows(experiment: Experiment, rows: int) -> int:
    return experiment.shard_rows or default_rows(rows, experiment.dataset.image_shape)


def _classes(experiment: Experiment, generator: Family) -> dict[str, int | None]:
    return {"classes": experiment.dataset.classes} if generator.conditional else {}


def evaluate(
    experiment: Experiment,
    iteration: int,
    samples: Step,
    features: Step,
    reference: Step,
    real: Step,
    training_set: Step | None,
    candidates: Sequence[Step] = (),
) -> Step:
    """Measure a generator against its training set, if it has one, and real rows.

    Args:
        features: of the samples.
        reference: features of held-out real rows.
        real: features of the original real rows; in the first iteration they are trained on.
        candidates: features of what the training set was selected from, where they are not those
            that it was selected by.
    """
    return Step(
        "evaluate",
        "evaluation",
        {
            # for the titles of pictures
            "source": samples.config["source"],
            "iteration": iteration,
            "images": str(experiment.dataset.info.reading),
            # the inputs say in which space
            **experiment.evaluation.model_dump(mode="json", exclude={"features"}),
        },
        _paths(
            training_set=training_set,
            real=real if iteration > 1 else None,
            samples=samples,
            features=features,
            reference=reference,
        )
        | ({"candidates": tuple(step.path for step in candidates)} if candidates else {}),
        seed=derive_seed(experiment.seed, "evaluate"),
        settings=_needs(experiment.resources.evaluation),
        version=VERSIONS["evaluate"],
    )
