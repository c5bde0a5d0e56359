"""The commands: check everything, then run, then show what came out."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from rich.console import Console

from actors.pool.storage import Storage
from orchestrator import cluster, report
from orchestrator.casting import Cast, Node, cast
from orchestrator.config import Experiment
from orchestrator.plan import Plan, PlannedStep, make_plan
from orchestrator.progress import Display
from orchestrator.results import read_results
from orchestrator.tracking import Tracker, experiment_key

if TYPE_CHECKING:
    from orchestrator.loop import StepError

# a temporary file this old belongs to a writer that is dead
STALE_SECONDS = 3600


def open_store(experiment: Experiment) -> Storage:
    """Return the experiment's store, local paths made absolute, once it is known to be writable."""
    uri = experiment.store
    local = "://" not in uri
    storage = Storage(os.path.abspath(uri) if local else uri)
    storage.check_writable()
    storage.sweep(time.time() - STALE_SECONDS)
    if local and not os.path.isabs(uri) and cluster.is_joined():
        print(
            f"warning: store {uri!r} is relative, so on this cluster it is {storage.uri}; "
            "give an absolute path that all machines share",
            file=sys.stderr,
        )
    return storage


def plan(experiment: Experiment) -> int:
    """Print the plan of an experiment; start no Ray, join one only to ask what it has."""
    console = Console()
    planned = make_plan(experiment)
    nodes = _machines()
    actors = cast(planned, nodes)
    report.print_plan(console, planned, actors, nodes, open_store(experiment))
    return 0


def run(experiment: Experiment, again: str) -> int:
    """Run an experiment and print its comparison; `again` is the command that goes on with it."""
    machines = _machines()
    from orchestrator.loop import StepError

    console = Console()
    planned = make_plan(experiment)
    actors = cast(planned, machines)
    storage = open_store(experiment)
    folder = f"experiments/{experiment.name}-{experiment_key(experiment)[:8]}"
    resolved = yaml.safe_dump(experiment.model_dump(mode="json"), sort_keys=False)
    storage.write(f"{folder}/config.yaml", lambda file: _write_text(file, resolved))
    todo = planned.todo(storage)
    done = len(planned.steps) - len(todo)
    console.print(
        f"{experiment.name}: {len(planned.steps)} steps, {done} done before, {len(todo)} to do",
        highlight=False,
    )
    tracker = Tracker(planned, storage)
    status = "FAILED"
    try:
        for result in read_results(planned, storage):
            tracker.log(result)
        if todo:
            _perform(console, planned, todo, storage, tracker, actors)
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        left = len(planned.todo(storage))
        console.print(
            f"interrupted: {len(planned.steps) - left} of {len(planned.steps)} steps are stored; "
            f"go on with:\n  {again}",
            highlight=False,
            soft_wrap=True,
        )
        return 130
    except StepError as error:
        _print_failure(error, again)
        return 1
    finally:
        tracker.close(status)
    results = list(read_results(planned, storage))
    storage.write_json(
        f"{folder}/results.json",
        [
            {"arm": r.arm, "iteration": r.iteration, "generator": r.generator, **m}
            for r in results
            for m in r.measures
        ],
    )
    report.print_comparison(console, results)
    for line in (
        "",
        f"pool:    {_short(storage.uri)}/steps",
        f"results: {_short(storage.uri)}/{folder}/results.json",
        f"browse:  {_browse(tracker.uri)}",
        f"         then open {_page(tracker)}",
    ):
        console.print(line, highlight=False, soft_wrap=True)
    return 0


def _machines() -> list[Node]:
    """Return the machines there are, joining the cluster if there is one."""
    cluster.prepare()
    if not cluster.is_joined():
        return [cluster.local_node()]
    cluster.connect()
    return cluster.nodes()


def _perform(
    console: Console,
    planned: Plan,
    todo: list[PlannedStep],
    storage: Storage,
    tracker: Tracker,
    actors: Cast,
) -> None:
    """Run the steps that are left on Ray, logging each evaluation as it comes."""
    import ray

    from orchestrator.loop import Stage, execute

    started = time.monotonic()
    if not ray.is_initialized():
        cluster.connect()
    # Ray put its own handler in the place of ours, which aborts
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        stage = Stage(planned, actors, storage)
        where = os.environ.get(cluster.ADDRESS, "local, on loopback")
        console.print(
            f"Ray {ray.__version__} ({where}) after {time.monotonic() - started:.1f} s",
            highlight=False,
        )
        with Display(console, todo, len(planned.steps) - len(todo)) as display:
            for finished in execute(todo, stage):
                if finished is None:
                    display.running(stage.progress())
                    continue
                display.done(finished)
                for result in read_results(planned, storage, {finished.step.path}):
                    tracker.log(result)
    finally:
        ray.shutdown()


def _print_failure(error: StepError, again: str) -> None:
    import traceback

    print(f"error: {error}", file=sys.stderr)
    if not type(error.cause).__module__.startswith("actors."):
        traceback.print_exception(error.cause)
    print(f"what is done is stored; go on with:\n  {again}", file=sys.stderr)


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
    return f"{server}/#/experiments/{tracker.experiment_id}"
