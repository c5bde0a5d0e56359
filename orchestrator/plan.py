"""The plan: every step of every arm, in an order in which they can run, known beforehand.

Only alarms make it depend on what comes out: with them it is planned as far as is known.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from actors.features import Extractor
from actors.generators import Family
from actors.pool.manifest import is_done
from actors.pool.schema import FRESH
from actors.pool.step import Step
from actors.pool.storage import Storage
from actors.selection import METHODS
from orchestrator import steps
from orchestrator.alarms import LowerRatio, lowered
from orchestrator.config import Experiment
from orchestrator.offers import Offer, Part, arriving, make_offer, real_part


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
    """What a generator trains on at one iteration of an arm, or all that share it."""

    select: Step
    offer: Offer


@dataclass(frozen=True)
class Rung:
    """An alarm that went off, and why.

    Attributes:
        action: as in the configuration.
    """

    arm: str
    iteration: int
    alarm: str
    cause: str
    action: dict[str, object]

    def describe(self) -> str:
        """Return e.g. "alarm low after iteration 2 of greedy: ...: stop"."""
        action = " ".join(str(value) for value in self.action.values())
        return f"alarm {self.alarm} after iteration {self.iteration} of {self.arm}: " + (
            f"{self.cause}: {action}"
        )


@dataclass
class Plan:
    """Every step of an experiment, as far as is known.

    Attributes:
        experiment: what is planned.
        arms: each arm's own configuration.
        steps: by path, in an order in which they can run.
        evaluations: evaluate step by (arm, iteration, generator).
        training_sets: by (arm, iteration, generator); the generator is None for the shared one.
        rung: the alarms that went off.
        waiting: arms whose next iteration depends on measures that are not there yet.
    """

    experiment: Experiment
    arms: dict[str, Experiment]
    steps: dict[str, PlannedStep] = field(default_factory=dict)
    evaluations: dict[tuple[str, int, str], Step] = field(default_factory=dict)
    training_sets: dict[tuple[str, int, str | None], TrainingSet] = field(default_factory=dict)
    rung: list[Rung] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    def add(self, step: Step, arm: str, iteration: int, generator: str | None = None) -> Step:
        """Put a step into the plan, or its arm to the step that is there."""
        planned = self.steps.setdefault(step.path, PlannedStep(step, [], iteration, generator))
        if arm not in planned.arms:
            planned.arms.append(arm)
        return planned.step

    def listed(self) -> dict[str, object]:
        """Return every step's path, and those of the training sets by what trains on them."""
        return {
            "steps": sorted(self.steps),
            "training_sets": [
                {"arm": arm, "iteration": i, "generator": name, "path": one.select.path}
                for (arm, i, name), one in self.training_sets.items()
            ],
        }

    def todo(self, storage: Storage) -> list[PlannedStep]:
        """Return the steps whose output is not stored yet, in order."""
        return [p for p in self.steps.values() if not is_done(storage, p.step.path)]


def rows_of(step: Step) -> int:
    """Return how many pool rows a step writes."""
    if step.kind != "sample":
        return 0
    if step.room == "pool":
        return int(step.config["range"][1])
    return int(step.config["generator"]["sampling"]["rows"])


# (plan so far, arm, iteration) -> the alarms that went off, None where it is not known yet
Decide = Callable[["Plan", str, int], list[Rung] | None]


def make_plan(experiment: Experiment, decide: Decide | None = None) -> Plan:
    """Plan an experiment: arms interleaved by iteration, so that they advance together.

    Args:
        decide: which alarms went off; without it, none does.
    """
    plan = Plan(experiment, experiment.arm_experiments())
    loops = [_Loop(plan, arm, own, decide) for arm, own in plan.arms.items()]
    for iteration in range(1, max(own.iterations for own in plan.arms.values()) + 1):
        for loop in loops:
            if iteration <= loop.experiment.iterations and not loop.ended:
                loop.plan_iteration(iteration)
    return plan


@dataclass(frozen=True)
class _Stored:
    """A part of the pool and the steps that it is stored by."""

    part: Part
    pair: tuple[Step, Step]


class _Space:
    """The features of an arm's samples in one space."""

    def __init__(
        self, plan: Plan, arm: str, experiment: Experiment, extractor: Extractor, real: Step
    ) -> None:
        self._plan = plan
        self._arm = arm
        self._experiment = experiment
        self._extractor = extractor
        fit = steps.fit(experiment, extractor, real) if extractor.fits else None
        self._fitted = plan.add(fit, arm, 0) if fit else None

    def embed(self, sample: Step) -> Step:
        """Plan the features of a sample step, which is planned."""
        of = self._plan.steps[sample.path]
        step = steps.embed(self._experiment, self._extractor, sample, self._fitted)
        return self._plan.add(step, self._arm, of.iteration, of.generator)

    def candidates(self, training_set: Step) -> list[Step]:
        """Plan the features of what a training set was selected from, if not selected by them."""
        samples = [self._plan.steps[path].step for path in training_set.inputs["samples"]]
        features = [self.embed(sample) for sample in samples]
        selected_by = training_set.inputs["features"]
        return [] if selected_by == tuple(step.path for step in features) else features


