"""Local files of a data set: where they are, which belong together, the hash of what is in them."""

import glob
import hashlib
import heapq
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Annotated, NoReturn

import joblib
import numpy as np
from pydantic import AfterValidator, Field

from actors.errors import UserError

# what `save_to_disk` of `datasets` leaves beside the tables of each split
STATE, INFO = "state.json", "dataset_info.json"
# what the names of files begin with that are left beside a data set here
OWN = ".ouroboros-"
# what the hub and `datasets` call the tables of a split
SHARD = re.compile(r"(?P<split>.+)-\d{5}-of-\d{5}(-\w+)?\.\w+")


def absolute(path: str) -> str:
    """Return the absolute path: actors may have another working directory."""
    return os.path.abspath(os.path.expanduser(path))


LocalPath = Annotated[str, Field(min_length=1), AfterValidator(absolute)]


@dataclass(frozen=True)
class Files:
    """The files that a data set is.

    Attributes:
        names: relative to the root.
    """

    root: str
    names: list[str]

    def look(self, first: int, stop: int) -> np.ndarray:
        """Return `size` in bytes and `time` of the last change, POSIX in ns, of some of them.

        Raises:
            UserError: one is not there.
        """
        paths = map(f"{self.root}/".__add__, self.names[first:stop])
        looks = map(attrgetter("st_size", "st_mtime_ns"), map(os.stat, paths))
        try:
            return np.fromiter(looks, [("size", np.int64), ("time", np.int64)])
        except OSError as error:
            raise UserError(f"path {error.filename!r}: {error.strerror}") from None


@dataclass(frozen=True)
class Walk:
    """What lies below a folder.

    Attributes:
        names: paths of the files relative to it, sorted, none hidden.
        hidden: files and folders whose names begin with a dot.
        repeated: links to folders whose files have been found already.
    """

    names: list[str]
    hidden: list[str]
    repeated: list[str]

    def passed_over(self, read: Collection[str]) -> tuple[str, ...]:
        """Return in words what lies there and is not read, `read` being the names that are."""
        kinds: dict[str, list[str]] = {}
        for name in sorted({*self.names}.difference(read)):
            suffix = os.path.splitext(name)[1].lower() or "without suffix"
            kinds.setdefault(suffix, []).append(name)
        if self.hidden:
            kinds["hidden"] = sorted(self.hidden)
        shown = [
            f"{len(names):,} {kind} ({_first(names)})"
            for kind, names in sorted(kinds.items(), key=lambda item: -len(item[1]))
        ]
        notes = [f"not read: {', '.join(shown)}"] if shown else []
        if self.repeated:
            notes.append(
                f"links to folders that are read under another name: {len(self.repeated):,} "
                f"({_first(self.repeated)})"
            )
        return tuple(notes)


def _first(names: Sequence[str]) -> str:
    return names[0] + ", ..." * (len(names) > 1)


def walk(root: str) -> Walk:
    """Return what lies below a folder; links are followed, and no folder is entered twice.

    A folder that several paths lead to has the one without links, else the first in the alphabet.

    Raises:
        UserError: a folder cannot be read.
    """

    def refuse(error: OSError) -> NoReturn:
        raise UserError(f"folder {error.filename!r}: {error.strerror}") from None

    names: list[str] = []
    hidden: list[str] = []
    repeated: list[str] = []
    entered: set[tuple[int, int]] = set()
    links = [""]
    while links:
        top = os.path.join(root, heapq.heappop(links))
        for folder, folders, files in os.walk(top, onerror=refuse):
            inside = os.path.relpath(folder, root)
            about = os.stat(folder)
            if (about.st_dev, about.st_ino) in entered:
                repeated.append(inside)
                folders.clear()
                continue
            entered.add((about.st_dev, about.st_ino))
            prefix = "" if inside == "." else f"{inside}/"
            every = [name for name in folders + files if name.startswith(".")]
            hidden += [prefix + name for name in every if not name.startswith(OWN)]
            folders[:] = [name for name in folders if not name.startswith(".")]
            names += [prefix + name for name in files if not name.startswith(".")]
            for name in folders:
                if os.path.islink(os.path.join(folder, name)):
                    heapq.heappush(links, prefix + name)
    return Walk(sorted(names), hidden, repeated)


