"""Whether stored files are still what was written: their size and checksum against their record."""

from pathlib import Path
from typing import Any

from actors.errors import DamagedError
from actors.pool.step import manifest_path
from actors.pool.storage import Storage, digest_of

# files found whole by this process: local path, time of last change, size
_seen: set[tuple[str, int, int]] = set()


def damage(storage: Storage, record: dict[str, Any]) -> str | None:
    """Return what is wrong with the file of a record (path, bytes, sha256); None if nothing."""
    if not storage.exists(record["path"]):
        return "it is not there"
    file = storage.local(record["path"])
    facts = file.stat()
    if facts.st_size != record["bytes"]:
        return f"it has {facts.st_size:,} bytes, {record['bytes']:,} were written"
    if digest_of(file) != record["sha256"]:
        return "its checksum is not that of what was written"
    return None


def check(storage: Storage, step_path: str) -> None:
    """Raise DamagedError unless every file of a finished step is whole.

    A process reads a file for this once, until it changes.
    """
    for record in storage.read_json(manifest_path(step_path))["files"]:
        path = record["path"]
        if storage.exists(path) and _identity(storage.local(path)) in _seen:
            continue
        if found := damage(storage, record):
            raise DamagedError(step_path, path, found)
        _seen.add(_identity(storage.local(path)))


def _identity(file: Path) -> tuple[str, int, int]:
    facts = file.stat()
    return str(file), facts.st_mtime_ns, facts.st_size
