"""Which step does what: the part of the configuration, the inputs and the seed of each kind."""

from collections.abc import Sequence

from actors.pool.step import Step
from actors.seeds import derive_seed
from actors.selection import Method
from orchestrator.config import Experiment

# (sample, embed) step pairs
Candidates = Sequence[tuple[Step, Step]]


def real_data(experiment: Experiment, split: str) -> Step:
    """Write the split `train` or `reference` of the real data into the pool."""
    config = {
        "dataset": experiment.dataset.model_dump(mode="json"),
        "split": split,
        "shard_rows": experiment.shard_rows,
    }
    return Step("sample", "pool", config, seed=derive_seed(experiment.seed, "split"))


def embed(experiment: Experiment, samples: Step) -> Step:
    """Compute the features of a sample step."""
    config = {"features": experiment.features.model_dump(mode="json")}
    return Step("embed", "features", config, {"samples": (samples.path,)})


def order(experiment: Experiment, candidates: Candidates, iteration: int, method: Method) -> Step:
    """Rank all candidates by a nested method, once for every ratio."""
    return Step(
        "order",
        "selection",
        {"selection": method.model_dump(mode="json", exclude={"ratio"})},
        _inputs(candidates),
        seed=derive_seed(experiment.seed, "select", iteration),
    )


def select(
    experiment: Experiment,
    candidates: Candidates,
    rows: int,
    iteration: int,
    method: Method,
    ranked: Step | None = None,
) -> Step:
    """Select the training set of an iteration among candidates, or from their order."""
    return Step(
        "select",
        "selection",
        {"selection": method.model_dump(mode="json", exclude={"ratio"}), "rows": rows},
        _inputs(candidates) | ({"order": (ranked.path,)} if ranked else {}),
        seed=derive_seed(experiment.seed, "select", iteration),
    )


def _inputs(candidates: Candidates) -> dict[str, tuple[str, ...]]:
    return {
        "samples": tuple(sample.path for sample, _ in candidates),
        "features": tuple(features.path for _, features in candidates),
    }


def train(experiment: Experiment, name: str, iteration: int, training_set: Step) -> Step:
    """Train a generator from scratch on a training set."""
    generator = experiment.generators[name]
    return Step(
        "train",
        "generator",
        {
            "generator": generator.model_dump(mode="json", exclude={"sampling", "resources"}),
            "threads": generator.resources.threads,
            "source": name,
            "iteration": iteration,
        },
        {"training_set": (training_set.path,)},
        seed=derive_seed(experiment.seed, "train", name, iteration),
        settings={"gpus": generator.resources.gpus},
    )


def sample(experiment: Experiment, name: str, iteration: int, checkpoint: Step) -> Step:
    """Sample a trained generator into the pool."""
    generator = experiment.generators[name]
    how = {"workers", "batch_size"}
    return Step(
        "sample",
        "generator",
        {
            "generator": generator.model_dump(
                mode="json", exclude={"training": True, "resources": True, "sampling": how}
            ),
            "threads": generator.resources.threads,
            "source": name,
            "iteration": iteration,
            "image_shape": list(experiment.dataset.image_shape),
            "shard_rows": experiment.shard_rows,
        },
        {"checkpoint": (checkpoint.path,)},
        seed=derive_seed(experiment.seed, "sample", name, iteration),
        settings={
            "gpus": generator.resources.gpus,
            "batch_size": generator.sampling.batch_size,
            "workers": generator.sampling.workers,
        },
    )


def evaluate(
    experiment: Experiment, training_set: Step, samples: Step, features: Step, reference: Step
) -> Step:
    """Measure a generator against its training set and held-out real rows."""
    return Step(
        "evaluate",
        "evaluation",
        {
            "features": experiment.features.model_dump(mode="json"),
            **experiment.evaluation.model_dump(mode="json"),
        },
        {
            "training_set": (training_set.path,),
            "samples": (samples.path,),
            "features": (features.path,),
            "reference": (reference.path,),
        },
    )
