"""CIFAR-10, from its binary files or from the hub."""

import os
from dataclasses import replace
from functools import partial
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from actors.data.dataset import RealData, Source, source_of_arrays
from actors.data.files import Files, LocalPath
from actors.data.hub import Hub
from actors.data.images import Header
from actors.errors import UserError

SHAPE = Header(32, 32, 3)
HUB_NAME = "uoft-cs/cifar10"
PIXELS = 3 * 32 * 32
BATCHES = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}


class Cifar10(RealData):
    """CIFAR-10's 32x32 colour images: its binary version in a folder, or the hub's without one."""

    EXECUTION: ClassVar[frozenset[str]] = frozenset({"path"})

    kind: Literal["cifar10"] = "cifar10"
    path: LocalPath | None = Field(None, description="folder with data_batch_1.bin and so on")
    split: Literal["train", "test"] = Field("train", description="50,000 or 10,000 rows")

    def open(self) -> Source:
        if self.path is None:
            return replace(self._hub().open(), header=SHAPE, look=None)
        names = [f"{batch}.bin" for batch in BATCHES[self.split]]
        refuse_missing(self.path, names)
        files = [os.path.join(self.path, name) for name in names]
        sizes = [os.path.getsize(file) for file in files]
        for file, size in zip(files, sizes, strict=True):
            if size == 0 or size % (1 + PIXELS):
                raise UserError(
                    f"path {file!r} has {size} bytes; allowed is a multiple of {1 + PIXELS}, "
                    "a label and 32x32x3 pixels per image"
                )
        count = sum(sizes) // (1 + PIXELS)
        content, read = Files(self.path, names), partial(load, files)
        return source_of_arrays(read, count, SHAPE, 10, content)

    def fetch(self) -> bool:
        return self.path is None and self._hub().fetch()

    def _hub(self) -> Hub:
        return Hub.model_construct(name=HUB_NAME, split=self.split)


def refuse_missing(path: str, names: list[str]) -> None:
    """Raise a UserError if a folder lacks a file of the binary version."""
    binary = f"a folder with {names[0]}{' and so on' if names[1:] else ''}, the binary version"
    if not os.path.isdir(path):
        problem = "is a file (unpack an archive first)" if os.path.exists(path) else "is not there"
        raise UserError(f"path {path!r} {problem}; allowed is {binary}")
    missing = next((name for name in names if not os.path.isfile(os.path.join(path, name))), None)
    if missing and os.path.isfile(os.path.join(path, pickled := missing.removesuffix(".bin"))):
        raise UserError(
            f"path {path!r} has {pickled}, a pickle of CIFAR-10's Python version, which is not "
            f"read: loading a pickle can run any code; allowed is {binary}, or no path, which "
            f"takes {HUB_NAME} from the hub"
        )
    if missing:
        raise UserError(f"path {path!r} lacks {missing}; allowed is {binary}")


def load(files: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return images, (n, 32, 32, 3) uint8, and labels, (n,) uint8, of binary batches.

    Raises:
        UserError: a label is no class.
    """
    records = np.concatenate([np.fromfile(file, np.uint8) for file in files])
    records = records.reshape(-1, 1 + PIXELS)
    labels = records[:, 0]
    if labels.max() > 9:
        raise UserError(f"path {files[0]!r}: found label {labels.max()}; allowed are up to 9")
    return records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels
