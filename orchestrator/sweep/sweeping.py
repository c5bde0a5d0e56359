"""A sweep: its points by Ray Tune on workers that all share, then what came out."""

import logging
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import ray
import yaml
from ray import tune
from rich.console import Console

from actors.errors import UserError
from actors.pool.format import mark_format
from actors.pool.inspect.garbage import remove_folder
from actors.pool.manifest import finished, read_step
from actors.pool.storage import TEMPORARY, Storage
from orchestrator import interrupts
from orchestrator.analysis.correlations import correlations
from orchestrator.analysis.ranking import rank
from orchestrator.analysis.records import records
from orchestrator.analysis.tidy import TABLE, table
from orchestrator.execution import cluster
from orchestrator.execution.placement import Node, check, how_many
from orchestrator.execution.shared import SharedExecutor
from orchestrator.outcome import (
    Outcome,
    Sweep,
    kept_steps,
    read_sweep,
    read_trial,
    trial_folder,
    write_outcome,
    write_sweep,
)
from orchestrator.plan import PlannedStep
from orchestrator.planning import make_plan
from orchestrator.progress import Running
from orchestrator.report import REPORT, store_report
from orchestrator.status import StatusFile
from orchestrator.sweep.config import Optuna, SweepConfig, named
from orchestrator.sweep.searching import scheduled, searched
from orchestrator.sweep.seeds import Setting
from orchestrator.sweep.space import Point
from orchestrator.sweep.table import best_line, print_table, sharing_line
from orchestrator.sweep.trial import ENDED, run_point, trial_ids
from orchestrator.sweep.watching import Stopper, Watch, last_line
from orchestrator.tracking import Log
from orchestrator.tracking.names import flatten

# a bundle has to ask for something; the workers hold the CPUs
TRIAL_BUNDLE: dict[str, int | float] = {"memory": 1}
# a trial's process that dies is tried again this often
TRIES = 3
WIDTH_OF_FILES = 120


