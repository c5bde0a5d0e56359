"""A step: one unit of cached work, stored under the hash of everything that determines it."""

import hashlib
import json
import platform
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from actors.pool import notes
from actors.pool.manifest import StoredStep, check, is_done, manifest_path
from actors.pool.storage import File, Storage

# whose versions a manifest holds, for people: they may explain a difference in rounding
LIBRARIES = ("torch", "diffusers", "faiss-cpu", "faiss-gpu")
# says how far a step is: the fraction that is done, and a note
Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Ranges:
    """How a step is cut into row ranges, of each of which any worker can make the file.

    Attributes:
        rows: that the step writes.
        shard_rows: rows of each range but the last.
        model: what a worker loads for it, and keeps for the next range with the same.
    """

    rows: int
    shard_rows: int
    model: str


@dataclass(frozen=True)
class Step:
    """What a step is made from.

    Attributes:
        kind: train, sample, fit, embed, order, select or evaluate.
        room: the room whose actor does it.
        config: all of the configuration that determines the output, as JSON values.
        inputs: paths of the steps that it reads, by what it reads them for.
        seed: seed of everything random in it.
        settings: how to do it (batch sizes, where files lie); changes rounding at most, so not
            part of the key.
        version: number of the output that its code makes, raised when that changes.
        cut: where several workers can share it, into which ranges; None: one worker does it all.
    """

    kind: str
    room: str
    config: dict[str, Any]
    inputs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    version: int = 1
    cut: Ranges | None = None

    @property
    def ranges(self) -> Ranges:
        """The ranges of a step that is cut."""
        assert self.cut is not None
        return self.cut

    @cached_property
    def key(self) -> str:
        """Hash of what determines the output, 32 hex digits."""
        return key_of(self)

    @property
    def path(self) -> str:
        """Folder of the output in the store."""
        return f"steps/{self.kind}/{self.key}"


def identity_of(step: Step | StoredStep) -> dict[str, Any]:
    """Return everything that determines a step's output, as JSON values."""
    names = ("kind", "config", "inputs", "seed", "version")
    return {name: getattr(step, name) for name in names}


def key_of(step: Step | StoredStep) -> str:
    """Return the hash of what determines a step's output, 32 hex digits."""
    identity = identity_of(step)
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def once(
    storage: Storage,
    step: Step,
    alone: Callable[[str], AbstractContextManager[None]],
    work: Callable[[], list[File]],
) -> list[str]:
    """Do `work` unless its output is stored, one worker at a time; return the notes that it left.

    Args:
        alone: gives the context in which nobody else does the step of that key.
        work: writes the step's files and returns their records.

    Raises:
        DamagedError: a file of a step that it reads is not what was written.
    """
    if is_done(storage, step.path):
        return []
    with alone(step.key):
        if is_done(storage, step.path):
            return []
        started = time.time()
        for path in sorted({path for paths in step.inputs.values() for path in paths}):
            check(storage, path)
        with notes.noted(storage, step.path):
            files = work()
        return write_manifest(storage, step, files, started, time.time() - started)


def write_manifest(
    storage: Storage, step: Step, files: Sequence[File], started: float, seconds: float
) -> list[str]:
    """Record a step as done, which was begun at a POSIX time and took so many seconds.

    Returns:
        Its notes, which the manifest has as well.
    """
    said = notes.take(storage, step.path)
    manifest = {
        **identity_of(step),
        "key": step.key,
        "settings": step.settings,
        "files": [file.as_json() for file in files],
        "started": started,
        "seconds": seconds,
        "host": socket.gethostname(),
        "libraries": _libraries(),
        "notes": said,
    }
    storage.write_json(manifest_path(step.path), manifest)
    return said


@cache
def _libraries() -> dict[str, str]:
    """Return the versions of Python and of the libraries that compute."""
    versions = {"python": platform.python_version()}
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions
