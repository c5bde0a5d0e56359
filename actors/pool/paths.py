"""Paths in a store, which may come from a file in it, and may be anyone's."""

import os

from actors.errors import PathError


def below(root: str, path: object, *, on_disk: bool = False) -> str:
    """Return the path of something below a folder.

    Args:
        root: the folder, which may be reached by a link itself; empty for the root of the disk.
        path: relative, names divided by slashes.
        on_disk: whether links are followed, and must not lead out of the folder either.

    Raises:
        PathError: the path may lead elsewhere: it is absolute, or has "..", or is no text.
    """
    names = path.split("/") if isinstance(path, str) else [""]
    if any(name in ("", ".", "..") or "\\" in name or "\0" in name for name in names):
        raise PathError(
            f"{path!r}: is no path in the store; allowed are names divided by '/', without '..'"
        )
    whole = f"{root}/{path}"
    if on_disk:
        real = os.path.realpath(root or "/")
        if os.path.commonpath([real, os.path.realpath(whole)]) != real:
            raise PathError(f"{path!r}: a link leads out of the store")
    return whole
