"""Folders of image files."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import joblib
import numpy as np

from actors.data.files import hash_files
from actors.data.images import read_header
from actors.data.source import Header, Item
from actors.errors import UserError

# files whose headers are read before one of them is asked for
LOOKED_AT = 1024


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