class Sweeping:
    """One execution of a sweep on a store."""

    def __init__(
        self,
        sweep: SweepConfig,
        storage: Storage,
        nodes: list[Node],
        resume_command: str,
        fail_fast: bool,
    ) -> None:
        self._sweep = sweep
        self._storage = storage
        self._nodes = nodes
        self._resume_command = resume_command
        self._fail_fast = fail_fast
        # a file has no width that names would be cut for
        self._console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES)
        self.folder = f"sweeps/{sweep.name}-{sweep.key[:8]}"
        # a sweep goes on by its trials, not by what Ray Tune writes; but a member of a population
        # finds there, on whichever machine it is, what another has come to
        self._scratch = f"{TEMPORARY}/tune-{sweep.key[:8]}"
        self._planned = planned_points(sweep)

    def carry_out(self) -> int:
        """Run what is left of the points, and print what came out; return the exit status."""
        mark_format(self._storage)
        known = self._known()
        before = known.trials if known else []
        seeds = self._sweep.repeat.seeds
        ended = sum(trial.status in ENDED for trial in before)
        left = self._planned * len(seeds) - ended
        self._say(
            f"{self._sweep.name}: {self._planned} points x {len(seeds)} seeds, "
            f"{ended} of {self._planned * len(seeds)} trials ended before"
        )
        config = self.begin()
        tracked = cluster.connect_beside(self._open_tracked) if left else self._open_tracked()
        tracked.log_files(self._storage.local(config))
        status = "failed"
        try:
            ended_early = self.run_points(self.start(tracked.run_id), before) if left else None
            ending = "interrupted" if ended_early else "finished"
            self._write(ending)
            sweep = read_sweep(self._storage, self.folder)
            _log_ending(tracked, sweep)
            self._storage.write(f"{self.folder}/{TABLE}", table(sweep).to_parquet)
            # the page of a sweep that was interrupted says so
            overwrite = left > 0 or known is None or known.status != "finished"
            for path in store_report(self._storage, self.folder, sweep, overwrite=overwrite):
                tracked.log_files(path)
            status = ending
        except KeyboardInterrupt:
            status = "interrupted"
            self._say(f"interrupted; resume with:\n  {self._resume_command}")
            return interrupts.status()
        finally:
            if ray.is_initialized():
                ray.shutdown()
            if status == "failed":
                # a store that is away is not waited for once more
                self._storage = replace(self._storage, patience=0)
            self._close_trials()
            self._write(status)
            tracked.close(status)
            remove_folder(self._storage, self._scratch)
        print_table(self._console, sweep)
        for line in filter(None, (best_line(sweep), sharing_line(sweep))):
            self._say(line)
        if ended_early:
            self._say(f"ended early: {ended_early}; resume with:\n  {self._resume_command}")
        self._say(f"\nreport:  {self._storage.uri}/{self.folder}/{REPORT}")
        return 1 if any(trial.status == "failed" for trial in sweep.trials) else 0

    def begin(self) -> str:
        """Write down what the sweep is and that it runs; return the path of its configuration."""
        resolved = yaml.safe_dump(self._sweep.model_dump(mode="json"), sort_keys=False)
        config = f"{self.folder}/config.yaml"
        self._storage.write(config, lambda file: file.write_text(resolved, encoding="utf-8"))
        self._write("running")
        # of the points known before; each trial adds those that it needs
        listed = {"steps": sorted(self._planned_steps)}
        self._storage.write_json(f"{self.folder}/steps.json", listed)
        return config

    def _open_tracked(self) -> Log:
        sweep = self._sweep
        tags = {"sweep": sweep.name, "search": sweep.search.kind, "scheduler": sweep.scheduler.kind}
        params = flatten(sweep.model_dump(mode="json"))
        return Log(self._storage, sweep.key, sweep.name, tags, params)

    def start(self, parent: str) -> Setting:
        """Start the executor that all points share, below an MLflow run."""
        executor = SharedExecutor(self._storage)
        return Setting(self._sweep, self._storage, self.folder, executor, parent)

    def run_points(self, setting: Setting, before: Sequence[Outcome] = ()) -> str | None:
        """Run the points that are left; return why it ended before they did, if so.

        Args:
            before: trials of an earlier run.
        """
        iterations = self._sweep.iterations[-1]
        stopper = Stopper(self._sweep.limits, self._fail_fast, setting.executor)
        search = searched(self._sweep, distinct([trial.point for trial in before]))
        space = search.pop("param_space")
        # one more than have room, so that no worker waits for the next point to begin; the
        # members of a population are there all the time
        most = self._sweep.limits.max_concurrent or self._side_by_side() + 1
        most = self._planned if self._sweep.scheduler.kind == "pbt" else min(most, self._planned)
        running = Running(self._planned_steps.values())
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
        storage = self._storage
        with Watch(
            self._console,
            self._sweep,
            self._planned,
            iterations,
            lambda: running.lines(setting.executor.progress()),
            setting.executor,
            StatusFile(storage, self.folder),
        ) as watch:
            tune.Tuner(
                tune.with_resources(
                    tune.with_parameters(run_point, setting=setting),
                    tune.PlacementGroupFactory([TRIAL_BUNDLE]),
                ),
                param_space=space,
                tune_config=tune.TuneConfig(
                    **search,
                    scheduler=scheduled(self._sweep, iterations),
                    max_concurrent_trials=most,
                    reuse_actors=True,
                ),
                run_config=tune.RunConfig(
                    name=self._sweep.name,
                    storage_path=f"{storage.root}/{self._scratch}",
                    storage_filesystem=None if storage.is_local else storage.filesystem,
                    callbacks=[watch, _Marks(setting)],
                    stop=stopper,
                    failure_config=tune.FailureConfig(max_failures=TRIES),
                    verbose=0,
                ),
            ).fit()
        self._close_trials()
        return stopper.reason

    def _side_by_side(self) -> int:
        """Return how many trials' models can be trained at a time."""
        seed = self._sweep.repeat.seeds[0]
        experiment = self._sweep.at(self._sweep.any_point(), seed)
        room = [how_many(model.resources, self._nodes) for model in experiment.trained.values()]
        return max(1, max(room, default=1) // len(experiment.generators))

    def _close_trials(self) -> None:
        """Mark the trials whose processes are gone before they could do it themselves."""
        for trial in self._trials():
            if trial.status == "running":
                self._write_trial(trial, "interrupted")

    def _write_trial(self, trial: Outcome, status: str) -> None:
        write_outcome(
            self._storage, trial_folder(self.folder, trial.id), replace(trial, status=status)
        )

    def _known(self) -> Sweep | None:
        """Return what is known of the sweep so far; None before its first run."""
        if not self._storage.exists(f"{self.folder}/sweep.json"):
            return None
        return read_sweep(self._storage, self.folder)

    def _trials(self) -> list[Outcome]:
        known = self._known()
        return known.trials if known else []

    def _write(self, status: str) -> None:
        write_sweep(
            self._storage,
            self.folder,
            Sweep(
                self._sweep.name,
                status,
                list(self._sweep.space),
                list(self._sweep.repeat.seeds),
                dict(self._sweep.objectives),
                self._planned * len(self._sweep.repeat.seeds),
                self._shared() if status != "running" else {},
            ),
        )

    @cached_property
    def _planned_steps(self) -> dict[str, PlannedStep]:
        """The steps of the points known before, by path, with whose they are."""
        steps: dict[str, PlannedStep] = {}
        for point in self._sweep.points():
            for seed in self._sweep.repeat.seeds:
                for path, planned in make_plan(self._sweep.at(point, seed)).steps.items():
                    alone = f"{named(point)}, seed {seed}"
                    whose = f"seed {seed}" if path in steps else alone
                    steps[path] = replace(planned, arms=[whose])
        return steps

    def _shared(self) -> dict[str, float]:
        """Return how many steps the trials have in common, and the time that it saved."""
        times: Counter[str] = Counter()
        for trial in self._trials():
            if trial.status in ENDED:
                folder = trial_folder(self.folder, trial.id)
                times.update(kept_steps(self._storage, folder))
        stored = finished(self._storage, times.keys())
        times = Counter({path: count for path, count in times.items() if path in stored})
        saved = sum(
            (count - 1) * read_step(self._storage, path).seconds
            for path, count in times.items()
            if count > 1
        )
        return {"steps": times.total(), "done": len(times), "seconds_saved": saved}

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True, markup=False)


class _Marks(tune.Callback):
    """Marks the trials whose processes could not do it themselves."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        halted = self._setting.executor.halted()
        self._mark(trial, "interrupted" if halted else "stopped", None)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        self._mark(trial, "failed", last_line(trial.get_error()))

    def _mark(self, trial: Any, status: str, error: str | None) -> None:
        setting = self._setting
        point = setting.sweep.point_of(trial.config)
        for seed, id in trial_ids(setting.sweep, trial.trial_id, trial.config).items():
            stored = read_trial(setting.storage, setting.folder, id)
            # one that died early has written nothing
            stored = stored or Outcome(
                f"{named(point)}, seed {seed}", "running", seed, id=id, point=point
            )
            if stored.status == "running":
                ended = replace(stored, status=status, error=error)
                write_outcome(setting.storage, trial_folder(setting.folder, id), ended)


def _log_ending(tracked: Log, sweep: Sweep) -> None:
    """Write to the sweep's run which points are best, and what the trials shared."""
    best = {name: standing for name in sweep.objectives if (standing := rank(sweep, name).best)}
    tracked.log_metrics({f"best/{name}": standing.interval.mean for name, standing in best.items()})
    tracked.log_metrics({f"shared/{name}": value for name, value in sweep.shared.items()})
    pooled = correlations(records(sweep))
    tracked.log_metrics({f"correlation/{name}": r for name, r in pooled.items()})
    tracked.tag({f"best/{name}": standing.name for name, standing in best.items()})


def distinct(points: list[Point]) -> list[Point]:
    """Return every point once."""
    different: list[Point] = []
    for point in points:
        if point not in different:
            different.append(point)
    return different


def prepare() -> None:
    """Set what Ray Tune reads from the environment when it is imported."""
    # no files of every trial beside ours, no second way to be interrupted, no output of its own
    os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
    os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")


def check_points(sweep: SweepConfig, nodes: list[Node]) -> None:
    """Raise UserError when a step of a point fits no machine, by the point's name."""
    for point in sweep.points() or sweep.ends():
        try:
            check(make_plan(sweep.at(point, sweep.repeat.seeds[0])), nodes)
        except UserError as error:
            raise UserError(f"{named(point)}: {error}") from None


def planned_points(sweep: SweepConfig) -> int:
    """Return how many points there will be."""
    return sweep.search.points if isinstance(sweep.search, Optuna) else len(sweep.points())
