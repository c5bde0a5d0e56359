"""Local files of a data set: where they are, and the hash of what is in them."""

import glob
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from actors.errors import UserError


def absolute(path: str) -> str:
    """Return the absolute path: actors may have another working directory."""
    return os.path.abspath(os.path.expanduser(path))


LocalPath = Annotated[str, Field(min_length=1), AfterValidator(absolute)]


def files_below(root: str, suffixes: tuple[str, ...]) -> list[str]:
    """Return paths of the files below a folder that end so, relative to it, sorted, none hidden."""
    return sorted(name for name in _walk(root) if name.lower().endswith(suffixes))


def files_at(path: str, suffixes: tuple[str, ...], allowed: str) -> tuple[str, list[str]]:
    """Return a folder and the names of files in it, for a folder, a file or a pattern with `*`.

    Args:
        allowed: what the path may be, for the error.

    Raises:
        UserError: nothing is there.
    """
    if os.path.isdir(path):
        names = files_below(path, suffixes)
        if not names:
            raise UserError(
                f"path {path!r} has no files {', '.join(suffixes)}; allowed is {allowed}"
            )
        return path, names
    found = [path] if os.path.isfile(path) else sorted(glob.glob(path))
    if not found:
        raise UserError(f"path {path!r} is not there; allowed is {allowed}")
    root = os.path.dirname(path)
    return root, [os.path.relpath(file, root) for file in found]


def digest_of(named: Sequence[tuple[str, bytes]]) -> str:
    """Return the hash of names with the hashes of what they hold."""
    digest = hashlib.blake2b(digest_size=16)
    for name, content in named:
        digest.update(name.encode(errors="surrogateescape") + b"\0" + content)
    return digest.hexdigest()


def hash_files(root: str, names: Sequence[str]) -> str:
    """Return the hash of the names and contents of files.

    Raises:
        UserError: one cannot be read.
    """
    return digest_of([(name, _hash_file(os.path.join(root, name))) for name in names])


def _hash_file(path: str) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise UserError(f"path {path!r}: {error.strerror}") from None
    return digest.digest()


def _walk(root: str) -> Iterator[str]:
    for folder, below, files in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".")]
        within = os.path.relpath(folder, root)
        for name in files:
            if not name.startswith("."):
                yield Path(within, name).as_posix()
