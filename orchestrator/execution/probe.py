"""Asking every node, before it is given work, whether it has the project and sees the store."""

import sys
import time
from importlib import import_module
from typing import Any
from uuid import uuid4

import ray
import ray.exceptions
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.errors import UserError
from actors.pool.format import FILE
from actors.pool.storage import TEMPORARY, Storage
from orchestrator.execution import cluster
from orchestrator.execution.placement import Node

# a node that is not done in so long is named, as it may be installing packages for the job
QUIET_SECONDS = 20.0
# and after so long the run is refused
PATIENCE_SECONDS = 600.0
# how soon one that joined, with which something is wrong, is asked once more
AGAIN_SECONDS = 60.0
# stores, and the nodes that were checked to see them: pairs of a URI and an id
_in_order: set[tuple[str, str]] = set()


class Newcomers:
    """The nodes that join later, which are asked as well before they are given work.

    Attributes:
        notes: what people should know of them.
    """

    def __init__(self, storage: Storage) -> None:
        self.notes: list[str] = []
        self._uri = storage.uri
        self._asked: dict[str, Any] = {}
        asked = {node for uri, node in _in_order if uri == storage.uri}
        # where no check was made, as of a local Ray, those of the start count as in order
        self._answers = dict.fromkeys(asked or [node.id for node in cluster.nodes()], "")
        self._due: dict[str, float] = {}

    def is_fit(self, node: Node) -> bool:
        """Whether a node has said that nothing is wrong; asks it now and then, without waiting."""
        now, asked = time.monotonic(), self._asked.get(node.id)
        if self._answers.get(node.id) == "":
            return True
        if asked is None and now >= self._due.get(node.id, 0):
            self._asked[node.id] = _ask_one(_make_look(), node.id, self._uri, FILE)
        if asked is not None and ray.wait([asked], timeout=0)[0]:
            del self._asked[node.id]
            problem, before = _answer(asked), self._answers.get(node.id)
            if problem and problem != before:
                self.notes.append(f"node {node.name} joined and is given no work: {problem}")
            self._answers[node.id], self._due[node.id] = problem, now + AGAIN_SECONDS
        return self._answers.get(node.id) == ""


def check_nodes(storage: Storage) -> None:
    """Raise UserError when a node of the cluster lacks the project, or does not see the store."""
    mark = f"{TEMPORARY}/probe-{uuid4().hex}"
    storage.write(mark, lambda file: file.write_text("", encoding="utf-8"))
    try:
        problems = _ask(_make_look(), storage.uri, mark)
    finally:
        storage.remove(mark)
    alive = cluster.nodes()
    _in_order.update((storage.uri, id) for id, problem in problems.items() if not problem)
    bad = [(node.name, problems[node.id]) for node in alive if problems.get(node.id)]
    if bad:
        name, problem = bad[0]
        others = f" (and {len(bad) - 1} more of {len(alive)} nodes)" if len(bad) > 1 else ""
        raise UserError(f"node {name}{others}: {problem}")


def _ask(look: Any, uri: str, mark: str) -> dict[str, str]:
    """Return what is wrong with nodes, by their ids; empty for those in order."""
    names = {node.id: node.name for node in cluster.nodes()}
    refs = {_ask_one(look, id, uri, mark): id for id in names}
    _, waiting = ray.wait(list(refs), num_returns=len(refs), timeout=QUIET_SECONDS)
    if waiting:
        who = ", ".join(names[refs[ref]] for ref in waiting)
        print(f"waiting for nodes that start their first worker: {who}", file=sys.stderr)
        _, waiting = ray.wait(list(refs), num_returns=len(refs), timeout=PATIENCE_SECONDS)
    late = f"no worker started there within {PATIENCE_SECONDS:.0f} s; see its raylet's log"
    return {id: late if ref in waiting else _answer(ref) for ref, id in refs.items()}


def _ask_one(look: Any, node: str, uri: str, mark: str) -> Any:
    there = NodeAffinitySchedulingStrategy(node_id=node, soft=False)
    return look.options(scheduling_strategy=there).remote(uri, mark)


def _answer(ref: Any) -> str:
    try:
        return str(ray.get(ref))
    except ray.exceptions.RayError as error:
        return " ".join(str(error).split())[:300]


def _make_look() -> Any:
    """Return the task; as a function in a function it is sent whole, so it runs anywhere."""

    @ray.remote(num_cpus=0, max_retries=0)
    def look(uri: str, mark: str) -> str:
        try:
            # by name, as what it would bring with it may not be there
            storages = import_module("actors.pool.storage")
        except ImportError as error:
            return (
                f"the project is not there ({error}); give --working-dir, or install it and the "
                "packages of cluster/constraints.txt"
            )
        try:
            storage = storages.Storage(uri, patience=0)
            for _ in range(3):  # a network file system may be behind for a moment
                if storage.exists(mark):
                    storage.check_writable()
                    return ""
                time.sleep(1)
        except (OSError, ValueError) as error:
            return str(error)
        return (
            f"store {storages.without_secrets(uri)!r} does not hold there what was just written "
            "to it; give a folder that all nodes share, or S3"
        )

    return look
