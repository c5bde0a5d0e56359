"""Reading the images of a set as one array."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, TypeVar

import joblib
import numpy as np

from actors.data.images import Header, Stored, decode, read_header
from actors.errors import UserError

Result = TypeVar("Result")

# encoded images in memory at a time, and those that a thread takes at once
BATCH, TASK = 256, 16


class Item(NamedTuple):
    """One image: where it goes among those asked for, its name for people, and what is stored."""

    place: int
    name: str
    stored: Stored


@dataclass(frozen=True)
class Reading:
    """How all images of a set are read.

    Attributes:
        shape: height, width, channels of each once it is read.
        side: of the square that it is resized and cropped to; None leaves its size.
        notes: what was not to be expected of the set, in words.
    """

    shape: tuple[int, int, int]
    side: int | None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return what the card of a number that is taken of the images says of them."""
        height, width, channels = self.shape
        size = "shorter side resized bilinearly, centre crop" if self.side else "not resized"
        return f"{width}x{height} {'grey' if channels == 1 else 'RGB'}, {size}"

    def read(self, items: Iterator[Item], count: int) -> np.ndarray:
        """Return `count` images as (count, height, width, channels) uint8.

        Raises:
            UserError: one cannot be read, or has another size than its header says.
        """
        images = np.empty((count, *self.shape), np.uint8)

        def read_one(item: Item) -> None:
            try:
                image = decode(item.stored, self.shape[2], self.side)
            except UserError as error:
                raise UserError(f"{item.name}: {error}") from None
            if image.shape != self.shape:
                here, expected = (f"{s[1]}x{s[0]}" for s in (image.shape, self.shape))
                raise UserError(f"{item.name} is {here}, and not {expected} as was found")
            images[item.place] = image

        for _ in _in_threads(read_one, items):
            pass
        return images


def read_headers(
    items: Iterator[Item], *, whole: bool = False
) -> Iterator[tuple[str, Header | UserError]]:
    """Yield each image's name, and its header or why it cannot be read; `whole` decodes it too."""

    def read_one(item: Item) -> tuple[str, Header | UserError]:
        try:
            return item.name, read_header(item.stored, whole=whole)
        except UserError as error:
            return item.name, error

    return _in_threads(read_one, items)


def _in_threads(function: Callable[[Item], Result], items: Iterator[Item]) -> Iterator[Result]:
    """Yield what a function returns of each item, in order."""

    def several(some: list[Item]) -> list[Result]:
        return [function(item) for item in some]

    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        while batch := list(islice(items, BATCH)):
            tasks = [batch[i : i + TASK] for i in range(0, len(batch), TASK)]
            for results in pool.map(several, tasks):
                yield from results


class Alike(NamedTuple):
    """Images with one header: the name of the first, and how many there are."""

    header: Header
    first: str
    images: int


def tally(headers: Iterable[tuple[str, Header | UserError]]) -> tuple[Alike, ...]:
    """Count images with one header together, in the order of the first of each.

    Raises:
        UserError: one cannot be read.
    """
    first: dict[Header, str] = {}
    counts = Counter[Header]()
    for name, header in headers:
        if isinstance(header, UserError):
            raise UserError(f"{name}: {header}")
        first.setdefault(header, name)
        counts[header] += 1
    return tuple(Alike(header, name, counts[header]) for header, name in first.items())


def plan_reading(
    headers: Iterable[Alike], side: int | None, channels: int | None, size_field: str
) -> Reading:
    """Return how images of these headers, at least one, become one array.

    Args:
        side: of the square that they are resized and cropped to, None to leave them as they are.
        channels: that they are converted to; None for 1 where all are grey, else 3.
        size_field: the field that `side` comes from, for the message.

    Raises:
        UserError: two differ in size and are not resized.
    """
    (first, *others), kinds, several = tuple(headers), Counter[int](), 0
    for header, name, images in (first, *others):
        if side is None and header[:2] != first.header[:2]:
            raise UserError(
                f"images differ in size: {first.first} is {first.header.width}x"
                f"{first.header.height}, {name} is {header.width}x{header.height}; set "
                f"{size_field} to resize and crop them all"
            )
        kinds[header.channels] += images
        several += images * header.several_frames
    notes = []
    if several:
        notes.append(f"of {several:,} images with several frames the first is read")
    if channels is None and len(kinds) > 1:
        notes.append(
            f"{kinds[1]:,} of {kinds.total():,} images are grey and read as RGB, as the others are"
        )
    shape = (side or first.header.height, side or first.header.width, channels or max(kinds))
    return Reading(shape, side, tuple(notes))
