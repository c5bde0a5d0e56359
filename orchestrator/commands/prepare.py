"""What commands share before they start: the store, the machines, notes on the data set."""

import os
import sys
import time

from actors.pool.storage import Storage
from orchestrator.config import Experiment
from orchestrator.execution import cluster
from orchestrator.execution.placement import Node

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
