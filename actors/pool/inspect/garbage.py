"""Garbage: what of a store no named run needs."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pyarrow import fs

from actors.pool.inspect.contents import Contents
from actors.pool.manifest import forget
from actors.pool.storage import Storage

# what was written more recently may be the work of a run that goes on
YOUNG_SECONDS = 3600


def needed(contents: Contents, listed: Iterable[str]) -> set[str]:
    """Return the listed steps and every step that they were made from."""
    paths: set[str] = set()
    left = list(listed)
    while left:
        path = left.pop()
        if path not in paths:
            paths.add(path)
            step = contents.finished.get(path)
            left += step.read_steps if step else []
    return paths


def unneeded(
    contents: Contents, listed: Iterable[str], now: float
) -> dict[str, dict[str, fs.FileInfo]]:
    """Return the files of every step that no listed step needs, by the step's path.

    An unfinished step is one of them unless it has a file younger than an hour.
    """
    keep = needed(contents, listed)
    unfinished = contents.unfinished()
    keep |= {p for p in unfinished if any(is_young(i, now) for i in contents.files[p].values())}
    return {path: files for path, files in sorted(contents.files.items()) if path not in keep}


def is_young(info: fs.FileInfo, now: float) -> bool:
    """Whether a file was written within the last hour."""
    return info.mtime is not None and now - info.mtime.timestamp() < YOUNG_SECONDS


def remove_steps(storage: Storage, paths: Iterable[str]) -> int:
    """Remove steps, finished or not, with their folders; return the bytes of their files."""
    size = 0
    for path in paths:
        size += forget(storage, path)
        _remove_empty(storage, path)
    return size


def remove_folder(storage: Storage, path: str) -> None:
    """Remove a folder with all its files, one by one."""
    for file in storage.files(path):
        storage.remove(file)
    _remove_empty(storage, path)


def _remove_empty(storage: Storage, path: str) -> None:
    """Remove what folders are left of a path on a local store, where they are empty."""
    if storage.is_local:
        # deepest first; one that another run has begun to fill is not empty and stays
        for folder, _, _ in os.walk(storage.local(path), topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()
