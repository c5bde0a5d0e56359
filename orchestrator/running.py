"""A run: rounds of planning and doing until nothing is left, then what came out."""

import os
import sys
import traceback
from collections import Counter, deque
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from dataclasses import asdict, replace
from pathlib import Path

import ray
import yaml
from rich.console import Console

from actors.errors import DamagedError, StorageError
from actors.pool.format import mark_format
from actors.pool.manifest import forget
from actors.pool.storage import Storage
from orchestrator import interrupts
from orchestrator.analysis.correlations import correlations
from orchestrator.analysis.records import records
from orchestrator.comparison import print_comparison
from orchestrator.config import Experiment
from orchestrator.contamination import as_csv, print_contamination
from orchestrator.deciding import decider
from orchestrator.execution import cluster
from orchestrator.execution.execute import StepError, execute
from orchestrator.execution.executor import Executor
from orchestrator.identity import experiment_key
from orchestrator.oracle import print_oracle
from orchestrator.outcome import STATUS, Outcome, write_outcome
from orchestrator.plan import PlannedStep
from orchestrator.planning import make_plan
from orchestrator.progress import Display
from orchestrator.report import REPORT, store_report
from orchestrator.report.oracle import oracle
from orchestrator.results import Result, read_results
from orchestrator.tracking import Tracker

ORACLE = "oracle.png"
# how often a step with damaged files is redone
REDONE = 2


