"""Workers as Ray actors."""

from typing import Any

import ray

from actors.config import Resources
from actors.pool.storage import Storage
from actors.workers.worker import Worker
from orchestrator.execution import cluster
from orchestrator.execution.jobs import Task
from orchestrator.execution.placement import Node
from orchestrator.execution.probe import Newcomers


class RayWorkers:
    """Starts the workers of a store, has them do tasks, and ends them."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._unfit: list[str] = []
        self.newcomers = Newcomers(storage)

    def nodes(self) -> list[Node]:
        """Return the nodes that workers may be started on."""
        alive = cluster.nodes()
        fit = [node for node in alive if self.newcomers.is_fit(node)]
        self._unfit = [node.id for node in alive if node not in fit]
        return fit

    def start(self, resources: Resources) -> tuple[Any, Any]:
        """Start a worker; return it, and the reference of where it is once it has started."""
        kind: Any = Worker
        options: dict[str, Any] = {"num_cpus": resources.cpus, "num_gpus": resources.gpus}
        if self._unfit:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(self._unfit)})"}
        worker = kind.options(**options).remote(self._storage)
        return worker, worker.where.remote()

    def call(self, worker: Any, task: Task) -> Any:
        """Have a worker do a task; return the reference of its answer."""
        planned = task.job.planned
        method = getattr(worker, task.call).options(name=f"Worker: {planned.describe()}")
        return method.remote(planned.step, *task.arguments)

    def end(self, worker: Any) -> None:
        """End a worker, or what may be left of it."""
        ray.kill(worker)
