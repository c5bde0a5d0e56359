"""Weight files that no step made."""

import hashlib
import os
from functools import lru_cache


def hash_file(path: str) -> str:
    """Return the sha256 of a file, computed anew when its size or time has changed."""
    found = os.stat(path)
    return _sha256(os.path.realpath(path), found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=16)
def _sha256(path: str, _size: int, _time: int) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
