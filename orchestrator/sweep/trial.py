"""One point of a sweep, as Ray Tune runs it: its seeds side by side, an iteration at a time."""

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import ray
from ray import tune

from actors.errors import UserError
from actors.pool.step import manifest_path
from actors.pool.storage import Storage
from orchestrator.deciding import decider
from orchestrator.loop import Stage, StepError, execute
from orchestrator.outcome import Outcome, Trial, read_trial, write_trial
from orchestrator.plan import Plan, PlannedStep, make_plan
from orchestrator.results import read_results
from orchestrator.sweep.config import SweepConfig, named
from orchestrator.sweep.ledger import LedgersTurns
from orchestrator.sweep.metrics import means
from orchestrator.sweep.space import Point
from orchestrator.tracking import Tracker

# what is not done again; a trial that was interrupted or failed is
ENDED = ("finished", "stopped")
ARM = "main"
HISTORY = "history.json"


@dataclass(frozen=True)
class Setting:
    """What all points of a sweep share.

    Attributes:
        folder: of the sweep in the store.
        ledger: actor that lends copies and counts costs.
        parent: MLflow run of the sweep.
    """

    sweep: SweepConfig
    storage: Storage
    folder: str
    stage: Stage
    ledger: Any
    parent: str


def trial_id(point: Point, seed: int) -> str:
    """Return the id of a point with a seed, the same in every run of a sweep."""
    text = json.dumps(point, sort_keys=True)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:8]}-seed{seed}"


def run_point(given: dict[str, Any], setting: Setting) -> None:
    """Run a point and report its measures after every iteration.

    A failure is reported too, not raised: raising is for what is worth another try.
    """
    point = setting.sweep.point_of(given)
    if setting.sweep.scheduler.kind == "pbt":
        # population-based training changes points, so a member is known by its number
        member = tune.get_context().get_trial_id().rpartition("_")[2]
        ids = [f"member-{member}-seed{seed}" for seed in setting.sweep.repeat.seeds]
        done, path = history(point, int(setting.sweep.experiment["iterations"]))
        _Point(path, setting, ids).run(done)
        return
    ids = [trial_id(point, seed) for seed in setting.sweep.repeat.seeds]
    recorded = [read_trial(setting.storage, setting.folder, one) for one in ids]
    if all(one and one.status in ENDED for one in recorded):
        _replay([one for one in recorded if one])
        return
    _Point([(1, point)], setting, ids).run()


def history(point: Point, iterations: int) -> tuple[int, list[tuple[int, Point]]]:
    """Return the iterations that a member of a population has behind it, and its points so far.

    Each point is from an iteration on. A member that took over what another has come to goes on
    from there at a point of its own, at the last iteration at least.
    """
    checkpoint = tune.get_checkpoint()
    if checkpoint is None:
        return 0, [(1, point)]
    with checkpoint.as_directory() as folder:
        kept = json.loads((Path(folder) / HISTORY).read_text(encoding="utf-8"))
    done = min(kept["iteration"], iterations - 1)
    before = [(first, then) for first, then in kept["points"] if first <= done]
    return done, before if before[-1][1] == point else [*before, (done + 1, point)]


def _replay(trials: list[Trial]) -> None:
    """Report what was measured before."""
    results = [r for one in trials if one.outcome for r in one.outcome.results]
    for iteration in sorted({result.iteration for result in results}):
        here = [result for result in results if result.iteration == iteration]
        tune.report({"iteration": iteration, **means(here)})


