"""The commands that need an experiment: check everything, then print the plan, or run it."""

import os
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from actors.pool.storage import Storage
from orchestrator.config import Experiment
from orchestrator.execution import cluster
from orchestrator.execution.placement import Node, check
from orchestrator.plan_table import print_plan
from orchestrator.planning import make_plan

# a temporary file this old belongs to a writer that is dead
STALE_SECONDS = 3600


def locate_store(uri: str) -> Storage:
    """Return the store at a URI or path, paths made absolute; nothing is read or written."""
    return Storage(os.path.abspath(uri) if "://" not in uri else uri.rstrip("/"))


def open_store(experiment: Experiment) -> Storage:
    """Return the experiment's store once it is known to be writable, without old temporaries."""
    uri = experiment.store
    storage = locate_store(uri)
    storage.check_writable()
    storage.sweep(time.time() - STALE_SECONDS)
    if "://" not in uri and not os.path.isabs(uri) and cluster.is_joined():
        print(
            f"warning: store {uri!r} is relative, so on this cluster it is {storage.uri}; "
            "give an absolute path that all machines share",
            file=sys.stderr,
        )
    return storage


def plan(experiment: Experiment) -> int:
    """Print the plan of an experiment: start no Ray, join one only to ask what it has, and write
    nothing."""
    console = Console()
    planned = make_plan(experiment)
    nodes = _machines()
    check(planned, nodes)
    print_plan(console, planned, nodes, locate_store(experiment.store))
    _print_notes(experiment)
    return 0


def run(experiment: Experiment, again: str) -> int:
    """Run an experiment and print its comparison; `again` is the command that goes on with it."""
    check(make_plan(experiment), _machines())
    storage = open_store(experiment)
    _print_notes(experiment)
    from orchestrator.running import Run
    from orchestrator.tracking import check_answers

    check_answers(storage)
    return Run(experiment, storage, again).carry_out()


def sweep(path: str, overrides: list[tuple[str, Any]], again: str, fail_fast: bool) -> int:
    """Run a sweep and print its points; `again` is the command that goes on with it."""
    from orchestrator.sweep import config, equal_rows, sweeping
    from orchestrator.tracking import check_answers

    loaded = config.load(path, overrides)
    machines = _machines()
    sweeping.prepare()
    loaded = equal_rows.on_equal_rows(loaded)
    sweeping.check_points(loaded, machines)
    seed = loaded.repeat.seeds[0]
    experiment = loaded.at(loaded.any_point(), seed)
    storage = open_store(experiment)
    _print_notes(experiment)
    check_answers(storage)
    return sweeping.Sweeping(loaded, storage, machines, again, fail_fast).carry_out()


def report(name: str, store: str, out: str | None, figures: str | None) -> int:
    """Write the report of a run or a sweep that is in a store."""
    from orchestrator.report import REPORT, find, write_report

    storage = locate_store(store)
    found = find(storage, name)
    if found.others:
        print(f"{len(found.others) + 1} have this name; this is the newest, {found.folder}")
    page = None if figures and not out else Path(out or REPORT)
    write_report(storage, found.folder, page, Path(figures) if figures else None)
    for written in filter(None, (page, figures)):
        print(f"report: {written}")
    return 0


def _print_notes(experiment: Experiment) -> None:
    """Print how the data set is read, and what of it is not."""
    dataset = experiment.dataset.facts
    for said in (f"{dataset.rows:,} images, {dataset.reading}", *dataset.notes):
        print(f"dataset: {said}")


def _machines() -> list[Node]:
    """Return the machines there are, joining the cluster if there is one."""
    if not cluster.is_joined():
        return [cluster.local_node()]
    cluster.connect()
    return cluster.nodes()
