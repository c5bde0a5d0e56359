"""What commands share before they start: the store, the machines, notes on the data set."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from actors.data import index
from actors.errors import UserError
from actors.pool.storage import Storage
from orchestrator.commands.base import locate_store
from orchestrator.config import Experiment
from orchestrator.execution import cluster, submission
from orchestrator.execution.placement import Node

# a temporary file this old belongs to a writer that is dead
STALE_SECONDS = 3600


def open_store(experiment: Experiment) -> Storage:
    """Return the experiment's store without old temporaries, once it can be written everywhere.

    Raises:
        UserError: this machine, or a node of the cluster, cannot write there.
    """
    uri = experiment.store
    if "://" not in uri and not os.path.isabs(uri) and submission.submission_id():
        raise UserError(
            f"store: found {uri!r}, which would lie in the job's own copy of the code and be "
            "removed with it; allowed are an absolute path that all nodes share, and a URI"
        )
    storage = locate_store(uri)
    storage.check_writable()
    storage.sweep(STALE_SECONDS)
    if cluster.is_joined():
        from orchestrator.execution.probe import check_nodes

        check_nodes(storage)
    return storage


@contextmanager
def reading_shown() -> Iterator[None]:
    """Show on a terminal how far data sets are read of which nothing is known yet."""
    bar = Progress(
        TextColumn("reading the data set once, all {task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def show(what: str, done: int, total: int) -> None:
        if bar.console.is_terminal:
            bar.start()
            tasks[what] = tasks[what] if what in tasks else bar.add_task(what)
            bar.update(tasks[what], completed=done, total=total)

    try:
        with index.shown(show):
            yield
    finally:
        # one that was never started would leave an empty line
        if tasks:
            bar.stop()


def print_notes(experiment: Experiment) -> None:
    """Print how the data set is read, and what of it is not."""
    dataset = experiment.dataset.info
    for said in (f"{dataset.rows:,} images, {dataset.reading}", *dataset.notes):
        print(f"dataset: {said}")


def machines() -> list[Node]:
    """Return the machines there are, joining the cluster if there is one."""
    if not cluster.is_joined():
        return [cluster.local_node()]
    cluster.connect()
    return cluster.nodes()
