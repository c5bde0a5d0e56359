"""Folders of image files."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import joblib
import numpy as np
from pydantic import Field

from actors.data.dataset import RealData
from actors.data.files import LocalPath, hash_files, walk
from actors.data.images import read_header, suffixes
from actors.data.source import Header, Item, Source
from actors.errors import UserError

# files whose headers are read before one of them is asked for
LOOKED_AT = 1024


class ImageFolder(RealData):
    """Image files below a folder; where all lie in subfolders, those are the classes."""

    kind: Literal["image_folder"] = "image_folder"
    path: LocalPath = Field(description="folder of images")

    def open(self) -> Source:
        if not os.path.isdir(self.path):
            found = "is no folder" if os.path.exists(self.path) else "is not there"
            raise UserError(f"path {self.path!r} {found}; allowed is a folder of images")
        walked = walk(self.path)
        names = [name for name in walked.names if name.lower().endswith(suffixes())]
        if not names:
            raise UserError(
                f"path {self.path!r} has no images; allowed are {', '.join(suffixes())}"
            )
        return Folder(self.path, names, walked.passed_over(names))


@dataclass(frozen=True)
class Folder:
    """Image files below a folder; where all lie in subfolders, those are the classes.

    Attributes:
        names: paths relative to the root.
    """

    root: str
    names: Sequence[str]
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return len(self.names)

    @property
    def classes(self) -> int | None:
        return self._classes[0]

    @cached_property
    def digest(self) -> str:
        return hash_files(self.root, self.names)

    def headers(self) -> Iterator[tuple[str, Header]]:
        for name, header in zip(self.names, look(self.root, self.names), strict=True):
            if isinstance(header, str):
                raise UserError(f"{name}: {header}")
            yield name, header

    def take(self, positions: np.ndarray) -> tuple[Iterator[Item], np.ndarray | None]:
        names = (self.names[position] for position in positions.tolist())
        items = (Item(i, n, os.path.join(self.root, n)) for i, n in enumerate(names))
        labels = self._classes[1]
        return items, None if labels is None else labels[positions]

    @cached_property
    def _classes(self) -> tuple[int | None, np.ndarray | None]:
        return classes_of(self.names)


def look(root: str, names: Sequence[str], *, whole: bool = False) -> Iterator[Header | str]:
    """Yield each file's header, or why it cannot be read; `whole` decodes the image as well."""

    def one(name: str) -> Header | str:
        try:
            return read_header(os.path.join(root, name), whole=whole)
        except UserError as error:
            return str(error)

    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        for start in range(0, len(names), LOOKED_AT):
            yield from pool.map(one, names[start : start + LOOKED_AT])


def classes_of(names: Sequence[str]) -> tuple[int | None, np.ndarray | None]:
    """Return how many subfolders relative paths lie in, and which, (n,) int64; None without."""
    folders = [name.partition("/")[0] if "/" in name else "" for name in names]
    if "" in folders:
        return None, None
    distinct, labels = np.unique(folders, return_inverse=True)
    return len(distinct), labels.astype(np.int64)
