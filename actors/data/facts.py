"""Facts of a data set that took reading all of it, kept beside it until a file of it changes."""

import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

import joblib
import numpy as np

from actors.data.files import OWN, Files
from actors.data.images import Header
from actors.data.reading import Alike

# of the file that they are kept in
FORMAT = 1
# what was written so shortly before it was read can be written once more at the same time
SETTLED_SECONDS = 2.0
# files whose sizes a thread asks for at once
TOGETHER = 1 << 13

T = TypeVar("T")
# is called with what is read, how much of it was, and how much there is
Show = Callable[[str, int, int], None]
_show: ContextVar[Show | None] = ContextVar("show", default=None)


@dataclass(frozen=True)
class Facts:
    """What it takes to read a whole data set to know.

    Attributes:
        digest: hash of the content.
        headers: of the images, those that are alike counted together.
    """

    digest: str
    headers: tuple[Alike, ...]


def keep(files: Files, about: str, read: Callable[[], Facts]) -> Facts:
    """Return the facts that are kept of files, or read and keep them.

    Args:
        about: what determines them beside the files.
    """
    state, newest = _state(files)
    key = hashlib.sha256(f"{files.root}\0{about}".encode(errors="surrogateescape")).hexdigest()[:16]
    # where the folder cannot be written, in one of the user's own
    places = [Path(files.root, f"{OWN}{key}.json"), cache() / f"{key}.json"]
    for place in places:
        if facts := _kept(place, state):
            return facts
    started = time.time()
    facts = read()
    if newest < started - SETTLED_SECONDS:
        headers = [[*alike.header, alike.first, alike.images] for alike in facts.headers]
        text = json.dumps({"state": state, "digest": facts.digest, "headers": headers})
        for place in places:
            with suppress(OSError):
                _write(place, text)
                break
    return facts


def _state(files: Files) -> tuple[str, float]:
    """Return the hash of the names, sizes and times of files, and the newest POSIX time."""

    def look(names: list[str]) -> np.ndarray:
        found = map(attrgetter("st_size", "st_mtime_ns"), map(os.stat, map(files.path, names)))
        return np.fromiter(found, [("size", np.int64), ("time", np.int64)], len(names))

    digest, newest = hashlib.sha256(str(FORMAT).encode()), 0
    tasks = [files.names[i : i + TOGETHER] for i in range(0, len(files.names), TOGETHER)]
    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        for names, found in zip(tasks, pool.map(look, tasks), strict=True):
            digest.update("\0".join([*names, ""]).encode(errors="surrogateescape"))
            digest.update(found.tobytes())
            newest = max(newest, int(found["time"].max()))
    return digest.hexdigest(), newest / 1e9


def cache() -> Path:
    """Return the folder of the facts of data sets that cannot be written to."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "ouroboros")


def _kept(place: Path, state: str) -> Facts | None:
    """Return the facts that are kept at a place, where they are of this state of the files."""
    try:
        kept = json.loads(place.read_text(encoding="utf-8"))
        if kept["state"] != state:
            return None
        headers = [Alike(Header(*about), name, images) for *about, name, images in kept["headers"]]
        return Facts(kept["digest"], tuple(headers))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f"{place.name}.{uuid.uuid4().hex}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def shown(show: Show) -> Iterator[None]:
    """Have it shown how far reading is that is done inside the context."""
    token = _show.set(show)
    try:
        yield
    finally:
        _show.reset(token)


def counted(what: str, items: Iterable[T], total: int) -> Iterator[T]:
    """Yield items, and show how many were read of how many."""
    show = _show.get()
    for number, item in enumerate(items, 1):
        if show and (number % 256 == 0 or number == total):
            show(what, number, total)
        yield item
