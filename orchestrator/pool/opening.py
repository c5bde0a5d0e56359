"""Opening a store to ask it: nothing is made where there is none."""

from pathlib import Path

from actors.errors import UserError
from actors.pool.filesystems import without_secrets
from actors.pool.inspect.contents import Contents, read_contents
from actors.pool.storage import Storage


def open_existing(uri: str) -> tuple[Storage, Contents]:
    """Return a store and what it holds.

    Raises:
        UserError: there is no store.
    """
    storage = Storage(uri)
    if storage.is_local and not Path(storage.root).is_dir():
        raise UserError(
            f"store: {without_secrets(uri)!r} is not there; allowed is a folder or URI that a run "
            "has written to (--store)"
        )
    return storage, read_contents(storage)
