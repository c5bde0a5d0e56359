"""The plan: every step of every arm, in an order in which they can run, known beforehand.

Only alarms make it depend on results: with them it is planned as far as is known.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from actors.pool.manifest import is_done
from actors.pool.step import Step
from actors.pool.storage import Storage
from orchestrator.candidates import Candidates
from orchestrator.config import Experiment


@dataclass
class PlannedStep:
    """A step and where it belongs; arms that need the same step share it.

    Attributes:
        decides: whether something waits for its result to know how to go on.
    """

    step: Step
    arms: list[str]
    iteration: int
    generator: str | None = None
    decides: bool = False

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
    candidates: Candidates


@dataclass(frozen=True)
class AlarmEvent:
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


# arm, iteration and generator of an evaluate step
Evaluation = tuple[str, int, str]


@dataclass
class Plan:
    """Every step of an experiment, as far as is known.

    Attributes:
        experiment: what is planned.
        arms: each arm's own configuration.
        steps: by path, in an order in which they can run.
        evaluations: evaluate step by (arm, iteration, generator).
        ratio: the largest of a selection that may share its order with one of these.
        training_sets: by (arm, iteration, generator); the generator is None for the shared one.
        alarms: those that went off.
        waiting: arms whose next iteration depends on measures that are not there yet.
    """

    experiment: Experiment
    arms: dict[str, Experiment]
    ratio: float = 0
    steps: dict[str, PlannedStep] = field(default_factory=dict)
    evaluations: dict[Evaluation, Step] = field(default_factory=dict)
    training_sets: dict[tuple[str, int, str | None], TrainingSet] = field(default_factory=dict)
    alarms: list[AlarmEvent] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    def add(self, step: Step, arm: str, iteration: int, generator: str | None = None) -> Step:
        """Put a step into the plan, or its arm to the step that is there."""
        planned = self.steps.setdefault(step.path, PlannedStep(step, [], iteration, generator))
        if step.settings.get("rows", 0) > planned.step.settings.get("rows", 0):
            planned.step = step  # an order that goes farther
        if arm not in planned.arms:
            planned.arms.append(arm)
        return planned.step

    def training_behind(self, evaluate: str) -> str | None:
        """Return the path of the train step behind the samples of an evaluate step, if any."""
        (samples,) = self.steps[evaluate].step.inputs["samples"]
        (checkpoint,) = self.steps[samples].step.inputs.get("checkpoint", (None,))
        return checkpoint

    def listed(self) -> dict[str, object]:
        """Return every step's path, and those of the training sets by what trains on them."""
        return {
            "steps": sorted(self.steps),
            "training_sets": [
                {"arm": arm, "iteration": i, "generator": name, "path": training_set.select.path}
                for (arm, i, name), training_set in self.training_sets.items()
            ],
        }

    def todo(self, storage: Storage) -> list[PlannedStep]:
        """Return the steps whose output is not stored yet, in order."""
        return [p for p in self.steps.values() if not is_done(storage, p.step.path)]


# (plan so far, arm, iteration) -> the alarms that went off, None where it is not known yet
Decide = Callable[["Plan", str, int], list[AlarmEvent] | None]


def count_kinds(planned: list[PlannedStep]) -> Counter[str]:
    """Return how many steps there are of each kind."""
    return Counter(p.step.kind for p in planned)
