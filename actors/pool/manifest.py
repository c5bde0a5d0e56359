"""What a step has stored: the manifest, whose presence says that all is there, and whole files."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from actors.errors import DamagedError, PathError
from actors.pool.storage import Storage, digest_of

# files found whole by this process: local path, inode, times of last change, size, checksum
_seen: set[tuple[str, int, int, int, int, str]] = set()


def manifest_path(step_path: str) -> str:
    """Return the file whose presence says that the step is done."""
    return f"{step_path}/step.json"


def is_done(storage: Storage, step_path: str) -> bool:
    """Whether the step's whole output is stored."""
    return storage.exists(manifest_path(step_path))


def finished(storage: Storage, paths: Collection[str]) -> set[str]:
    """Return those of some steps' paths whose whole output is stored.

    A remote store is asked for one listing of each kind of step, not once for each step.
    """
    if storage.is_local:
        return {path for path in paths if is_done(storage, path)}
    kinds = {path.rpartition("/")[0] for path in paths}
    stored = {file for kind in kinds for file in storage.files(kind)}
    return {path for path in paths if manifest_path(path) in stored}


def files_of(storage: Storage, step_path: str, suffix: str = ".arrow") -> list[str]:
    """Return the paths of a finished step's files, in order."""
    records = storage.read_json(manifest_path(step_path))["files"]
    return [record["path"] for record in records if record["path"].endswith(suffix)]


def forget(storage: Storage, step_path: str) -> int:
    """Remove a step's manifest, then its files; return their bytes.

    In this order a reader that comes in between sees a step that is not done.
    """
    storage.remove(manifest_path(step_path))
    size = 0
    for file in storage.files(step_path):
        size += storage.info(file).size or 0
        storage.remove(file)
    return size


def damage(storage: Storage, record: dict[str, Any]) -> str | None:
    """Return what is wrong with the file of a record (path, bytes, sha256); None if nothing.

    A process reads a file for this once, until it changes. What is wrong with this machine's copy
    of a remote file counts only if it is so when fetched again.
    """
    try:
        found = _damage(storage, record)
        if found and not storage.is_local:
            storage.forget(record["path"])
            found = _damage(storage, record)
    except PathError as error:
        return str(error)
    return found


def _damage(storage: Storage, record: dict[str, Any]) -> str | None:
    try:
        file = storage.local(record["path"])
        size = file.stat().st_size
        if size != record["bytes"]:
            return f"it has {size:,} bytes, {record['bytes']:,} were written"
        identity = _identity(file, record["sha256"])
        if identity not in _seen:
            if digest_of(file) != record["sha256"]:
                return "its checksum is not that of what was written"
            _seen.add(identity)
    except (FileNotFoundError, NotADirectoryError):
        return "it is not there"
    return None


def check(storage: Storage, step_path: str) -> None:
    """Raise DamagedError unless every file of a finished step is whole.

    For a selection, so must be those of the steps whose rows it chose, for they are read with it.
    """
    manifest = _manifest(storage, step_path)
    for record in manifest["files"]:
        if found := damage(storage, record):
            raise DamagedError(step_path, record["path"], found)
    if manifest.get("kind") == "select":
        for role in ("samples", "features"):
            for path in manifest["inputs"].get(role, ()):
                check(storage, path)


def _manifest(storage: Storage, step_path: str) -> Any:
    path = manifest_path(step_path)
    try:
        return storage.read_json(path)
    except FileNotFoundError:
        raise DamagedError(step_path, path, "it is not there") from None
    except PathError as error:
        raise DamagedError(step_path, path, str(error)) from None
    except ValueError:
        raise DamagedError(step_path, path, "it is not JSON") from None


def _identity(file: Path, sha256: str) -> tuple[str, int, int, int, int, str]:
    status = file.stat()
    times = status.st_mtime_ns, status.st_ctime_ns
    return str(file), status.st_ino, *times, status.st_size, sha256
