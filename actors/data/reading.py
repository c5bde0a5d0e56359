"""Reading the images of a set as one array."""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import joblib
import numpy as np

from actors.data.images import decode
from actors.data.source import Header, Item
from actors.errors import UserError

# encoded images in memory at a time, and those that a thread takes at once
BATCH, TASK = 256, 16


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

        def work(some: list[Item]) -> None:
            for item in some:
                try:
                    image = decode(item.stored, self.shape[2], self.side)
                except UserError as error:
                    raise UserError(f"{item.name}: {error}") from None
                if image.shape != self.shape:
                    found, expected = (f"{one[1]}x{one[0]}" for one in (image.shape, self.shape))
                    raise UserError(f"{item.name} is {found}, and not {expected} as was found")
                images[item.place] = image

        with ThreadPoolExecutor(joblib.cpu_count()) as pool:
            while batch := list(islice(items, BATCH)):
                list(pool.map(work, [batch[i : i + TASK] for i in range(0, len(batch), TASK)]))
        return images


def plan_reading(
    headers: Iterable[tuple[str, Header]], side: int | None, channels: int | None, size_field: str
) -> Reading:
    """Return how images of these names and headers become one array.

    Args:
        side: of the square that they are resized and cropped to, None to leave them as they are.
        channels: that they are converted to; None for 1 where all are grey, else 3.
        size_field: the field that `side` comes from, for the message.

    Raises:
        UserError: two differ in size, and are not resized.
    """
    named = iter(headers)
    first, one = next(named)
    kinds, several = Counter({one.channels: 1}), int(one.several_frames)
    for name, other in named:
        if side is None and other[:2] != one[:2]:
            raise UserError(
                f"images differ in size: {first} is {one.width}x{one.height}, {name} is "
                f"{other.width}x{other.height}; set {size_field} to resize and crop them all"
            )
        kinds[other.channels] += 1
        several += other.several_frames
    read_as = channels or max(kinds)
    notes = []
    if several:
        notes.append(f"of {several:,} images with several frames the first is read")
    if channels is None and len(kinds) > 1:
        notes.append(
            f"{kinds[1]:,} of {kinds.total():,} images are grey and read as RGB, as the others are"
        )
    shape = (side or one.height, side or one.width, read_as)
    return Reading(shape, side, tuple(notes))
