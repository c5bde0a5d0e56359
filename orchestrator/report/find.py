"""Finding the runs and sweeps that a name means, in a store."""

import difflib

from actors.errors import UserError
from actors.pool.filesystems import without_secrets
from actors.pool.format import check_format
from actors.pool.storage import Storage
from orchestrator.outcome import FILE, SWEEP, Outcome, Sweep, read_outcome, read_sweep

FOLDERS = {"experiments": FILE, "sweeps": SWEEP}
KEY = 8  # hexadecimal digits at the end of a folder's name


def find(storage: Storage, name: str) -> list[str]:
    """Return the folders of the runs and sweeps that a name means, the newest first.

    Args:
        name: of one, with or without its key, or its folder in the store.

    Raises:
        UserError: there is none, and the message has the names that are nearest; or the store
            is of another format.
    """
    check_format(storage)
    times = {
        path.removesuffix(f"/{file}"): storage.info(path).mtime_ns or 0
        for parent, file in FOLDERS.items()
        for path in storage.files(parent)
        if path.count("/") == 2 and path.endswith(f"/{file}")
    }
    names = {folder: (folder.split("/")[1], plain(folder)) for folder in times}
    asked = name.rstrip("/").removeprefix(f"{storage.uri.rstrip('/')}/")
    matching = [folder for folder in times if asked in (folder, *names[folder])]
    if matching:
        return sorted(matching, key=lambda folder: times[folder], reverse=True)
    known = sorted({name for both in names.values() for name in both})
    near = difflib.get_close_matches(asked, known, 3, 0.4) or [*map(plain, [*times][:3])]
    hint = f"; nearest are {', '.join(near)}" if near else ", and no other either"
    raise UserError(
        f"RUN_OR_SWEEP: no run or sweep {name!r} in store {without_secrets(storage.uri)!r}{hint}"
    )


def plain(folder: str) -> str:
    """Return the name in a folder's path, without its key."""
    return folder.split("/")[1][: -KEY - 1]


def read(storage: Storage, folder: str) -> Outcome | Sweep:
    """Read what lies in a folder that was found."""
    if folder.startswith("sweeps/"):
        return read_sweep(storage, folder)
    return read_outcome(storage, folder)
