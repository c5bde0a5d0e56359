"""Folders of image files."""

import os
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from actors.data.dataset import RealData, Source
from actors.data.files import LocalPath, hash_files, walk
from actors.data.images import suffixes
from actors.data.reading import Item
from actors.errors import UserError


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
        names = [name for name in walked.names if name.lower().endswith(suffixes())]
        if not names:
            raise UserError(
                f"path {self.path!r} has no images; allowed are {', '.join(suffixes())}"
            )
        classes, labels = classes_of(names)

        def take(positions: np.ndarray) -> tuple[Iterator[Item], np.ndarray | None]:
            items = file_items(self.path, names, positions)
            return items, None if labels is None else labels[positions]

        digest, notes = hash_files(self.path, names), walked.passed_over(names)
        return Source(len(names), classes, digest, take, notes=notes)


def file_items(root: str, names: Sequence[str], positions: np.ndarray) -> Iterator[Item]:
    """Yield the images at (n,) positions among files, whose names are relative to a root."""
    for place, position in enumerate(positions.tolist()):
        yield Item(place, names[position], os.path.join(root, names[position]))


def classes_of(names: Sequence[str]) -> tuple[int | None, np.ndarray | None]:
    """Return how many subfolders relative paths lie in, and which, (n,) int64; None without."""
    folders = [name.partition("/")[0] if "/" in name else "" for name in names]
    if "" in folders:
        return None, None
    distinct, labels = np.unique(folders, return_inverse=True)
    return len(distinct), labels.astype(np.int64)
