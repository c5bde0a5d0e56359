"""Notes of a step: what whoever reads its output should know, and what its worker's log says.

They are kept beside the step's files until its manifest is written, as several processes may have
some, and an interrupted step has them still.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from actors.pool.storage import Storage

# the project's log; what a worker says there while it does a step becomes a note of the step
LOG = logging.getLogger("ouroboros")


class _Keeper(logging.StreamHandler):
    """Prints what is said, and keeps it for a step."""

    def __init__(self, storage: Storage, step_path: str) -> None:
        super().__init__()
        self._storage = storage
        self._folder = _folder(step_path)

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        text = record.getMessage()
        # by its content: several workers may say the same
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._storage.write_json(f"{self._folder}/{name}.json", text)


def _folder(step_path: str) -> str:
    return f"{step_path}/notes"


@contextmanager
def noted(storage: Storage, step_path: str) -> Iterator[None]:
    """Make notes of a step of what is said meanwhile."""
    keeper = _Keeper(storage, step_path)
    LOG.addHandler(keeper)
    try:
        yield
    finally:
        LOG.removeHandler(keeper)


def take(storage: Storage, step_path: str) -> list[str]:
    """Return the notes of a step, and remove their files."""
    files = storage.files(_folder(step_path))
    notes = [str(storage.read_json(file)) for file in files]
    for file in files:
        storage.remove(file)
    return notes
