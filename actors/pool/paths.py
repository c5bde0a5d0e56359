"""Paths in a store, which may come from a file in it, and may be anyone's."""

import os

from actors.errors import PathError

FORBIDDEN = ("", ".", "..")


def below(root: str, path: object) -> str:
    """Return the path of something below a folder, if it says so; links are not followed.

    Args:
        root: the folder.
        path: relative, its parts divided by slashes.

    Raises:
        PathError: it may lead elsewhere: it is absolute, or has "..", or is no text.
    """
    parts = path.split("/") if isinstance(path, str) else [""]
    if any(part in FORBIDDEN or "\\" in part or "\0" in part for part in parts):
        raise PathError(
            f"{path!r}: is no path in the store; allowed are names divided by '/', without '..'"
        )
    return f"{root}/{path}"


def below_on_disk(root: str, path: object) -> str:
    """Return the path of something below a local folder, also after links are followed.

    Raises:
        PathError: it may lead elsewhere, or does.
    """
    found = below(root, path)
    # the folder may be reached by a link itself, and be the root of the disk
    real = os.path.realpath(root or "/")
    if os.path.commonpath([real, os.path.realpath(found)]) != real:
        raise PathError(f"{path!r}: a link leads out of the store")
    return found
