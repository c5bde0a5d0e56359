"""Running an experiment: rounds of planning and doing until nothing is left, then what came out."""

import os
import sys
import traceback
from collections import deque
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import ray
import yaml
from rich.console import Console

from actors.errors import StorageError
from actors.plots.figure import overview
from actors.pool.format import mark_format
from actors.pool.storage import Storage
from orchestrator import interrupts
from orchestrator.analysis.correlations import correlations
from orchestrator.analysis.records import records
from orchestrator.analysis.tidy import TABLE, table
from orchestrator.comparison import print_comparison
from orchestrator.config import Experiment
from orchestrator.contamination import as_csv, print_contamination
from orchestrator.execution import cluster
from orchestrator.execution.activity import Activity
from orchestrator.execution.execute import StepError, execute
from orchestrator.execution.executor import Executor
from orchestrator.identity import experiment_key
from orchestrator.oracle import print_oracle
from orchestrator.outcome import Outcome
from orchestrator.plan import PlannedStep
from orchestrator.progress import Display
from orchestrator.report import REPORT, store_report
from orchestrator.report.oracle import oracle
from orchestrator.run import Run
from orchestrator.status import StatusFile
from orchestrator.tracking import Tracker

ORACLE = "oracle.png"


class Running:
    """One execution of an experiment on a store, from the command line."""

    def __init__(self, experiment: Experiment, storage: Storage, resume_command: str) -> None:
        folder = f"experiments/{experiment.name}-{experiment_key(experiment)[:8]}"
        self._experiment = experiment
        self._storage = storage
        self._resume_command = resume_command
        self._console = Console()
        self._run = Run(
            experiment, storage, folder, Outcome(experiment.name, "running", experiment.seed)
        )
        self._status = StatusFile(storage, folder)
        self._executor: Executor | None = None
        self._alarms_printed = 0

    def carry_out(self) -> int:
        """Do what is left, and print what came out; return the exit status."""
        run = self._run
        mark_format(self._storage)
        resolved = yaml.safe_dump(self._experiment.model_dump(mode="json"), sort_keys=False)
        self._write("config.yaml", resolved)
        todo, steps = run.todo(), len(run.plan.steps)
        self._print(
            f"{self._experiment.name}: {steps} steps, {steps - len(todo)} done before, "
            f"{len(todo)} to do" + (", more as the alarms allow" if run.plan.waiting else "")
        )
        tracker, status, failure = None, "failed", None
        try:
            tracker = cluster.connect_beside(self._open_tracker) if todo else self._open_tracker()
            run.open(tracker)
            tracker.log_files(self._storage.local(f"{run.folder}/config.yaml"))
            while todo := run.todo():
                self._print_alarms()
                try:
                    self._perform(todo)
                except StepError as error:
                    self._note(run.redo(error))
            self._write_results(tracker)
            status = "finished"
        except KeyboardInterrupt:
            status = "interrupted"
            left, steps = len(run.todo()), len(run.plan.steps)
            self._print(
                f"interrupted: {steps - left} of {steps} steps are stored; "
                f"resume with:\n  {self._resume_command}"
            )
            return interrupts.status()
        except StepError as error:
            failure = str(error)
            self._print_failure(error)
            return 1
        finally:
            # a full disk, or a store that is away, cannot take how the run failed either
            with nullcontext() if status == "finished" else suppress(StorageError):
                run.close(status, failure, wait=status == "finished")
            self._write_status(Activity())
            if self._executor:
                self._executor.stop()
            if ray.is_initialized():
                ray.shutdown()
        self._conclude(tracker)
        return 0

    def _perform(self, todo: list[PlannedStep]) -> None:
        """Run steps on Ray, recording each result as it comes."""
        executor = self._executor = self._executor or self._open_executor()
        waiting = deque(todo)
        run = self._run
        with Display(self._console, len(run.plan.steps) - len(todo)) as display:
            display.add(todo)
            for finished in execute(waiting, executor, run.folder.rpartition("/")[2]):
                for note in executor.notes():
                    self._note(note)
                if self._status.is_due:
                    self._write_status(executor.activity())
                if finished is None:
                    display.running(executor.progress())
                    continue
                display.done(finished)
                # an arm with alarms goes on while the others do
                more = run.take(finished)
                self._print_alarms()
                display.add(more)
                waiting.extend(more)

    def _note(self, line: str) -> None:
        """Print what happened, and keep it in the status."""
        self._print(line)
        self._status.note(line)

    def _write_status(self, activity: Activity) -> None:
        steps = len(self._run.plan.steps)
        self._status.write(steps - len(self._run.todo()), steps, activity)

    def _open_tracker(self) -> Tracker:
        return Tracker(self._run.plan, self._storage, tags={"command": self._resume_command})

    def _open_executor(self) -> Executor:
        cluster.connect()
        where = os.environ.get(cluster.ADDRESS, "local, on loopback")
        self._print(f"Ray {ray.__version__} ({where})")
        return Executor(self._storage)

    def _print_alarms(self) -> None:
        """Print the alarms that went off since the last time."""
        alarms = self._run.plan.alarms
        for event in alarms[self._alarms_printed :]:
            self._print(event.describe())
        self._alarms_printed = len(alarms)

    def _conclude(self, tracker: Tracker) -> None:
        """Print the results, and where they are."""
        outcome, plan = self._run.outcome, self._run.plan
        print_comparison(self._console, outcome)
        print_contamination(self._console, outcome.results)
        print_oracle(self._console, plan.arms, outcome.results)
        for event in plan.alarms:
            self._print(event.describe())
        folder = self._run.folder
        where = f"{_short(self._storage.uri)}/{folder}"
        for line in (
            "",
            f"pool:    {_short(self._storage.uri)}/steps",
            f"results: {where}/{TABLE}",
            *([f"report:  {where}/{REPORT}"] * self._storage.exists(f"{folder}/{REPORT}")),
            f"browse:  {_browse(tracker.uri)}",
            f"         then open {_page(tracker)}",
        ):
            self._print(line)

    def _write_results(self, tracker: Tracker) -> None:
        """Write the results as tables and as pages, which MLflow has too."""
        outcome, folder = replace(self._run.outcome, status="finished"), self._run.folder
        self._storage.write(f"{folder}/{TABLE}", table(outcome).to_parquet)
        pooled = correlations(records(outcome))
        tracker.log_metrics({f"correlation/{name}": r for name, r in pooled.items()})
        self._write("contamination.csv", as_csv(outcome.results))
        # nothing was done: what is there was made of the same results
        overwrite = self._executor is not None
        if figures := oracle(outcome):
            picture = f"{folder}/{ORACLE}"
            if overwrite or not self._storage.exists(picture):
                png = overview([[figure] for figure in figures], "Dispersion of the training sets")
                self._storage.write(picture, lambda file: file.write_bytes(png))
            tracker.log_files(self._storage.local(picture))
        if any(result.pictures for result in outcome.results):
            for path in store_report(self._storage, folder, outcome, overwrite=overwrite):
                tracker.log_files(path)

    def _write(self, name: str, text: str) -> None:
        path = f"{self._run.folder}/{name}"
        self._storage.write(path, lambda file: file.write_text(text, encoding="utf-8"))

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True, markup=False)

    def _print_failure(self, error: StepError) -> None:
        print(f"error: {error}", file=sys.stderr)
        if not type(error.cause).__module__.startswith("actors."):
            traceback.print_exception(error.cause)
        print(f"what is done is stored; resume with:\n  {self._resume_command}", file=sys.stderr)


def _short(path: str) -> str:
    """Return a path below the working folder in its relative form."""
    here = os.getcwd() + os.sep
    return path.removeprefix(here)


def _browse(uri: str) -> str:
    """Return the command that opens MLflow on these runs."""
    if uri.startswith("http"):
        return f"open {uri}"
    program = _short(str(Path(sys.executable).parent / "mlflow"))
    return f"{program} server --backend-store-uri {uri} --port 5000"


def _page(tracker: Tracker) -> str:
    server = tracker.uri if tracker.uri.startswith("http") else "http://127.0.0.1:5000"
    return f"{server}/#/experiments/{tracker.experiment_id}/runs"
