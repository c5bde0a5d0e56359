"""Folders of image files."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import ClassVar, Literal

import joblib
import numpy as np
from pydantic import Field

from actors.data.dataset import RealData, Source
from actors.data.files import Files, LocalPath, digest_of, hash_of, walk
from actors.data.images import Header, read_header, suffixes, whole
from actors.data.index import Index, counted
from actors.data.reading import Item, tally
from actors.errors import UserError

# files that a process or thread looks at at once, and so many times that in threads
TOGETHER, FOR_THREADS = 256, 64


class ImageFolder(RealData):
    """Image files below a folder; where all lie in subfolders, those are the classes."""

    EXECUTION: ClassVar[frozenset[str]] = frozenset({"path"})

    kind: Literal["image_folder"] = "image_folder"
    path: LocalPath = Field(description="folder of images")

    def open(self) -> Source:
        if not os.path.isdir(self.path):
            problem = "is no folder" if os.path.exists(self.path) else "is not there"
            raise UserError(f"path {self.path!r} {problem}; allowed is a folder of images")
        walked = walk(self.path)
        images = frozenset(suffixes())
        names = [name for name in walked.names if name[name.rfind(".") :].lower() in images]
        if not names:
            raise UserError(
                f"path {self.path!r} has no images; allowed are {', '.join(suffixes())}"
            )
        classes, labels = classes_of(names)

        def take(positions: np.ndarray) -> tuple[Iterator[Item], np.ndarray | None]:
            items = file_items(self.path, names, positions)
            return items, None if labels is None else labels[positions]

        files, notes = Files(self.path, names), walked.passed_over(names)
        look = partial(look_at, files)
        return Source(len(names), classes, files, take, notes=notes, look=look)


def look_at(files: Files) -> Index:
    """Return the hash of images and what their headers say, from reading each once.

    Raises:
        UserError: one cannot be read.
    """
    tasks = [files.names[i : i + TOGETHER] for i in range(0, len(files.names), TOGETHER)]
    # most of it is Python's own work, which threads take turns at; processes take a second to start
    prefer = "processes" if len(tasks) > FOR_THREADS else "threads"
    parallel = joblib.Parallel(-1, prefer=prefer, return_as="generator")
    looks = chain.from_iterable(parallel(joblib.delayed(_look)(files.root, t) for t in tasks))
    contents: list[bytes] = []

    def headers() -> Iterator[tuple[str, Header | UserError]]:
        shown = counted("images", looks, len(files.names))
        for name, (content, header) in zip(files.names, shown, strict=True):
            contents.append(content)
            yield name, header

    alike = tally(headers())
    return Index(digest_of(zip(files.names, contents, strict=True)), alike)


def _look(root: str, names: list[str]) -> list[tuple[bytes, Header | UserError]]:
    """Return the hash and the header of every file."""
    contents: list[tuple[bytes, Header | UserError]] = []
    for name in names:
        try:
            content = whole(os.path.join(root, name))
            contents.append((hash_of(content), read_header(content)))
        except UserError as error:
            contents.append((b"", error))
    return contents


def file_items(root: str, names: Sequence[str], positions: np.ndarray) -> Iterator[Item]:
    """Yield the images at (n,) positions among files, whose names are relative to a root."""
    for place, position in enumerate(positions.tolist()):
        yield Item(place, names[position], os.path.join(root, names[position]))


def classes_of(names: Sequence[str]) -> tuple[int | None, np.ndarray | None]:
    """Return how many subfolders relative paths lie in, and which, (n,) int64; None without."""
    folders = [name.partition("/")[0] if "/" in name else "" for name in names]
    numbers = {folder: number for number, folder in enumerate(sorted({*folders}))}
    if "" in numbers:
        return None, None
    return len(numbers), np.fromiter(map(numbers.__getitem__, folders), np.int64, len(folders))
