"""Outcomes: what has come out of a run or a sweep so far, as JSON beside its configuration.

They hold all that a report needs, so that one is made without planning anything again.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from actors.errors import StorageError
from actors.pool.storage import Storage
from orchestrator.plan import Plan
from orchestrator.results import Result

FILE = "outcome.json"
SWEEP = "sweep.json"
STEPS = "steps.json"

Read = TypeVar("Read")


@dataclass(frozen=True)
class Outcome:
    """What has come out of a run, or of a trial, which is a run of one arm at a point of a sweep.

    Attributes:
        status: running, finished, failed or interrupted; of a trial also stopped, early, by the
            scheduler or an alarm.
        arms: each arm's whole configuration, as JSON values; that of a trial is `main`. None
            before there is a plan.
        alarms: those that went off, with their causes.
        error: why it failed, in one line.
        id: of a trial.
        point: of a trial: value of every field that varies, by its dotted path.
    """

    name: str
    status: str
    seed: int
    arms: dict[str, Any] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    alarms: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    id: str = ""
    point: dict[str, Any] = field(default_factory=dict)

    @property
    def last_iteration(self) -> int:
        """The last iteration that was measured; 0 before the first."""
        return max((result.iteration for result in self.results), default=0)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Outcome":
        """Return the outcome that was written."""
        return cls(**{**value, "results": [Result.from_json(item) for item in value["results"]]})


@dataclass(frozen=True)
class Sweep:
    """What has come out of a sweep.

    Attributes:
        axes: dotted paths of the fields that vary.
        objectives: `min` or `max` by metric.
        shared: steps, done (how many of them were run) and seconds_saved.
    """

    name: str
    status: str
    axes: list[str]
    seeds: list[int]
    objectives: dict[str, str]
    trials_planned: int
    shared: dict[str, float] = field(default_factory=dict)
    trials: list[Outcome] = field(default_factory=list)


def write_outcome(storage: Storage, folder: str, outcome: Outcome) -> None:
    """Write the outcome of a run into its folder of the store."""
    storage.write_json(f"{folder}/{FILE}", asdict(outcome))


def read_outcome(storage: Storage, folder: str) -> Outcome:
    """Read the outcome of a run from its folder of the store."""
    return _read(storage, f"{folder}/{FILE}", Outcome.from_json)


def trial_folder(sweep_folder: str, id: str) -> str:
    """Return the folder of a trial of a sweep, with the files that a run has in its own."""
    return f"{sweep_folder}/trials/{id}"


def read_trial(storage: Storage, sweep_folder: str, id: str) -> Outcome | None:
    """Read one trial of a sweep, None where it never began."""
    folder = trial_folder(sweep_folder, id)
    return read_outcome(storage, folder) if storage.exists(f"{folder}/{FILE}") else None


def keep_steps(storage: Storage, folder: str, plan: Plan) -> None:
    """Write down which steps a run needs, beside those it has needed before.

    What is written down is no garbage: it has to be before the steps are run.
    """
    listed = plan.listed()
    steps = {*kept_steps(storage, folder), *plan.steps}
    storage.write_json(f"{folder}/{STEPS}", {**listed, "steps": sorted(steps)})


def kept_steps(storage: Storage, folder: str) -> list[str]:
    """Return the paths of the steps that a run needs, or has needed."""
    path = f"{folder}/{STEPS}"
    return storage.read_json(path)["steps"] if storage.exists(path) else []


def write_sweep(storage: Storage, folder: str, sweep: Sweep) -> None:
    """Write what is known of a sweep, whose trials are files of their own."""
    value = asdict(sweep)
    del value["trials"]
    storage.write_json(f"{folder}/{SWEEP}", value)


def read_sweep(storage: Storage, folder: str) -> Sweep:
    """Read a sweep and its trials, by point and seed, from its folder of the store."""
    files = [path for path in storage.files(f"{folder}/trials") if path.endswith(f"/{FILE}")]
    trials = [_read(storage, path, Outcome.from_json) for path in files]

    def build(known: dict[str, Any]) -> Sweep:
        trials.sort(key=lambda trial: (_order(trial, known["axes"]), trial.seed))
        return Sweep(**known, trials=trials)

    return _read(storage, f"{folder}/{SWEEP}", build)


def _read(storage: Storage, path: str, build: Callable[[Any], Read]) -> Read:
    """Return what `build` makes of a JSON file; raise StorageError where it is damaged."""
    try:
        return build(storage.read_json(path))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise StorageError(
            f"{path}: damaged, it is not what a run or sweep writes; the command that wrote it "
            "writes it again"
        ) from None


def _order(trial: Outcome, axes: list[str]) -> list[tuple[int, float, str]]:
    """Return what sorts numbers by value and other labels by name."""
    order = []
    for axis in axes:
        try:
            order.append((0, float(trial.point[axis]), ""))
        except (TypeError, ValueError):
            order.append((1, 0.0, str(trial.point[axis])))
    return order
