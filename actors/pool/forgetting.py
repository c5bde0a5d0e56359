"""Forgetting a step, so that it is done again."""

from actors.pool.step import manifest_path
from actors.pool.storage import Storage


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