class _Point:
    """A point while it runs.

    Attributes:
        path: the points that it has been at, each from an iteration on; but for population-based
            training there is one.
    """

    def __init__(self, path: list[tuple[int, Point]], setting: Setting, ids: list[str]) -> None:
        self._setting = setting
        self._storage = setting.storage
        self._path = path
        # the same training goes to the same copy, whichever point asks for it
        self._stage = setting.stage.with_copies(LedgersTurns(setting.ledger))
        self._trials = {
            seed: Trial(one, f"{self._named()}, seed {seed}", path[-1][1], seed, "running")
            for seed, one in zip(setting.sweep.repeat.seeds, ids, strict=True)
        }
        self._experiments = {
            seed: setting.sweep.at(path[0][1], seed, path[1:]) for seed in self._trials
        }
        self._plans: dict[int, Plan] = {}
        self._costs: dict[str, tuple[float, float]] = {}
        self._trackers: dict[int, Tracker] = {}

    def _named(self) -> str:
        """Return the name of the point, and of those before it."""
        return " -> ".join(
            named(point) + (f" from {first}" if first > 1 else "") for first, point in self._path
        )

    def run(self, done: int = 0) -> None:
        """Run every iteration that is not done; report after each."""
        try:
            while done < self._iterations:
                # where nobody decides between iterations, seeds need not wait for each other
                last = done + 1 if self._decided else self._iterations
                for iteration in self._advance(done, last):
                    done = iteration
                    if iteration == self._iterations:
                        # before the report, at which the scheduler may end the point
                        self._close("finished", None)
                    self._report(iteration)
        except (StepError, UserError) as failure:
            self._close("failed", str(failure))
            tune.report({"iteration": self._iterations, "failed": str(failure)})
        except SystemExit:  # how Tune ends a point that the scheduler or a limit stops
            if self._trackers:
                halted = ray.get(self._setting.ledger.halted.remote())
                self._close("interrupted" if halted else "stopped", None)
            raise

    def _report(self, iteration: int) -> None:
        measures = {"iteration": iteration, **self._measures(iteration), **self._spent()}
        if self._setting.sweep.scheduler.kind != "pbt":
            tune.report(measures)
            return
        with tempfile.TemporaryDirectory() as folder:
            kept = {"iteration": iteration, "points": self._path}
            (Path(folder) / HISTORY).write_text(json.dumps(kept), encoding="utf-8")
            tune.report(measures, checkpoint=tune.Checkpoint.from_directory(folder))

    @property
    def _iterations(self) -> int:
        return max(one.iterations for one in self._experiments.values())

    @property
    def _decided(self) -> bool:
        """Whether what comes out of an iteration decides how it goes on."""
        alarmed = any(one.alarms for one in self._experiments.values())
        return alarmed or self._setting.sweep.scheduler.kind != "fifo"

    def _advance(self, done: int, last: int) -> Iterator[int]:
        """Do what is left up to an iteration; yield each that is measured with every seed."""
        todo: dict[str, PlannedStep] = {}
        seed_of: dict[str, int] = {}
        for seed, experiment in self._experiments.items():
            plan = self._plans[seed] = make_plan(experiment, decider(self._storage))
            if seed not in self._trackers:
                self._trackers[seed] = self._open_tracker(seed, plan)
            self._take(seed)
            for planned in plan.todo(self._storage):
                if planned.iteration <= last:
                    todo[planned.step.path] = replace(planned, arms=[f"seed {seed}"])
                    seed_of[planned.step.path] = seed
        unmeasured = Counter(p.iteration for p in todo.values() if p.step.kind == "evaluate")
        in_order = sorted(todo.values(), key=lambda planned: planned.iteration)
        for finished in chain([None], execute(in_order, self._stage, self._stage.models)):
            if finished:
                self._costs[finished.step.path] = self._cost(finished)
            if finished and finished.step.kind == "evaluate":
                unmeasured[finished.iteration] -= 1
                self._take(seed_of[finished.step.path])
            while done < last and not unmeasured[done + 1]:
                done += 1
                yield done

    def _take(self, seed: int) -> None:
        """Log what came out with a seed, and write it down."""
        for result in read_results(self._plans[seed], self._storage):
            self._trackers[seed].log(result)
        self._write(seed, "running", None)

    def _open_tracker(self, seed: int, plan: Plan) -> Tracker:
        trial, setting = self._trials[seed], self._setting
        return Tracker(
            plan,
            self._storage,
            parent=setting.parent,
            name=trial.name,
            key=f"{setting.folder}/{trial.id}",
            tags={axis: str(label) for axis, label in trial.point.items()},
        )

    def _measures(self, iteration: int) -> dict[str, float]:
        return means(
            result
            for plan in self._plans.values()
            for result in read_results(plan, self._storage)
            if result.iteration == iteration
        )

    def _cost(self, planned: PlannedStep) -> tuple[float, float]:
        """Return the CPU and GPU hours of a generator's step."""
        step = planned.step
        if step.room != "generator":
            return 0.0, 0.0
        hours = self._storage.read_json(manifest_path(step.path))["seconds"] / 3600
        return hours * step.settings["cpus"], hours * step.settings["gpus"]

    def _spent(self) -> dict[str, float]:
        return dict(ray.get(self._setting.ledger.charge.remote(self._costs)))

    def _write(self, seed: int, status: str, error: str | None) -> None:
        plan, trial = self._plans.get(seed), self._trials[seed]
        outcome = None
        if plan:
            outcome = Outcome(
                trial.name,
                status,
                seed,
                {ARM: self._experiments[seed].model_dump(mode="json")},
                list(read_results(plan, self._storage)),
                [vars(one) for one in plan.rung],
            )
        self._trials[seed] = replace(trial, status=status, error=error, outcome=outcome)
        write_trial(self._storage, self._setting.folder, self._trials[seed])

    def _close(self, status: str, error: str | None) -> None:
        for seed in self._trials:
            self._write(seed, status, error)
        while self._trackers:
            _, tracker = self._trackers.popitem()
            tracker.close({"finished": "FINISHED", "failed": "FAILED"}.get(status, "KILLED"))
