"""The format of a store: a number kept in its root, which tells stores of other versions apart."""

from actors.errors import UserError
from actors.pool.filesystems import without_secrets
from actors.pool.storage import Storage

# raised when files or their names in a store come to mean something else
FORMAT = 3
FILE = "store.json"
# where everything lies that a run or a sweep writes
FOLDERS = ("steps", "experiments", "sweeps")


def check_format(storage: Storage) -> None:
    """Raise UserError where a store is of another format than this version reads."""
    try:
        format = storage.read_json(FILE)["format"]
    except FileNotFoundError:
        if not any(storage.files(folder) for folder in FOLDERS):
            return
        format = "1, which had no number"
    except (ValueError, TypeError, KeyError):
        format = f"unknown, as {FILE} is damaged"
    if format != FORMAT:
        raise UserError(
            f"store: {without_secrets(storage.uri)!r} is of format {format}; this version of "
            f"Ouroboros reads format {FORMAT}: give another --store, or use the version that wrote "
            "this one"
        )


def mark_format(storage: Storage) -> None:
    """Write down the format of a store that is new; raise UserError where it is of another."""
    check_format(storage)
    if not storage.exists(FILE):
        storage.write_json(FILE, {"format": FORMAT})
