"""The state of a run or sweep as a file beside its results, for whoever looks from elsewhere."""

import os
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from actors.errors import StorageError
from actors.pool.storage import Storage
from orchestrator.execution.activity import Activity, RunningStep

FILE = "status.json"
# how often it is written
WRITE_SECONDS = 5.0
# a run that has written nothing for so long, but is not known to have ended, is taken for dead
SILENT_SECONDS = 60.0
# of what happened, the last so many lines are kept; of ready steps the first so many
NOTES = 20
READY = 20


@dataclass(frozen=True)
class Status:
    """What a run did when it was written.

    Attributes:
        written: POSIX time.
        host, process: where it was carried out from.
        done, planned: how many of its steps were stored, and how many there are as far as is known;
            of a sweep, how many points came to their end.
        notes: what happened to workers and nodes, with the POSIX time of each.
    """

    written: float
    host: str
    process: int
    done: int
    planned: int
    activity: Activity
    notes: Sequence[tuple[float, str]] = ()

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Status":
        """Return the status that was written."""
        doing = value["activity"]
        running = [RunningStep(**step) for step in doing["running"]]
        return cls(**{**value, "activity": Activity(**{**doing, "running": running})})


class StatusFile:
    """Writes the status of a run now and then.

    A store that is away is not waited for: the next status will do as well.
    """

    def __init__(self, storage: Storage, folder: str) -> None:
        self._storage = replace(storage, patience=0)
        self._path = f"{folder}/{FILE}"
        self._notes: deque[tuple[float, str]] = deque(maxlen=NOTES)
        self._written = 0.0

    def note(self, line: str) -> None:
        """Keep a line on what happened."""
        self._notes.append((time.time(), line))

    @property
    def is_due(self) -> bool:
        """Whether enough time has passed since it was written last."""
        return time.time() - self._written > WRITE_SECONDS

    def write(self, done: int, planned: int, activity: Activity) -> None:
        """Write what is done and what is going on."""
        self._written = time.time()
        shown = replace(activity, ready=activity.ready[:READY])
        host, process = os.uname().nodename, os.getpid()
        status = Status(self._written, host, process, done, planned, shown, list(self._notes))
        with suppress(StorageError):
            self._storage.write_json(self._path, asdict(status))


def read_status(storage: Storage, folder: str) -> Status | None:
    """Return the status that a run wrote last; None where it wrote none, or the file is damaged."""
    try:
        return Status.from_json(storage.read_json(f"{folder}/{FILE}"))
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
