"""An executor that several processes share: an actor of its own."""

import time
from typing import Any

import ray

from actors.pool.storage import Storage
from orchestrator.execution.activity import Activity
from orchestrator.execution.execute import Finished
from orchestrator.execution.executor import Executor
from orchestrator.plan import PlannedStep

# how long a client waits before it asks once more
PAUSE_SECONDS = 0.1


class SharedExecutor:
    """An executor's actor; it can be sent to other processes, and ends with who started it."""

    def __init__(self, storage: Storage) -> None:
        remote: Any = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Executor)
        self._actor: Any = remote.remote(storage)

    def submit(self, client: str, planned: list[PlannedStep]) -> None:
        """Take steps in for a client; one that others want is done once for all."""
        self._ask("submit", client, planned)

    def finished(self, client: str, timeout: float) -> list[Finished] | None:
        """Return what of a client's is done; None when it has to submit its steps once more."""
        # the actor answers one call at a time, so that it is the client who waits
        deadline = time.monotonic() + timeout
        while True:
            answer = self._ask("finished", client, 0)
            if answer is None or answer or time.monotonic() > deadline:
                return None if answer is None else list(answer)
            time.sleep(PAUSE_SECONDS)

    def drop(self, client: str) -> None:
        """Forget what a client wants; what runs goes on to its end."""
        self._ask("drop", client)

    def notes(self) -> list[str]:
        """Return what people should know that happened since the last call."""
        return list(self._ask("notes"))

    def progress(self) -> dict[str, tuple[float, str]]:
        """Return how far the running steps are, by key or path of their unit."""
        return dict(self._ask("progress"))

    def activity(self) -> Activity:
        """Return what runs, where and how far, and what waits."""
        activity: Activity = self._ask("activity")
        return activity

    def spent(self) -> dict[str, float]:
        """Return the CPU and GPU hours that steps took so far."""
        return dict(self._ask("spent"))

    def halt(self) -> None:
        """Let all clients know that they are to end."""
        self._ask("halt")

    def halted(self) -> bool:
        """Whether all clients are to end."""
        return bool(self._ask("halted"))

    def _ask(self, method: str, *arguments: Any) -> Any:
        return ray.get(getattr(self._actor, method).remote(*arguments))
