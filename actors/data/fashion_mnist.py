"""Fashion-MNIST, or anything in its format, from IDX files."""

import gzip
import os
import struct
import zlib
from functools import partial
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from actors.data.dataset import RealData, Source, source_of_arrays
from actors.data.files import Files, LocalPath
from actors.data.images import Header
from actors.errors import UserError

DEBIAN = "/usr/share/datasets/fashion-mnist"
PREFIX = {"train": "train", "test": "t10k"}
IMAGES, LABELS = 0x803, 0x801
CLASSES = 10


class FashionMnist(RealData):
    """Zalando's 28x28 grey clothes, from a folder with the published .gz files (MNIST's too)."""

    EXECUTION: ClassVar[frozenset[str]] = frozenset({"path"})

    kind: Literal["fashion_mnist"] = "fashion_mnist"
    path: LocalPath = Field(DEBIAN, description="folder; the default is the Debian package's")
    split: Literal["train", "test"] = Field("train", description="60,000 or 10,000 rows")

    def open(self) -> Source:
        names = [f"{PREFIX[self.split]}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
        images, labels = (os.path.join(self.path, name) for name in names)
        for file in (images, labels):
            if not os.path.isfile(file):
                raise UserError(
                    f"path {file!r} is not there; allowed is a folder with {' and '.join(names)}, "
                    "as Debian's package dataset-fashion-mnist has them (apt install "
                    "dataset-fashion-mnist)"
                )
        count, height, width = read_dimensions(images, IMAGES)
        (labelled,) = read_dimensions(labels, LABELS)
        if count != labelled:
            raise UserError(f"path {images!r} has {count} images, but {labelled} labels")
        content, read = Files(self.path, names), partial(load, images, labels)
        return source_of_arrays(read, count, Header(width, height, 1), CLASSES, content)


def load(images: str, labels: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what two IDX files hold: (n, height, width) and (n,) uint8.

    Raises:
        UserError: a file is broken, or a label is no class.
    """
    classes = read_idx(labels, LABELS)
    if len(classes) and classes.max() >= CLASSES:
        raise UserError(f"path {labels!r}: found label {classes.max()}; allowed are up to 9")
    return read_idx(images, IMAGES), classes


def read_dimensions(path: str, magic: int) -> tuple[int, ...]:
    """Return the dimensions that the head of an IDX file gives.

    Raises:
        UserError: it has another magic number, or is no gzip file.
    """
    axes = magic & 0xFF
    head = _read(path, 4 + 4 * axes)
    begins = int.from_bytes(head[:4], "big")
    if begins != magic or len(head) < 4 + 4 * axes:
        raise UserError(
            f"path {path!r}: its magic number is {begins:#06x}; allowed is {magic:#06x}"
        )
    return struct.unpack(f">{axes}I", head[4:])


def read_idx(path: str, magic: int) -> np.ndarray:
    """Return the uint8 array of an IDX file.

    Raises:
        UserError: it is broken.
    """
    shape = read_dimensions(path, magic)
    values = np.frombuffer(_read(path, -1), np.uint8, offset=4 + 4 * len(shape))
    if values.size != np.prod(shape):
        raise UserError(f"path {path!r} has {values.size} values, but {shape} in its head")
    return values.reshape(shape)


def _read(path: str, size: int) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(size)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"path {path!r} cannot be read: {error}") from None