def files_below(root: str, suffixes: tuple[str, ...]) -> list[str]:
    """Return paths of the files below a folder that end so, relative to it, sorted, none hidden."""
    return [name for name in walk(root).names if name.lower().endswith(suffixes)]


def files_at(path: str, suffixes: tuple[str, ...], allowed: str) -> tuple[str, list[str]]:
    """Return a folder and the names of files in it, for a folder, a file or a pattern with `*`.

    Args:
        allowed: what the path may be, for the error.

    Raises:
        UserError: nothing is there.
    """
    if os.path.isdir(path):
        names = tables_of_one_split(path, walk(path).names, suffixes)
        if not names:
            raise UserError(
                f"path {path!r} has no files {', '.join(suffixes)}; allowed is {allowed}"
            )
        return path, names
    files = [path] if os.path.isfile(path) else sorted(glob.glob(path))
    if not files:
        raise UserError(f"path {path!r} is not there; allowed is {allowed}")
    root = os.path.dirname(path)
    return root, [os.path.relpath(file, root) for file in files]


def hash_files(
    root: str, names: Sequence[str], tick: Callable[[int], None] = lambda size: None
) -> str:
    """Return the hash of the names and contents of files.

    Args:
        tick: is called with the number of bytes of each block that was read, by any thread.

    Raises:
        UserError: one cannot be read.
    """
    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        contents = pool.map(partial(_hash_file, tick), [os.path.join(root, n) for n in names])
        return digest_of(zip(names, contents, strict=True))


def digest_of(contents: Iterable[tuple[str, bytes]]) -> str:
    """Return the hash of the names of files and the hashes of their contents."""
    digest = hashlib.blake2b(digest_size=16)
    for name, content in contents:
        digest.update(name.encode(errors="surrogateescape") + b"\0" + content)
    return digest.hexdigest()


def hash_of(content: bytes) -> bytes:
    """Return the hash of a file's content."""
    return hashlib.blake2b(content, digest_size=16).digest()


def _hash_file(tick: Callable[[int], None], path: str) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
                tick(len(block))
    except OSError as error:
        raise UserError(f"path {path!r}: {error.strerror}") from None
    return digest.digest()


def tables_of_one_split(root: str, names: Sequence[str], suffixes: tuple[str, ...]) -> list[str]:
    """Return which of the files below a folder are the tables of its data set.

    Args:
        names: paths of all files relative to the root, sorted.

    Raises:
        UserError: there are several splits; it names them, and how to give one.
    """
    there = {*names}
    saved = [os.path.dirname(name) for name in names if os.path.basename(name) == STATE]
    saved = [folder for folder in saved if os.path.join(folder, INFO) in there]
    if "" in saved or len(saved) == 1:
        return _saved(root, "" if "" in saved else saved[0], there)
    if saved:
        _refuse(root, saved, os.path.join(root, saved[0]))
    tables = [name for name in names if name.lower().endswith(suffixes)]
    first: dict[str, str] = {}
    for name in tables:
        if shard := SHARD.fullmatch(os.path.basename(name)):
            first.setdefault(shard["split"], name)
    if len(first) > 1:
        split, name = next(iter(first.items()))
        pattern = f"{split}-*{os.path.splitext(name)[1]}"
        _refuse(root, list(first), os.path.join(root, os.path.dirname(name), pattern))
    return tables


def _saved(root: str, folder: str, there: set[str]) -> list[str]:
    """Return the tables that a saved split says it has: others beside them are caches."""
    path = os.path.join(root, folder, STATE)
    try:
        with open(path, encoding="utf-8") as file:
            names = [table["filename"] for table in json.load(file)["_data_files"]]
            tables = [os.path.join(folder, name) for name in names]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path!r} is not what `datasets` writes: {error!r}") from None
    if lost := next((name for name in tables if name not in there), None):
        raise UserError(f"{path!r} names {lost!r}, which is not there")
    return tables


def _refuse(root: str, splits: list[str], example: str) -> NoReturn:
    names = ", ".join(map(repr, splits))
    raise UserError(f"{root!r} holds the splits {names}; allowed is one of them, like {example}")
