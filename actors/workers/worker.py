"""The worker: an actor that does any step for which its resources suffice, one after the other."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pkgutil import resolve_name
from typing import Protocol

import pyarrow as pa
import ray
from threadpoolctl import threadpool_limits

from actors.config import Resources
from actors.pool import notes, shards
from actors.pool.catalogue import Alone
from actors.pool.manifest import is_done
from actors.pool.step import Report, Step, once, write_manifest
from actors.pool.storage import File, Storage
from actors.refusals import in_one_line

# of a step: where it is stored, the step, and a way to say how far it is -> records of its files
Work = Callable[[Storage, Step, Report], list[File]]

# by room and kind; imported when the first such step comes, since each brings heavy libraries
WORK = {
    ("pool", "sample"): "actors.workers.real:write",
    ("generator", "train"): "actors.workers.train:train",
    ("features", "fit"): "actors.workers.embed:fit",
    ("selection", "order"): "actors.workers.select:order",
    ("selection", "select"): "actors.workers.select:select",
    ("evaluation", "evaluate"): "actors.workers.evaluate:evaluate",
}
# of what is cut, a class whose `make` returns the table of a range
MAKERS = {
    ("generator", "sample"): "actors.workers.sample:Sampler",
    ("features", "embed"): "actors.workers.embed:Embedder",
}


class Maker(Protocol):
    """Makes row ranges of steps, and keeps what it loaded for the last one."""

    def make(self, step: Step, start: int, stop: int, report: Report) -> pa.Table:
        """Return the rows of a step from `start` to `stop` - 1."""


@ray.remote
class Worker:
    """Does steps on a store, and keeps the models that it loaded last."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._alone = Alone(storage)
        self._makers: dict[str, Maker] = {}

    def where(self) -> tuple[str, str]:
        """Return Ray's ids of this worker's node and of itself, in hex."""
        context = ray.get_runtime_context()
        return context.get_node_id(), str(context.get_actor_id())

    def do(self, step: Step) -> list[str]:
        """Do a whole step and store its output, unless it is stored; return its notes."""
        self._makers.clear()
        _use_threads(step)
        work: Work = resolve_name(WORK[step.room, step.kind])
        report = partial(self._alone.report, step.key)
        with memory_errors(step):
            return once(self._storage, step, self._alone, lambda: work(self._storage, step, report))

    def make(self, step: Step, start: int, stop: int) -> File:
        """Store rows start to stop - 1 of a step as one shard, if need be; return its record."""
        _use_threads(step)
        name = MAKERS[step.room, step.kind]
        if name not in self._makers:
            self._makers[name] = resolve_name(name)(self._storage)
        path = shards.shard_path(step.path, start)
        with self._alone(path):
            if self._storage.exists(path):
                return replace(self._storage.record(path), rows=stop - start)
            report = partial(self._alone.report, path)
            with notes.noted(self._storage, step.path), memory_errors(step):
                table = self._makers[name].make(step, start, stop, report)
            return shards.write_table(self._storage, path, table)

    def close(self, step: Step, records: list[File], started: float, seconds: float) -> list[str]:
        """Record a step that was cut as done, all of its shards being stored; return its notes."""
        with self._alone(step.key):
            if is_done(self._storage, step.path):
                return []
            return write_manifest(self._storage, step, records, started, seconds)


def memory_errors(step: Step) -> AbstractContextManager[None]:
    """Return the context in which a GPU without enough memory is an error of one line.

    A generator names the field that asks for the memory itself.
    """
    gpus = step.settings.get("gpus")
    if not gpus or step.room == "generator":
        return nullcontext()
    return in_one_line(f"resources.{step.room}.gpus", gpus)


def _use_threads(step: Step) -> None:
    """Compute with as many threads as the step says, whatever this worker has."""
    import torch  # here, as who only starts workers does not need it

    threads = Resources(cpus=step.settings["cpus"]).threads
    torch.set_num_threads(threads)
    threadpool_limits(threads)
