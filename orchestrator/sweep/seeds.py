"""The seeds of a point, each a run with one arm, side by side, an iteration at a time."""

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
from orchestrator.execution.execute import StepError, execute
from orchestrator.execution.shared import SharedExecutor
from orchestrator.outcome import Outcome, trial_folder, write_outcome
from orchestrator.run import Run
from orchestrator.sweep.config import SweepConfig, named
from orchestrator.sweep.metrics import measured
from orchestrator.sweep.space import Point
from orchestrator.tracking import Tracker

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
    """The seeds of a point while they run."""

    def __init__(
        self, path: list[tuple[int, Point]], setting: Setting, ids: dict[int, str]
    ) -> None:
        """Begin.

        Args:
            path: the points that it has been at, each from an iteration on; but for
                population-based training there is one.
            ids: of the trials, by seed.
        """
        self._setting = setting
        self._storage = setting.storage
        self._path = path
        self._trials = {
            seed: Outcome(f"{self._name()}, seed {seed}", "running", seed, id=id, point=path[-1][1])
            for seed, id in ids.items()
        }
        # those that have not ended, and failures that are not reported yet
        self._going = list(self._trials)
        self._failures: list[str] = []
        self._runs: dict[int, Run] = {}

    def _name(self) -> str:
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
                    self._redo_or_fail(failure)
                except UserError as failure:
                    self._fail(list(self._going), str(failure))
            if self._failures:
                self._report(done + 1)
        except SystemExit:  # how Tune ends a point that the scheduler or a limit stops
            self._put_aside()
            raise

    def _open(self, seed: int) -> None:
        """Plan a seed, and open its runs in MLflow."""
        (_, first), *changes = self._path
        trial, setting = self._trials[seed], self._setting
        try:
            experiment = setting.sweep.at(first, seed, changes)
            folder = trial_folder(setting.folder, trial.id)
            run = Run(experiment, self._storage, folder, trial, setting.sweep.ratio)
            # before it is open: what fails half-way is closed too
            self._runs[seed] = run
            run.open(
                Tracker(
                    run.plan,
                    self._storage,
                    parent=setting.parent,
                    name=trial.name,
                    key=f"{setting.folder}/{trial.id}",
                    tags={axis: str(label) for axis, label in trial.point.items()},
                )
            )
        except UserError as failure:
            self._fail([seed], str(failure))

    def _end(self, iteration: int) -> None:
        """Close the seeds that nothing comes after an iteration for."""
        for seed in list(self._going):
            plan = self._runs[seed].plan
            if iteration == plan.experiment.iterations:
                self._close(seed, "finished")
            elif not any(later > iteration for _, later, _ in plan.evaluations):
                self._close(seed, "stopped")

    def _redo_or_fail(self, failure: StepError) -> None:
        """Have a damaged step redone, if asked to; else end the seeds that need what failed."""
        path = failure.planned.step.path
        for seed in [seed for seed in self._going if path in self._runs[seed].plan.steps]:
            try:
                self._runs[seed].redo(failure)
            except StepError as error:
                self._fail([seed], str(error))

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
        succeeding = [run for run in self._runs.values() if run.outcome.status != "failed"]
        results = [result for run in succeeding for result in run.results()]
        report: dict[str, Any] = measured(results, iteration, setting.sweep.objectives)
        report |= setting.executor.spent()
        if self._failures:
            report["failed"] = "; ".join(self._failures)
            self._failures.clear()
        if not self._going:
            tune.report(report | ending(self._trials.values()))
        elif setting.sweep.scheduler.kind != "pbt":
            tune.report(report)
        else:
            with tempfile.TemporaryDirectory() as folder:
                kept = {"iteration": iteration, "points": self._path}
                (Path(folder) / HISTORY).write_text(json.dumps(kept), encoding="utf-8")
                tune.report(report, checkpoint=tune.Checkpoint.from_directory(folder))

    @property
    def _decided(self) -> bool:
        """Whether what comes out of an iteration decides which come after it."""
        alarms = any(run.plan.experiment.alarms for run in self._runs.values())
        return alarms or self._setting.sweep.scheduler.kind != "fifo"

    def _advance(self, done: int) -> Iterator[int]:
        """Do what is left; yield each iteration that is measured with every seed that goes on."""
        runs = {seed: self._runs[seed] for seed in self._going}
        # where nobody decides between iterations, seeds need not wait for each other
        last = max(run.plan.experiment.iterations for run in runs.values())
        last = done + 1 if self._decided else last
        todo = {
            planned.step.path: replace(planned, arms=[f"seed {seed}"], decides=self._decided)
            for seed, run in runs.items()
            for planned in run.todo()
            if planned.iteration <= last
        }
        unmeasured = Counter(p.iteration for p in todo.values() if p.step.kind == "evaluate")
        in_order = deque(sorted(todo.values(), key=lambda planned: planned.iteration))
        client = next(iter(self._trials.values())).id
        steps = execute(in_order, self._setting.executor, client)
        for finished in chain([None], steps):
            if finished:
                for run in runs.values():
                    if finished.step.path in run.plan.steps:
                        run.take(finished)
                unmeasured[finished.iteration] -= finished.step.kind == "evaluate"
            while done < last and not unmeasured[done + 1]:
                done += 1
                yield done

    def _close(self, seed: int, status: str, error: str | None = None) -> None:
        """Take a seed out of those that go on."""
        self._going.remove(seed)
        if run := self._runs.get(seed):
            run.close(status, error)
            self._trials[seed] = run.outcome
            return
        trial = self._trials[seed] = replace(self._trials[seed], status=status, error=error)
        write_outcome(self._storage, trial_folder(self._setting.folder, trial.id), trial)
