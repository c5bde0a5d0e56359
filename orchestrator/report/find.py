"""Finding the run or sweep that a name means, in a store."""

import difflib
from dataclasses import dataclass

from actors.errors import UserError
from actors.pool.filesystems import without_secrets
from actors.pool.format import check_format
from actors.pool.storage import Storage
from orchestrator.outcome import FILE, SWEEP, Outcome, Sweep, read_outcome, read_sweep

FOLDERS = {"experiments": FILE, "sweeps": SWEEP}
KEY = 8  # hexadecimal digits at the end of a folder's name


@dataclass(frozen=True)
class Found:
    """A folder of the store, and others that its name could have meant, newest first."""

    folder: str
    others: list[str]


def find(storage: Storage, name: str) -> Found:
    """Return the run or sweep of a name, a name with its key, or a folder in the store.

    Of several the newest.

    Raises:
        UserError: there is none, and the message has the names that are nearest; or the store
            is of another format.
    """
    check_format(storage)
    times: dict[str, float] = {}
    for parent, file in FOLDERS.items():
        for path in _files(storage, parent, file):
            times[path.removesuffix(f"/{file}")] = storage.info(path).mtime_ns or 0
    asked = name.rstrip("/").removeprefix(f"{storage.uri.rstrip('/')}/")
    matching = [f for f in times if asked in (f, f.split("/")[1], plain(f))]
    matching.sort(key=lambda f: times[f], reverse=True)
    if matching:
        return Found(matching[0], matching[1:])
    known = sorted({f.split("/")[1] for f in times} | {plain(f) for f in times})
    near = difflib.get_close_matches(asked, known, 3, 0.4) or [plain(f) for f in list(times)[:3]]
    hint = f"; nearest are {', '.join(near)}" if near else ", and no other either"
    raise UserError(
        f"RUN_OR_SWEEP: no run or sweep {name!r} in store {without_secrets(storage.uri)!r}{hint}"
    )


def _files(storage: Storage, parent: str, file: str) -> list[str]:
    return [p for p in storage.files(parent) if p.count("/") == 2 and p.endswith(f"/{file}")]


def plain(folder: str) -> str:
    """Return the name in a folder's path, without its key."""
    return folder.split("/")[1][: -KEY - 1]


def read(storage: Storage, folder: str) -> Outcome | Sweep:
    """Read what lies in a folder that was found."""
    return (
        read_sweep(storage, folder)
        if folder.startswith("sweeps/")
        else read_outcome(storage, folder)
    )