class Run:
    """One execution of an experiment on a store.

    Without damage there is one round: everything is planned at once, and what alarms decide as
    soon as it is known.
    """

    def __init__(self, experiment: Experiment, storage: Storage, resume_command: str) -> None:
        self._experiment = experiment
        self._storage = storage
        self._resume_command = resume_command
        self._console = Console()
        self._folder = f"experiments/{experiment.name}-{experiment_key(experiment)[:8]}"
        self._plan = make_plan(experiment, decider(storage))
        self._executor: Executor | None = None
        self._results: dict[tuple[str, int, str], Result] = {}
        self._redone: Counter[str] = Counter()
        self._told = 0

    def carry_out(self) -> int:
        """Do what is left, and print what came out; return the exit status."""
        mark_format(self._storage)
        resolved = yaml.safe_dump(self._experiment.model_dump(mode="json"), sort_keys=False)
        self._write("config.yaml", resolved)
        todo = self._plan.todo(self._storage)
        steps = len(self._plan.steps)
        self._say(
            f"{self._experiment.name}: {steps} steps, {steps - len(todo)} done before, "
            f"{len(todo)} to do" + (", more as the alarms allow" if self._plan.waiting else "")
        )
        tracker, status = None, "FAILED"
        try:
            tracker = cluster.connect_beside(self._open_tracker) if todo else self._open_tracker()
            tracker.log_files(self._storage.local(f"{self._folder}/config.yaml"))
            self._rounds(tracker)
            self._write_results(tracker)
            status = "FINISHED"
        except KeyboardInterrupt:
            status = "KILLED"
            left = len(self._plan.todo(replace(self._storage, patience=0)))
            steps = len(self._plan.steps)
            self._say(
                f"interrupted: {steps - left} of {steps} steps are stored; "
                f"go on with:\n  {self._resume_command}"
            )
            return interrupts.status()
        except StepError as error:
            self._print_failure(error)
            return 1
        finally:
            if tracker:
                tracker.close(status)
            # what stopped the run is told; a full disk cannot take this either, nor a store that
            # is away, which is not waited for once more
            if status != "FINISHED":
                self._storage = replace(self._storage, patience=0)
            with nullcontext() if status == "FINISHED" else suppress(StorageError):
                self._write_outcome(STATUS[status])
            if self._executor:
                self._executor.stop()
            if ray.is_initialized():
                ray.shutdown()
        assert tracker
        self._conclude(tracker)
        return 0

    def _rounds(self, tracker: Tracker) -> None:
        """Plan as far as is known and do that, until there is no more."""
        while True:
            self._take_plan(tracker)
            todo = deque(self._plan.todo(self._storage))
            if not todo:
                return
            try:
                self._perform(todo, tracker)
            except StepError as error:
                self.mend(error)
            self._plan = make_plan(self._experiment, decider(self._storage))

    def mend(self, error: StepError) -> None:
        """Forget the step whose file is damaged, so that it is redone; raise any other error."""
        if not isinstance(error.cause, DamagedError) or self._experiment.damaged == "stop":
            raise error
        path = error.cause.step_path
        self._redone[path] += 1
        if self._redone[path] > REDONE:
            found = (
                f"{error.cause.found}, although its step was redone {REDONE} times; the disk or "
                "the memory may be faulty"
            )
            raise StepError(error.planned, DamagedError(path, error.cause.file, found)) from None
        self._say(f"damaged: {error.cause}; its step is done again")
        forget(self._storage, path)

    def _take_plan(self, tracker: Tracker) -> None:
        """Tell the alarms of the plan, and write down which steps it has, before they are run."""
        self._tell_alarms(tracker)
        self._storage.write_json(f"{self._folder}/steps.json", self._plan.listed())
        # what is planned now may have been measured for another arm before
        new = {s.path for key, s in self._plan.evaluations.items() if key not in self._results}
        self._take(read_results(self._plan, self._storage, new), tracker)

    def _waits_for(self, finished: PlannedStep) -> bool:
        """Whether an arm's next iteration is decided by what this step measured."""
        return any(
            arm in self._plan.waiting
            for (arm, _, _), step in self._plan.evaluations.items()
            if step.path == finished.step.path
        )

    def _plan_on(self, tracker: Tracker) -> list[PlannedStep]:
        """Plan what is known since the last measures; return the steps that are new."""
        before = self._plan.steps
        self._plan = make_plan(self._experiment, decider(self._storage))
        self._take_plan(tracker)
        return [p for p in self._plan.todo(self._storage) if p.step.path not in before]

    def _perform(self, todo: deque[PlannedStep], tracker: Tracker) -> None:
        """Run steps on Ray, logging each evaluation as it comes."""
        executor = self._executor = self._executor or self._open_executor()
        with Display(self._console, len(self._plan.steps) - len(todo)) as display:
            display.add(todo)
            for finished in execute(todo, executor):
                for note in executor.notes():
                    self._say(note)
                if finished is None:
                    display.running(executor.progress())
                    continue
                display.done(finished)
                if finished.step.kind == "evaluate":
                    only = {finished.step.path}
                    self._take(read_results(self._plan, self._storage, only), tracker)
                    if self._waits_for(finished):
                        # an arm with alarms goes on while the others do
                        more = self._plan_on(tracker)
                        display.add(more)
                        todo.extend(more)

    def _take(self, results: Iterable[Result], tracker: Tracker) -> None:
        """Log results, and keep what has come out so far for a report."""
        for result in results:
            tracker.log(result)
            self._results[result.arm, result.iteration, result.generator] = result
        self._write_outcome("running")

    def _write_outcome(self, status: str) -> None:
        write_outcome(self._storage, self._folder, self._outcome(status))

    def _outcome(self, status: str) -> Outcome:
        arms = {arm: own.model_dump(mode="json") for arm, own in self._plan.arms.items()}
        alarms = [vars(one) for one in self._plan.alarms]
        name, seed = self._experiment.name, self._experiment.seed
        return Outcome(name, status, seed, arms, self._ordered(), alarms)

    def _ordered(self) -> list[Result]:
        """Return the results so far in the order of the plan."""
        return [self._results[key] for key in self._plan.evaluations if key in self._results]

    def _open_tracker(self) -> Tracker:
        return Tracker(self._plan, self._storage, tags={"command": self._resume_command})

    def _open_executor(self) -> Executor:
        cluster.connect()
        where = os.environ.get(cluster.ADDRESS, "local, on loopback")
        self._say(f"Ray {ray.__version__} ({where})")
        return Executor(self._storage)

    def _tell_alarms(self, tracker: Tracker) -> None:
        """Print and log the alarms that went off since the last round."""
        for event in self._plan.alarms[self._told :]:
            self._say(event.describe())
            tracker.log_alarm(event)
        self._told = len(self._plan.alarms)

    def _conclude(self, tracker: Tracker) -> None:
        """Print the results, and where they are."""
        results = self._ordered()
        print_comparison(self._console, self._outcome("finished"))
        print_contamination(self._console, results)
        print_oracle(self._console, self._plan.arms, results)
        for event in self._plan.alarms:
            self._say(event.describe())
        where = f"{_short(self._storage.uri)}/{self._folder}"
        for line in (
            "",
            f"pool:    {_short(self._storage.uri)}/steps",
            f"results: {where}/results.json",
            *([f"report:  {where}/{REPORT}"] * self._storage.exists(f"{self._folder}/{REPORT}")),
            f"browse:  {_browse(tracker.uri)}",
            f"         then open {_page(tracker)}",
        ):
            self._say(line)

    def _write_results(self, tracker: Tracker) -> None:
        """Write the results as tables and as pages, which MLflow has too."""
        results = self._ordered()
        measures = [
            {"arm": r.arm, "iteration": r.iteration, "generator": r.generator, **asdict(m)}
            for r in results
            for m in r.measures
        ]
        self._storage.write_json(f"{self._folder}/results.json", measures)
        tracker.log_correlations(correlations(records(self._outcome("finished"))))
        self._write("contamination.csv", as_csv(results))
        if self._plan.alarms:
            alarms = [vars(one) for one in self._plan.alarms]
            self._storage.write_json(f"{self._folder}/alarms.json", alarms)
        if drawn := oracle(self._outcome("finished")):
            figure = f"{self._folder}/{ORACLE}"
            if self._executor or not self._storage.exists(figure):
                self._storage.write(figure, drawn.write_png)
            tracker.log_files(self._storage.local(figure))
        if any(result.pictures for result in results):
            outcome, overwrite = self._outcome("finished"), self._executor is not None
            for path in store_report(self._storage, self._folder, outcome, overwrite=overwrite):
                tracker.log_files(path)

    def _write(self, name: str, text: str) -> None:
        self._storage.write(f"{self._folder}/{name}", lambda file: _write_text(file, text))

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True, markup=False)

    def _print_failure(self, error: StepError) -> None:
        print(f"error: {error}", file=sys.stderr)
        if not type(error.cause).__module__.startswith("actors."):
            traceback.print_exception(error.cause)
        print(f"what is done is stored; go on with:\n  {self._resume_command}", file=sys.stderr)


def _write_text(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


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
