"""The index of a data set, made by reading all of it and kept beside it until a file changes."""

import hashlib
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import joblib

from actors.data.files import OWN, Files
from actors.data.images import Header
from actors.data.reading import Alike

# of the file that it is kept in
FORMAT = 1
# what was written so shortly before it was read can be written once more at the same time
SETTLED_SECONDS = 2.0
# files whose sizes a thread asks for at once
TOGETHER = 1 << 13
# how often it is shown how far reading is, until it is done
SHOWN = 200

T = TypeVar("T")
# is called with what is read, how much of it was, and how much there is
Show = Callable[[str, int, int], None]
_show: ContextVar[Show | None] = ContextVar("show", default=None)


@dataclass(frozen=True)
class Index:
    """What it takes to read a whole data set to know.

    Attributes:
        digest: hash of the content.
        headers: of the images, those that are alike counted together.
    """

    digest: str
    headers: tuple[Alike, ...]


def keep(files: Files, about: str, read: Callable[[], Index]) -> Index:
    """Return the index that is kept of some files, or make it and keep it.

    Args:
        about: what determines it beside the files.
    """
    state, newest = _state(files)
    key = hashlib.sha256(f"{files.root}\0{about}".encode(errors="surrogateescape")).hexdigest()[:16]
    # where the folder cannot be written, in one of the user's own
    places = [Path(files.root, f"{OWN}{key}.json"), cache() / f"{key}.json"]
    for place in places:
        if index := _kept(place, state):
            return index
    started = time.time()
    index = read()
    if newest < started - SETTLED_SECONDS:
        headers = [[*alike.header, alike.first, alike.images] for alike in index.headers]
        text = json.dumps({"state": state, "digest": index.digest, "headers": headers})
        for place in places:
            with suppress(OSError):
                _write(place, text)
                break
    return index


def _state(files: Files) -> tuple[str, float]:
    """Return the hash of the names, sizes and times of files, and the newest POSIX time."""
    digest, newest = hashlib.sha256(str(FORMAT).encode()), 0
    firsts = range(0, len(files.names), TOGETHER)
    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        looks = pool.map(lambda first: files.look(first, first + TOGETHER), firsts)
        for first, look in zip(firsts, looks, strict=True):
            names = files.names[first : first + TOGETHER]
            digest.update("\0".join([*names, ""]).encode(errors="surrogateescape"))
            digest.update(look.tobytes())
            newest = max(newest, int(look["time"].max()))
    return digest.hexdigest(), newest / 1e9


def cache() -> Path:
    """Return the folder for the indices of data sets whose own folder cannot be written."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "ouroboros")


def _kept(place: Path, state: str) -> Index | None:
    """Return the index that is kept at a place, if it is of this state of the files."""
    try:
        kept = json.loads(place.read_text(encoding="utf-8"))
        if kept["state"] != state:
            return None
        headers = [Alike(Header(*about), name, images) for *about, name, images in kept["headers"]]
        return Index(kept["digest"], tuple(headers))
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


def ticker(what: str, total: int) -> Callable[[int], None]:
    """Return what takes how much more was read, of how much, and shows it; for any threads."""
    show, done, seen, lock = _show.get(), 0, 0, threading.Lock()

    def tick(more: int) -> None:
        nonlocal done, seen
        with lock:
            done += more
            if show and (done - seen >= total / SHOWN or done == total):
                seen = done
                show(what, done, total)

    return tick


def counted(what: str, items: Iterable[T], total: int) -> Iterator[T]:
    """Yield items, and show how many were read of how many."""
    tick = ticker(what, total)
    for item in items:
        tick(1)
        yield item
