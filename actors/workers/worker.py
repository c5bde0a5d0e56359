"""The worker: an actor that does any step for which its resources suffice, one after the other."""

from collections.abc import Callable
from functools import partial
from pkgutil import resolve_name
from typing import Any

import ray
from threadpoolctl import threadpool_limits

from actors.config import Resources
from actors.pool.catalogue import Alone
from actors.pool.step import Report, Step, once
from actors.pool.storage import File, Storage

# of a step: where it is stored, the step, and a way to say how far it is -> records of its files
Work = Callable[[Storage, Step, Report], list[File]]

# by room and kind; imported when the first such step comes, since each brings heavy libraries
WORK = {
    ("pool", "sample"): "actors.workers.real:write",
    ("generator", "train"): "actors.workers.train:train",
    ("features", "fit"): "actors.workers.embed:fit",
    ("features", "embed"): "actors.workers.embed:embed",
    ("selection", "order"): "actors.workers.select:order",
    ("selection", "select"): "actors.workers.select:select",
    ("evaluation", "evaluate"): "actors.workers.evaluate:evaluate",
}


@ray.remote
class Worker:
    """Does steps on a store, and keeps the model that it sampled last."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._alone = Alone(storage)
        self._sampler: Any = None

    def where(self) -> tuple[str, str]:
        """Return Ray's ids of this worker's node and of itself, in hex."""
        context = ray.get_runtime_context()
        return context.get_node_id(), str(context.get_actor_id())

    def do(self, step: Step) -> None:
        """Do a whole step and store its output, unless it is stored."""
        self._sampler = None
        _use_threads(step)
        work: Work = resolve_name(WORK[step.room, step.kind])
        report = partial(self._alone.report, step.key)
        once(self._storage, step, self._alone, lambda: work(self._storage, step, report))

    def sample(self, step: Step, start: int, stop: int) -> File:
        """Sample a generator: store samples start to stop - 1 as one shard; return its record."""
        from actors.workers.sample import Sampler

        _use_threads(step)
        self._sampler = self._sampler or Sampler(self._storage, self._alone)
        record: File = self._sampler.sample(step, start, stop)
        return record

    def close(self, step: Step, records: list[File]) -> None:
        """Record a sample step as done, all of its shards being stored."""
        once(self._storage, step, self._alone, lambda: records)


def _use_threads(step: Step) -> None:
    """Compute with as many threads as the step says, whatever this worker has."""
    import torch  # here, as who only starts workers does not need it

    threads = Resources(cpus=step.settings["cpus"]).threads
    torch.set_num_threads(threads)
    threadpool_limits(threads)
