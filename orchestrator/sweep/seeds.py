"""The seeds of a point, side by side, an iteration at a time; each ends alone."""

import json
import tempfile
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from ray import tune

from actors.errors import UserError
from actors.pool.storage import Storage
from orchestrator.config import Experiment
from orchestrator.deciding import decider
from orchestrator.execution.execute import StepError, execute
from orchestrator.execution.shared import SharedExecutor
from orchestrator.outcome import Outcome, keep_steps, write_trial
from orchestrator.plan import Plan, PlannedStep
from orchestrator.planning import make_plan
from orchestrator.results import read_results
from orchestrator.sweep.config import SweepConfig, named
from orchestrator.sweep.metrics import means
from orchestrator.sweep.objectives import reported
from orchestrator.sweep.space import Point
from orchestrator.tracking import Tracker

ARM = "main"
HISTORY = "history.json"


@dataclass(frozen=True)
class Setting:
    """What all points of a sweep share.

    Attributes:
        folder: of the sweep in the store.
        executor: does the steps of all points.
        parent: MLflow run of the sweep.
    """

    sweep: SweepConfig
    storage: Storage
    folder: str
    executor: SharedExecutor
    parent: str


def ending(trials: Iterable[Outcome]) -> dict[str, Any]:
    """Return what the last report of a point says beside its measures.

    Ray Tune ends the point then without asking the scheduler, which might pause it for ever.
    """
    return {"done": True, "ended": together([trial.status for trial in trials])}


def together(statuses: Collection[str]) -> str:
    """Return the status of a point from those of its trials."""
    for status in ("failed", "running", "interrupted", "stopped"):
        if status in statuses:
            return status
    return "finished"


