"""A node's copies of remote files: of all stores of a user together, below a limit in bytes.

An index says of each copy how large it is and when it was used last. Where there are too many
bytes, the copies unused for longest go. What a process has open or mapped stays readable to it, as
Linux and macOS keep a file's content until nobody has it open; its room on the disk is free then.
"""

import fcntl
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from actors.errors import StorageError, UserError

LIMIT_VARIABLE = "OUROBOROS_CACHE_BYTES"
INDEX = "index.sqlite"
# a copy used so recently may not be open yet, and stays
OPENING_SECONDS = 60.0
# how long the index is waited for, which other processes change as well
INDEX_SECONDS = 60.0


def folder() -> Path:
    """Return where the copies lie, those of each store in a folder of their own."""
    return Path(tempfile.gettempdir()) / f"ouroboros-cache-{os.getuid()}"


def limit() -> int:
    """Return how many bytes all copies may have: half of the disk unless the variable says it.

    Raises:
        UserError: the variable is no number of bytes.
    """
    given = os.environ.get(LIMIT_VARIABLE)
    if given is None:
        return shutil.disk_usage(tempfile.gettempdir()).total // 2
    if not (given.isascii() and given.isdigit()):
        raise UserError(
            f"{LIMIT_VARIABLE}: found {given!r}; allowed is a number of bytes, such as 100000000000"
        )
    return int(given)


def use(copy: Path) -> bool:
    """Whether there is such a copy; if so, it stays long enough to be opened."""
    with _index() as index:
        if is_there := copy.is_file():
            _enter(index, copy)
    return is_there


def make(copy: Path, partial: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Make a copy, or wait while another process makes it; others may go to have room for it.

    Args:
        partial: what is filled first, the same for all who make this copy.
        fill: writes the content.
    """
    for path in (copy, partial):
        path.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("ab") as sink:
        fcntl.flock(sink, fcntl.LOCK_EX)
        # whoever held the lock before may have made the copy, or failed
        if not _is_at(partial, sink):
            return
        # made between the caller's look and this file, which is then a new one
        if copy.is_file():
            partial.unlink()
            return
        try:
            sink.truncate(0)
            fill(sink)
            sink.flush()
        except BaseException:
            partial.unlink()
            raise
        with _index() as index:
            partial.replace(copy)
            _enter(index, copy)
            _make_room(index, copy)


def drop(copy: Path) -> None:
    """Remove a copy, if it is there."""
    with _index() as index:
        _remove(index, copy)


def count(*, hit: bool) -> None:
    """Add a read to Ray's metrics, in a process that Ray has; others need not import it."""
    ray = sys.modules.get("ray")
    if ray and ray.is_initialized():
        _reads().inc(1, {"result": "hit" if hit else "miss"})


@cache
def _reads() -> Any:
    from ray.util.metrics import Counter

    meaning = "Reads of remote files, by whether the node had a copy"
    return Counter("ouroboros_cache_reads", meaning, ("result",))


@contextmanager
def _index() -> Iterator[sqlite3.Connection]:
    """Open the index for one change of it and of the copies, by one process at a time."""
    folder().mkdir(parents=True, exist_ok=True)
    try:
        index = sqlite3.connect(folder() / INDEX, timeout=INDEX_SECONDS, isolation_level=None)
        try:
            # nothing is lost with it but the order in which copies were used
            index.execute("PRAGMA synchronous = OFF")
            index.execute("BEGIN IMMEDIATE")
            columns = "path TEXT PRIMARY KEY, bytes INTEGER, used REAL"
            index.execute(f"CREATE TABLE IF NOT EXISTS copies ({columns})")
            yield index
            index.execute("COMMIT")
        finally:
            index.close()
    except sqlite3.Error as error:
        raise StorageError(
            f"{folder() / INDEX}: this node's copies of remote files cannot be used ({error}); "
            "remove that folder, which holds nothing else"
        ) from error


def _is_at(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _enter(index: sqlite3.Connection, copy: Path) -> None:
    row = (_name(copy), copy.stat().st_size, time.time())
    index.execute("INSERT OR REPLACE INTO copies VALUES (?, ?, ?)", row)


def _make_room(index: sqlite3.Connection, made: Path) -> None:
    """Remove the copies unused for longest until all that are left are below the limit."""
    (total,) = index.execute("SELECT TOTAL(bytes) FROM copies").fetchone()
    over = total - limit()
    unused = index.execute(
        "SELECT path, bytes FROM copies WHERE used <= ? AND path != ? ORDER BY used",
        (time.time() - OPENING_SECONDS, _name(made)),
    )
    for name, size in unused.fetchall():
        if over <= 0:
            return
        _remove(index, folder() / name)
        over -= size


def _remove(index: sqlite3.Connection, copy: Path) -> None:
    copy.unlink(missing_ok=True)
    index.execute("DELETE FROM copies WHERE path = ?", (_name(copy),))


def _name(copy: Path) -> str:
    return str(copy.relative_to(folder()))
