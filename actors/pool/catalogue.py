"""The catalogue: one detached actor per store that lets each step be done by one worker at a time.

It keeps nothing that the files do not say: should it die, at worst a step is done twice, and both
write the same files.
"""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.actor import ActorHandle

from actors.pool.storage import Storage

NAMESPACE = "ouroboros"
WATCH_SECONDS = 0.5


@ray.remote(num_cpus=0, max_restarts=-1)
class Catalogue:
    """Locks by step key, each freed when its owner frees it or dies."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._progress: dict[str, tuple[float, str]] = {}

    async def acquire(self, key: str, owner: ActorHandle) -> None:
        """Wait until nobody holds the key, then hold it for `owner`."""
        await self._locks.setdefault(key, asyncio.Lock()).acquire()
        self._watches[key] = asyncio.create_task(self._watch(key, owner))

    async def release(self, key: str) -> None:
        """Free the key."""
        if watch := self._watches.pop(key, None):
            watch.cancel()
            self._free(key)

    async def report(self, key: str, fraction: float, note: str) -> None:
        """Take down how far the holder of the key is."""
        if key in self._watches:
            self._progress[key] = (fraction, note)

    async def progress(self) -> dict[str, tuple[float, str]]:
        """Return (fraction done, note) of every key that is held and has reported."""
        return dict(self._progress)

    def _free(self, key: str) -> None:
        self._progress.pop(key, None)
        self._locks[key].release()

    async def _watch(self, key: str, owner: ActorHandle) -> None:
        try:
            while True:
                # queued behind the owner's work, it fails as soon as the owner dies; a retry
                # would wait for the restarted owner, which waits for this very key
                await owner.__ray_ready__.options(max_task_retries=0).remote()
                await asyncio.sleep(WATCH_SECONDS)
        except ray.exceptions.RayError:
            self._watches.pop(key, None)
            self._free(key)


class Alone:
    """The catalogue as seen by one worker actor."""

    def __init__(self, catalogue: ActorHandle) -> None:
        self._catalogue = catalogue
        self._me = ray.get_runtime_context().current_actor

    @contextmanager
    def __call__(self, key: str) -> Iterator[None]:
        """Hold `key` inside the context."""
        ray.get(self._catalogue.acquire.remote(key, self._me))
        try:
            yield
        finally:
            ray.get(self._catalogue.release.remote(key))

    def report(self, key: str, fraction: float, note: str) -> None:
        """Say how far the step is, without waiting."""
        self._catalogue.report.remote(key, fraction, note)


def open_catalogue(storage: Storage) -> Any:
    """Return the store's catalogue actor on this cluster, starting it when there is none."""
    name = "catalogue-" + hashlib.sha256(storage.uri.encode()).hexdigest()[:16]
    options = {"name": name, "namespace": NAMESPACE, "lifetime": "detached"}
    catalogue: Any = Catalogue  # Ray's decorator has no type for a class that takes no arguments
    return catalogue.options(**options, get_if_exists=True).remote()