class Seeds:
    """The seeds of a point while they run.

    Attributes:
        path: the points that it has been at, each from an iteration on; but for population-based
            training there is one.
        going: seeds that have not ended.
        failures: of seeds, not reported yet.
    """

    def __init__(
        self, path: list[tuple[int, Point]], setting: Setting, ids: dict[int, str]
    ) -> None:
        self._setting = setting
        self._storage = setting.storage
        self._path = path
        self._trials = {
            seed: Outcome(
                f"{self._named()}, seed {seed}", "running", seed, id=one, point=path[-1][1]
            )
            for seed, one in ids.items()
        }
        self._going = list(self._trials)
        self._failures: list[str] = []
        self._experiments: dict[int, Experiment] = {}
        self._plans: dict[int, Plan] = {}
        self._trackers: dict[int, Tracker] = {}

    def _named(self) -> str:
        """Return the name of the point, and of those before it."""
        return " -> ".join(
            named(point) + (f" from {first}" if first > 1 else "") for first, point in self._path
        )

    def run(self, done: int = 0) -> None:
        """Run every iteration that is not done; report after each.

        A seed that fails, or is stopped by an alarm, ends alone.
        """
        try:
            for seed in list(self._going):
                self._open(seed)
            while self._going:
                try:
                    for iteration in self._advance(done):
                        done = iteration
                        self._end(done)
                        self._report(done)
                except StepError as failure:
                    self._fail(self._needing(failure), str(failure))
                except UserError as failure:
                    self._fail(list(self._going), str(failure))
            if self._failures:
                self._report(done + 1)
        except SystemExit:  # how Tune ends a point that the scheduler or a limit stops
            self._put_aside()
            raise

    def _open(self, seed: int) -> None:
        """Plan a seed, and open its runs."""
        first, *changes = self._path
        try:
            self._experiments[seed] = self._setting.sweep.at(first[1], seed, changes)
            self._plan(seed)
            self._trackers[seed] = self._open_tracker(seed)
        except UserError as failure:
            self._fail([seed], str(failure))

    def _plan(self, seed: int) -> None:
        """Plan a seed as far as is known, and write down which steps it needs."""
        plan = make_plan(self._experiments[seed], decider(self._storage))
        self._plans[seed] = plan
        keep_steps(self._storage, self._setting.folder, self._trials[seed].id, plan.steps)

    def _end(self, iteration: int) -> None:
        """Close the seeds that nothing comes after an iteration for."""
        for seed in list(self._going):
            if self._plans[seed].waiting:
                self._plan(seed)
            if iteration == self._experiments[seed].iterations:
                self._close(seed, "finished")
            elif not any(later > iteration for _, later, _ in self._plans[seed].evaluations):
                self._close(seed, "stopped")

    def _needing(self, failure: StepError) -> list[int]:
        """Return the seeds that need the step that failed."""
        path = failure.planned.step.path
        return [seed for seed in self._going if path in self._plans[seed].steps]

    def _fail(self, seeds: list[int], error: str) -> None:
        for seed in seeds:
            self._close(seed, "failed", error)
            if error not in self._failures:
                self._failures.append(error)

    def _put_aside(self) -> None:
        """Close what has not ended when Tune ends the point, or pauses a population's member."""
        status = "running" if self._setting.sweep.scheduler.kind == "pbt" else "stopped"
        if self._going and self._setting.executor.halted():
            status = "interrupted"
        for seed in list(self._going):
            self._close(seed, status)

    def _report(self, iteration: int) -> None:
        """Report an iteration, and the seeds that failed since the one before."""
        setting = self._setting
        measures = self._measures(iteration)
        told: dict[str, Any] = {"iteration": iteration, **measures, **setting.executor.spent()}
        told |= reported(setting.sweep.objectives, measures)
        if self._failures:
            told["failed"] = "; ".join(self._failures)
            self._failures.clear()
        if not self._going:
            tune.report(told | ending(self._trials.values()))
        elif setting.sweep.scheduler.kind != "pbt":
            tune.report(told)
        else:
            with tempfile.TemporaryDirectory() as folder:
                kept = {"iteration": iteration, "points": self._path}
                (Path(folder) / HISTORY).write_text(json.dumps(kept), encoding="utf-8")
                tune.report(told, checkpoint=tune.Checkpoint.from_directory(folder))

    @property
    def _decided(self) -> bool:
        """Whether what comes out of an iteration decides how it goes on."""
        alarmed = any(one.alarms for one in self._experiments.values())
        return alarmed or self._setting.sweep.scheduler.kind != "fifo"

    def _advance(self, done: int) -> Iterator[int]:
        """Do what is left; yield each iteration that is measured with every seed that goes on."""
        # where nobody decides between iterations, seeds need not wait for each other
        last = max(self._experiments[seed].iterations for seed in self._going)
        last = done + 1 if self._decided else last
        todo: dict[str, PlannedStep] = {}
        seed_of: dict[str, int] = {}
        for seed in self._going:
            self._take(seed)
            for planned in self._plans[seed].todo(self._storage):
                if planned.iteration <= last:
                    todo[planned.step.path] = replace(
                        planned, arms=[f"seed {seed}"], decides=self._decided
                    )
                    seed_of[planned.step.path] = seed
        unmeasured = Counter(p.iteration for p in todo.values() if p.step.kind == "evaluate")
        in_order = deque(sorted(todo.values(), key=lambda planned: planned.iteration))
        client = next(iter(self._trials.values())).id
        steps = execute(in_order, self._setting.executor, client)
        for finished in chain([None], steps):
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

    def _open_tracker(self, seed: int) -> Tracker:
        trial, setting = self._trials[seed], self._setting
        return Tracker(
            self._plans[seed],
            self._storage,
            parent=setting.parent,
            name=trial.name,
            key=f"{setting.folder}/{trial.id}",
            tags={axis: str(label) for axis, label in trial.point.items()},
        )

    def _measures(self, iteration: int) -> dict[str, float]:
        """Return the means over the seeds that did not fail."""
        return means(
            result
            for seed, plan in self._plans.items()
            if self._trials[seed].status != "failed"
            for result in read_results(plan, self._storage)
            if result.iteration == iteration
        )

    def _write(self, seed: int, status: str, error: str | None) -> None:
        trial = replace(self._trials[seed], status=status, error=error)
        if plan := self._plans.get(seed):
            trial = replace(
                trial,
                arms={ARM: self._experiments[seed].model_dump(mode="json")},
                results=list(read_results(plan, self._storage)),
                alarms=[vars(one) for one in plan.alarms],
            )
        self._trials[seed] = trial
        write_trial(self._storage, self._setting.folder, self._trials[seed])

    def _close(self, seed: int, status: str, error: str | None = None) -> None:
        """Take a seed out of those that go on."""
        self._going.remove(seed)
        self._write(seed, status, error)
        if tracker := self._trackers.pop(seed, None):
            tracker.close({"finished": "FINISHED", "failed": "FAILED"}.get(status, "KILLED"))
