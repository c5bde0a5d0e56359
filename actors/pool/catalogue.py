"""The catalogue: one detached actor per store that lets each step be done by one worker at a time.

It keeps nothing that the files do not say: should a lock be lost, at worst a step is done twice,
and both write the same files. It leaves when nobody uses it.
"""

import hashlib
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import ray

from actors.pool.storage import Storage

NAMESPACE = "ouroboros"
# part of the name: one of another protocol cannot be talked to
PROTOCOL = 3
# a lock is free that was not renewed for so long; a busy machine may be late
LEASE_SECONDS = 20.0
RENEW_SECONDS = 2.0
IDLE_SECONDS = 30.0
FIRST_POLL_SECONDS = 0.05
LONGEST_POLL_SECONDS = 0.5
# how long a catalogue may be away: it is back in a second, or once Ray takes its node for dead
CATALOGUE_SECONDS = 120.0
ANSWER_SECONDS = 2.0


@dataclass(frozen=True)
class Holder:
    """One request for a lock, and the process behind it.

    Attributes:
        request: tells one acquisition from another.
        actor, node, worker: Ray's ids in hex; a restarted actor is another worker.
    """

    request: str
    actor: str
    node: str
    worker: str


@dataclass(frozen=True)
class Running:
    """A step, or a unit of one, that somebody does.

    Attributes:
        renewed: when its holder renewed it last, by the catalogue's clock.
        fraction, note: how far it is, where that was reported.
    """

    holder: Holder
    renewed: float
    fraction: float | None = None
    note: str = ""


@ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)
class Catalogue:
    """Locks by key, each owned by a request that has to renew it.

    Nobody waits in here: a lock can only go to who asks for it now. All calls may be made twice.
    """

    def __init__(self, lease_seconds: float, idle_seconds: float) -> None:
        self._lease_seconds = lease_seconds
        self._idle_seconds = idle_seconds
        self._running: dict[str, Running] = {}
        self._called = self._opened = time.monotonic()
        if ray.get_runtime_context().was_current_actor_reconstructed:
            # those who hold a lock renew it before anybody is given one
            self._opened += 2 * RENEW_SECONDS
        threading.Thread(target=self._leave_when_idle, daemon=True).start()

    def acquire(self, key: str, holder: Holder) -> bool:
        """Take the lock of a key unless it is held; return whether the request holds it now."""
        now = self._called = time.monotonic()
        held = self._running.get(key)
        if held and held.holder == holder:
            return True
        if now < self._opened or (held and self._is_there(held, holder, now)):
            return False
        self._running[key] = Running(holder, now)
        return True

    def renew(self, key: str, holder: Holder) -> None:
        """Hear that the lock's holder is there, which a catalogue that died does not know."""
        now = self._called = time.monotonic()
        held = self._running.get(key) or Running(holder, now)
        if held.holder == holder:
            self._running[key] = replace(held, renewed=now)

    def release(self, key: str, holder: Holder) -> None:
        """Free the key, if the request holds it."""
        self._called = time.monotonic()
        if key in self._running and self._running[key].holder == holder:
            del self._running[key]

    def free(self, actor: str) -> None:
        """Free all that an actor held, which is known to be dead."""
        self._called = time.monotonic()
        self._running = {k: v for k, v in self._running.items() if v.holder.actor != actor}

    def report(self, key: str, fraction: float, note: str) -> None:
        """Take down how far the holder of the key is."""
        if key in self._running:
            self._running[key] = replace(self._running[key], fraction=fraction, note=note)

    def running(self) -> dict[str, Running]:
        """Return what is being done, by key."""
        now = self._called = time.monotonic()
        held = self._running.items()
        return {k: work for k, work in held if now - work.renewed < self._lease_seconds}

    def _is_there(self, held: Running, other: Holder, now: float) -> bool:
        """Whether the holder lives: it renews the lock, and does not ask for another."""
        return held.holder.actor != other.actor and now - held.renewed < self._lease_seconds

    def _leave_when_idle(self) -> None:
        me = ray.get_runtime_context().current_actor
        while time.monotonic() - self._called < self._idle_seconds:
            time.sleep(self._idle_seconds / 4)
        # who calls meanwhile opens another
        ray.kill(me)


class Alone:
    """The catalogue as seen by one actor."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._catalogue: Any = None

    @contextmanager
    def __call__(self, key: str) -> Iterator[None]:
        """Hold `key` inside the context."""
        context = ray.get_runtime_context()
        actor, node = str(context.get_actor_id()), context.get_node_id()
        holder = Holder(uuid.uuid4().hex, actor, node, context.get_worker_id())
        self._acquire(key, holder)
        ended = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(key, holder, ended), daemon=True)
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            renewing.join()
            self._call("release", key, holder)

    def report(self, key: str, fraction: float, note: str) -> None:
        """Say how far the step is, without waiting."""
        if catalogue := self._catalogue:
            catalogue.report.remote(key, fraction, note)

    def free(self, actor: str) -> None:
        """Say that an actor is dead, without waiting."""
        if self._catalogue is None:
            self._catalogue = open_catalogue(self._storage)
        self._catalogue.free.remote(actor)

    def running(self) -> dict[str, Running] | None:
        """Return what is being done on the store, by key; None while that cannot be known."""
        try:
            if self._catalogue is None:
                self._catalogue = open_catalogue(self._storage)
            return dict(ray.get(self._catalogue.running.remote(), timeout=ANSWER_SECONDS))
        except ray.exceptions.GetTimeoutError:  # it is being restarted
            return None
        except ray.exceptions.RayActorError:
            self._catalogue = None
            return None

    def _acquire(self, key: str, holder: Holder) -> None:
        pause = FIRST_POLL_SECONDS
        while not self._call("acquire", key, holder):
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_POLL_SECONDS)

    def _renew(self, key: str, holder: Holder, ended: threading.Event) -> None:
        while not ended.wait(RENEW_SECONDS):
            self._call("renew", key, holder)

    def _call(self, method: str, *arguments: Any) -> Any:
        """Call the catalogue, opening another where it left or was killed.

        Raises:
            RayError: it was away for too long.
        """
        deadline = time.monotonic() + CATALOGUE_SECONDS
        while True:
            try:
                if self._catalogue is None:
                    self._catalogue = open_catalogue(self._storage)
                asked = getattr(self._catalogue, method).remote(*arguments)
                return ray.get(asked, timeout=max(0, deadline - time.monotonic()))
            except ray.exceptions.RayActorError:
                self._catalogue = None
                if time.monotonic() > deadline:
                    raise
                time.sleep(LONGEST_POLL_SECONDS)


def name_of(storage: Storage) -> str:
    """Return the name of a store's catalogue, the same however the store's URI is written."""
    digest = hashlib.sha256(f"{storage.place}\n{PROTOCOL}".encode()).hexdigest()
    return f"catalogue-{digest[:16]}"


def open_catalogue(
    storage: Storage, lease_seconds: float = LEASE_SECONDS, idle_seconds: float = IDLE_SECONDS
) -> Any:
    """Return the store's catalogue actor on this cluster, starting it when there is none."""
    options = {"name": name_of(storage), "namespace": NAMESPACE, "lifetime": "detached"}
    catalogue: Any = Catalogue
    return catalogue.options(**options, get_if_exists=True).remote(lease_seconds, idle_seconds)
