"""A folder of image files."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import joblib
import numpy as np
from pydantic import Field

from actors.curation.decoding import SUFFIXES
from actors.errors import UserError
from actors.pool.real.dataset import RealData
from actors.pool.real.files import LocalPath, digest_of, files_below
from actors.pool.real.pictures import read_header
from actors.pool.real.source import Header, Item, Source


class ImageFolder(RealData):
    """Image files below a folder; where all lie in subfolders, those are the classes."""

    kind: Literal["image_folder"] = "image_folder"
    path: LocalPath = Field(description="folder of images")

    def open(self) -> Source:
        if not os.path.isdir(self.path):
            found = "is no folder" if os.path.exists(self.path) else "is not there"
            raise UserError(f"path {self.path!r} {found}; allowed is a folder of images")
        names = files_below(self.path, SUFFIXES)
        if not names:
            raise UserError(f"path {self.path!r} has no images; allowed are {', '.join(SUFFIXES)}")
        with ThreadPoolExecutor(joblib.cpu_count()) as pool:
            looked_at = list(pool.map(partial(_look, self.path), names))
        hashes, headers = zip(*looked_at, strict=True)
        digest = digest_of(list(zip(names, hashes, strict=True)))
        return Files(self.path, names, headers, digest, *classes_of(names))


@dataclass(frozen=True)
class Files:
    """Image files below a root, with (count,) labels or None."""

    root: str
    names: Sequence[str]
    found: Sequence[Header]
    digest: str
    classes: int | None
    labels: np.ndarray | None

    @property
    def count(self) -> int:
        return len(self.names)

    def headers(self) -> Iterable[tuple[str, Header]]:
        return zip(self.names, self.found, strict=True)

    def take(self, positions: np.ndarray) -> tuple[Iterator[Item], np.ndarray | None]:
        names = (self.names[position] for position in positions.tolist())
        items = (Item(i, n, os.path.join(self.root, n)) for i, n in enumerate(names))
        return items, None if self.labels is None else self.labels[positions]


def classes_of(names: Sequence[str]) -> tuple[int | None, np.ndarray | None]:
    """Return how many subfolders relative paths lie in, and which, (n,) int64; None without."""
    folders = [name.partition("/")[0] if "/" in name else "" for name in names]
    if "" in folders:
        return None, None
    distinct, labels = np.unique(folders, return_inverse=True)
    return len(distinct), labels.astype(np.int64)


def _look(root: str, name: str) -> tuple[bytes, Header]:
    try:
        content = Path(root, name).read_bytes()
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}") from None
    return hashlib.blake2b(content, digest_size=16).digest(), read_header(name, content)
