"""What opening a data set gives: its rows, found but not decoded."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

# the path or the bytes of an image file, or pixels (height, width[, channels]) uint8
Stored = str | bytes | np.ndarray


class Header(NamedTuple):
    """Width and height of an image that stands upright, 1 channel for grey and 3 for colour."""

    width: int
    height: int
    channels: int
    several_frames: bool = False


class Item(NamedTuple):
    """One image: where it goes among those asked for, its name for people, and what is stored."""

    place: int
    name: str
    stored: Stored


class Source(Protocol):
    """The rows of a data set.

    Attributes:
        count: how many there are.
        classes: labels are 0 to classes - 1; None without labels.
        digest: hash of the content.
        notes: what of it is not read, in words.
    """

    @property
    def count(self) -> int: ...
    @property
    def classes(self) -> int | None: ...
    @property
    def digest(self) -> str: ...
    @property
    def notes(self) -> tuple[str, ...]: ...

    def headers(self) -> Iterable[tuple[str, Header]]:
        """Return name and header of every image; one stands for all where all are alike."""

    def take(self, positions: np.ndarray) -> tuple[Iterator[Item], np.ndarray | None]:
        """Return the images at (n,) positions, in any order, and their (n,) int64 labels."""


@dataclass(frozen=True)
class Arrays:
    """A set whose images are one array.

    Attributes:
        header: of every image.
        load: returns images, (count, height, width[, channels]) uint8, and labels, (count,).
    """

    count: int
    header: Header
    classes: int
    digest: str
    load: Callable[[], tuple[np.ndarray, np.ndarray]]
    notes: tuple[str, ...] = ()

    def headers(self) -> Iterable[tuple[str, Header]]:
        return [("row 0", self.header)]

    def take(self, positions: np.ndarray) -> tuple[Iterator[Item], np.ndarray]:
        images, labels = self.load()
        items = (Item(i, f"row {p}", images[p]) for i, p in enumerate(positions.tolist()))
        return items, labels[positions].astype(np.int64)