class _Loop:
    """The self-consuming loop of one arm, as far as it is planned."""

    def __init__(self, plan: Plan, arm: str, experiment: Experiment, decide: Decide | None) -> None:
        self.experiment = experiment
        self.ended = False
        self._plan = plan
        self._arm = arm
        self._decide = decide
        self._lowered: list[LowerRatio] = []
        self._fresh_used = 0
        real = self._add(steps.real_data(experiment, "train"), 0)
        self._selecting = _Space(plan, arm, experiment, experiment.features, real)
        self._measuring = _Space(plan, arm, experiment, experiment.measured_in, real)
        self._real = _Stored(real_part(experiment), (real, self._selecting.embed(real)))
        reference = self._add(steps.real_data(experiment, "reference"), 0)
        self._reference = self._measuring.embed(reference)
        self._arrived: list[list[_Stored]] = []
        self._trained: dict[str, Step] = {}
        self._sampled: Counter[str] = Counter()
        # iteration 1 trains on all real rows, in a random order like any other training set
        everything = METHODS["random"].model_validate({"kind": "random"})
        part = self._real.part
        offer = Offer((part,), (), part.rows, part.rows)
        seed = steps.selection_seed(experiment, 1, None)
        resources = experiment.resources.selection
        first = steps.Choice([self._real.pair], offer, everything, seed, resources)
        self._training_sets = {name: self._select(first, 1, None) for name in self._trains()}

    def plan_iteration(self, iteration: int) -> None:
        """Train, sample, embed and evaluate every generator; then select D_{n+1}."""
        pairs = {}
        now = self.experiment.at(iteration)
        for name, generator in now.generators.items():
            if generator.trains:
                self._train(name, generator, iteration)
            sample = steps.sample(
                now, name, iteration, self._trained.get(name), self._sampled[name]
            )
            self._sampled[name] += generator.sampling.rows
            sample = self._add(sample, iteration, name)
            pairs[name] = (sample, self._selecting.embed(sample))
            training_set = self._training_sets.get(name)
            evaluate = steps.evaluate(
                now,
                iteration,
                sample,
                self._measuring.embed(sample),
                self._reference,
                self._measuring.embed(self._real.pair[0]),
                training_set,
                self._measuring.candidates(training_set) if training_set else (),
            )
            self._plan.evaluations[self._arm, iteration, name] = self._add(
                evaluate, iteration, name
            )
        if iteration == self.experiment.iterations:
            return
        rung = self._decide(self._plan, self._arm, iteration) if self._decide else []
        if rung is None:
            self.ended = True
            self._plan.waiting.append(self._arm)
            return
        fresh = self._act(rung) + self.experiment.fresh_rows(iteration)
        if self.ended:
            return
        self._arrive(iteration, pairs, fresh)
        self._select_next(iteration + 1)

    def _act(self, rung: list[Rung]) -> int:
        """Do what the alarms ask for; return how many fresh rows that is."""
        self._plan.rung += rung
        fresh = 0
        for one in rung:
            action = self.experiment.alarms[one.alarm].action
            if action.kind == "stop":
                self.ended = True
            elif action.kind == "top_up":
                fresh += action.rows
            else:
                self._lowered.append(action)
        return fresh

    def _arrive(self, iteration: int, pairs: dict[str, tuple[Step, Step]], fresh: int) -> None:
        """Put what an iteration made, and fresh rows, into the pool."""
        arrived = []
        for part in arriving(self.experiment.at(iteration), iteration, fresh):
            if part.source == FRESH:
                step = steps.fresh(self.experiment, iteration, self._fresh_used, fresh)
                step = self._add(step, iteration, FRESH)
                pair = (step, self._selecting.embed(step))
                self._fresh_used += fresh
            else:
                pair = pairs[part.source]
            arrived.append(_Stored(part, pair))
        self._arrived.append(arrived)

    def _select_next(self, iteration: int) -> None:
        """Select the training sets of an iteration, one for all or a generator's own."""
        stored = self.experiment.paradigm.generations(self._real, self._arrived)
        generations = [[one.part for one in generation] for generation in stored]
        pairs = [one.pair for generation in stored for one in generation]
        now = self.experiment.at(iteration)
        for name in self._trains():
            own = now.training_sets.get(name)
            whose = name if own else None
            method = now.method_for(name)
            offer = make_offer(now, generations, own, lowered(method.ratio, self._lowered))
            seed = steps.selection_seed(now, iteration, whose)
            limits = {"quota": now.quota, "cap": now.cap}
            resources = self.experiment.resources.selection
            choice = steps.Choice(pairs, offer, method, seed, resources, limits)
            self._training_sets[name] = self._select(choice, iteration, whose)

    def _select(self, choice: steps.Choice, iteration: int, whose: str | None) -> Step:
        ranked = None
        if choice.method.nested:
            ranked = self._add(steps.order(choice), iteration, whose)
        step = self._add(steps.select(choice, ranked), iteration, whose)
        self._plan.training_sets[self._arm, iteration, whose] = TrainingSet(step, choice.offer)
        return step

    def _trains(self) -> list[str]:
        return [name for name, one in self.experiment.generators.items() if one.trains]

    def _train(self, name: str, generator: Family, iteration: int) -> None:
        previous = self._trained.get(name) if generator.starts_from_previous else None
        now = self.experiment.at(iteration)
        step = steps.train(now, name, iteration, self._training_sets[name], previous)
        self._trained[name] = self._add(step, iteration, name)

    def _add(self, step: Step, iteration: int, generator: str | None = None) -> Step:
        return self._plan.add(step, self._arm, iteration, generator)


def count_kinds(planned: list[PlannedStep]) -> Counter[str]:
    """Return how many steps there are of each kind."""
    return Counter(p.step.kind for p in planned)
