"""The plan: every step of every arm, in an order in which they can run, known beforehand."""

from collections import Counter
from dataclasses import dataclass, field

from actors.generator import Family
from actors.pool.real import SPLIT_ROWS
from actors.pool.step import Step, is_done
from actors.pool.storage import Storage
from actors.selection import METHODS, Method
from orchestrator import steps
from orchestrator.config import Experiment
from orchestrator.paradigms import selected_rows


@dataclass
class PlannedStep:
    """A step and where it belongs; arms that need the same step share it."""

    step: Step
    arms: list[str]
    iteration: int
    generator: str | None = None

    def describe(self) -> str:
        """Return e.g. "train ddpm, iteration 2 of greedy"."""
        what = f"{self.step.kind} {self.generator or ''}".strip()
        if self.iteration == 0:
            return f"{what}, real data"
        return f"{what}, iteration {self.iteration} of {' and '.join(self.arms)}"


@dataclass(frozen=True)
class TrainingSet:
    """How many rows an arm's iteration trains on, among how many candidates."""

    select: Step
    rows: int
    candidates: int


@dataclass
class Plan:
    """Every step of an experiment.

    Attributes:
        experiment: what is planned.
        arms: each arm's own configuration.
        steps: by path, in an order in which they can run.
        evaluations: evaluate step by (arm, iteration, generator).
        training_sets: by (arm, iteration).
    """

    experiment: Experiment
    arms: dict[str, Experiment]
    steps: dict[str, PlannedStep] = field(default_factory=dict)
    evaluations: dict[tuple[str, int, str], Step] = field(default_factory=dict)
    training_sets: dict[tuple[str, int], TrainingSet] = field(default_factory=dict)

    def add(self, step: Step, arm: str, iteration: int, generator: str | None = None) -> Step:
        """Put a step into the plan, or its arm to the step that is there."""
        planned = self.steps.setdefault(step.path, PlannedStep(step, [], iteration, generator))
        if arm not in planned.arms:
            planned.arms.append(arm)
        return planned.step

    def todo(self, storage: Storage) -> list[PlannedStep]:
        """Return the steps whose output is not stored yet, in order."""
        return [p for p in self.steps.values() if not is_done(storage, p.step.path)]


def rows_of(step: Step) -> int:
    """Return how many pool rows a step writes."""
    if step.kind != "sample":
        return 0
    if step.room == "pool":
        return int(step.config["dataset"][SPLIT_ROWS[step.config["split"]]])
    return int(step.config["generator"]["sampling"]["rows"])


def make_plan(experiment: Experiment) -> Plan:
    """Plan an experiment: arms interleaved by iteration, so that they advance together."""
    plan = Plan(experiment, experiment.arm_experiments())
    loops = [_Loop(plan, arm, own) for arm, own in plan.arms.items()]
    for iteration in range(1, max(own.iterations for own in plan.arms.values()) + 1):
        for loop in loops:
            if iteration <= loop.experiment.iterations:
                loop.plan_iteration(iteration)
    return plan


class _Loop:
    """The self-consuming loop of one arm, as far as it is planned."""

    def __init__(self, plan: Plan, arm: str, experiment: Experiment) -> None:
        self.experiment = experiment
        self._plan = plan
        self._arm = arm
        real = self._add(steps.real_data(experiment, "train"), 0)
        fits = experiment.features.fits
        self._fitted = self._add(steps.fit(experiment, real), 0) if fits else None
        self._real = self._embedded(real, 0)
        self._reference = self._embedded(steps.real_data(experiment, "reference"), 0)[1]
        self._sampled: list[list[tuple[Step, Step]]] = []
        self._trained: dict[str, Step] = {}
        # iteration 1 trains on all real rows, in a random order like any other training set
        everything = METHODS["random"].model_validate({"kind": "random"})
        self._training_set = self._select(
            [self._real], experiment.dataset.rows, 1, selection=everything
        )

    def plan_iteration(self, iteration: int) -> None:
        """Train, sample, embed and evaluate every generator; then select D_{n+1}."""
        here = []
        training_set = self._training_set
        for name, generator in self.experiment.generators.items():
            if generator.trains:
                self._train(name, generator, iteration)
            sample = steps.sample(self.experiment, name, iteration, self._trained.get(name))
            pair = self._embedded(sample, iteration, name)
            trained_on = training_set if generator.trains else None
            evaluate = steps.evaluate(
                self.experiment,
                iteration,
                *pair,
                self._reference,
                self._real[1],
                trained_on,
            )
            self._plan.evaluations[self._arm, iteration, name] = self._add(
                evaluate, iteration, name
            )
            here.append(pair)
        self._sampled.append(here)
        if iteration < self.experiment.iterations:
            candidates = self.experiment.paradigm.candidates(self._real, self._sampled)
            available = sum(rows_of(sample) for sample, _ in candidates)
            rows = selected_rows(
                self.experiment.paradigm,
                available,
                self.experiment.selection.ratio,
                self.experiment.dataset.rows,
            )
            self._training_set = self._select(candidates, rows, iteration + 1)

    def _train(self, name: str, generator: Family, iteration: int) -> None:
        previous = self._trained.get(name) if generator.starts_from_previous else None
        step = steps.train(self.experiment, name, iteration, self._training_set, previous)
        self._trained[name] = self._add(step, iteration, name)

    def _select(
        self,
        candidates: list[tuple[Step, Step]],
        rows: int,
        iteration: int,
        selection: Method | None = None,
    ) -> Step:
        method = selection or self.experiment.selection
        ranked = None
        if method.nested:
            ranked = self._add(
                steps.order(self.experiment, candidates, iteration, method), iteration
            )
        step = steps.select(self.experiment, candidates, rows, iteration, method, ranked)
        available = sum(rows_of(sample) for sample, _ in candidates)
        self._plan.training_sets[self._arm, iteration] = TrainingSet(step, rows, available)
        return self._add(step, iteration)

    def _embedded(
        self, sample: Step, iteration: int, generator: str | None = None
    ) -> tuple[Step, Step]:
        sample = self._add(sample, iteration, generator)
        features = steps.embed(self.experiment, sample, self._fitted)
        return sample, self._add(features, iteration, generator)

    def _add(self, step: Step, iteration: int, generator: str | None = None) -> Step:
        return self._plan.add(step, self._arm, iteration, generator)


def count_kinds(planned: list[PlannedStep]) -> Counter[str]:
    """Return how many steps there are of each kind."""
    return Counter(p.step.kind for p in planned)
