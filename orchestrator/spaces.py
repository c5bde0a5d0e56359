"""Spaces: the features of an arm's samples, in which it selects or measures."""

from dataclasses import dataclass

from actors.features import Extractor, FittedExtractor
from actors.pool.step import Step
from orchestrator import steps
from orchestrator.candidates import Arrival
from orchestrator.config import Experiment
from orchestrator.plan import Plan


@dataclass(frozen=True)
class Stored:
    """Rows that arrived in the pool, and the steps that store them and their features."""

    arrival: Arrival
    samples: Step
    features: Step


class Space:
    """Plans the features of an arm's samples by one extractor."""

    def __init__(
        self, plan: Plan, arm: str, experiment: Experiment, extractor: Extractor, real: Step
    ) -> None:
        """Fit the extractor on the real training set, if it is one that is fitted."""
        self._plan = plan
        self._arm = arm
        self._experiment = experiment
        self._extractor = extractor
        self._fitted = None
        if isinstance(extractor, FittedExtractor):
            self._fitted = plan.add(steps.fit(experiment, extractor, real), arm, 0)

    def embed(self, samples: Step) -> Step:
        """Plan the features of a sample step, which is planned; those of pixels are there."""
        if self._extractor.is_pixels:
            return samples
        of = self._plan.steps[samples.path]
        step = steps.embed(self._experiment, self._extractor, samples, self._fitted)
        return self._plan.add(step, self._arm, of.iteration, of.generator)

    def candidates(self, training_set: Step) -> list[Step]:
        """Plan the features of what a training set was selected from, if not selected by them."""
        samples = [self._plan.steps[path].step for path in training_set.inputs["samples"]]
        features = [self.embed(samples) for samples in samples]
        selected_by = training_set.inputs["features"]
        return [] if selected_by == tuple(step.path for step in features) else features
