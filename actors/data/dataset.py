"""What every real data set has in common: configuration, information and splits."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from actors.config import Config
from actors.data.files import Files, hash_files
from actors.data.images import Header
from actors.data.index import Index, counted, keep, ticker
from actors.data.reading import Alike, Item, Reading, plan_reading, read_headers, tally
from actors.errors import UserError


@dataclass(frozen=True)
class Source:
    """The rows of a data set, found but not decoded.

    Attributes:
        count: how many there are.
        classes: labels are 0 to classes - 1; None without labels.
        content: the hash of it, or the files that it is.
        take: returns the images at (n,) positions, in any order, and their (n,) int64 labels.
        header: of every image, where all are known to be alike.
        notes: what of it is not read, in words.
        files: what it is read from, where another has said the hash of it.
        look: returns the index, where there is a better way than to hash it and read its images.
    """

    count: int
    classes: int | None
    content: str | Files
    take: Callable[[np.ndarray], tuple[Iterator[Item], np.ndarray | None]]
    header: Header | None = None
    notes: tuple[str, ...] = ()
    files: Files | None = None
    look: Callable[[], Index] | None = None

    @cached_property
    def digest(self) -> str:
        """Hash of the content."""
        if isinstance(self.content, str):
            return self.content
        root, names = self.content.root, self.content.names
        size = int(self.content.look(0, len(names))["size"].sum())
        return hash_files(root, names, ticker("bytes", size))

    def index(self, about: str) -> Index:
        """Return what it takes to read every row to know, from where it is kept if it is.

        Args:
            about: what determines the rows beside the files.
        """
        files = self.files or (None if isinstance(self.content, str) else self.content)
        return keep(files, about, self._read) if files else self._read()

    def _read(self) -> Index:
        if self.look is not None:
            return self.look()
        if self.header is None:
            items, _ = self.take(np.arange(self.count))
            return Index(self.digest, tally(counted("images", read_headers(items), self.count)))
        return Index(self.digest, (Alike(self.header, "row 0", self.count),))


def source_of_arrays(
    load: Callable[[], tuple[np.ndarray, np.ndarray | None]],
    count: int,
    header: Header,
    classes: int | None,
    content: str | Files,
) -> Source:
    """Return a set whose images are one array.

    Args:
        load: returns images, (count, height, width[, channels]) uint8, and labels, (count,).
    """

    def take(positions: np.ndarray) -> tuple[Iterator[Item], np.ndarray | None]:
        images, labels = load()
        items = (Item(i, f"row {p}", images[p]) for i, p in enumerate(positions.tolist()))
        return items, None if labels is None else labels[positions].astype(np.int64)

    return Source(count, classes, content, take, header)


@dataclass(frozen=True)
class DatasetInfo:
    """Information about a data set that needs no image to be decoded.

    Attributes:
        rows: number of rows.
        reading: how every image is read.
        classes: labels are 0 to classes - 1; None without labels.
        digest: hash of the content.
        notes: sentences on what is left out or read in an unexpected way.
    """

    rows: int
    reading: Reading
    classes: int | None
    digest: str
    notes: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels of every image as it is read."""
        return self.reading.shape


class RealData(Config):
    """Configuration of one data set."""

    # fields that say where files are: the digest of their content tells data sets apart
    EXECUTION: ClassVar[frozenset[str]] = frozenset()
    # whether every row may have to come from the network
    needs_network: ClassVar[bool] = False

    kind: str
    rows: int = Field(512, ge=2, description="real rows of the first training set (N)")
    reference_rows: int = Field(1024, ge=2, description="held-out rows that measures compare with")
    resize: int | None = Field(
        None, ge=1, description="side of the square that images are resized and cropped to"
    )
    channels: Literal[1, 3] | None = Field(
        None, description="1 makes all grey, 3 makes all RGB; null: grey where all images are"
    )

    @abstractmethod
    def open(self) -> Source:
        """Find the rows, without decoding them.

        Raises:
            UserError: they are not there, or cannot be read.
        """

    def fetch(self) -> bool:
        """Bring here what has to come from the network; return whether any of it has to."""
        return False

    @property
    def info(self) -> DatasetInfo:
        """Information about the data set, read once per process and configuration."""
        return _opened(self._where())[1]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return self.info.shape

    @property
    def classes(self) -> int | None:
        """How many classes the labels name, None without labels."""
        return self.info.classes

    @property
    def has_equal_variances(self) -> bool:
        """Whether all pixels are known to have the same variance."""
        return False

    def read(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the images at (n,) positions, (n, height, width, channels) uint8, and labels.

        The labels are (n,) int64, or None where the set has none.

        Raises:
            UserError: an image cannot be decoded.
        """
        source, info = _opened(self._where())
        items, labels = source.take(positions)
        try:
            return info.reading.read(items, len(positions)), labels
        except UserError as error:
            raise UserError(f"dataset: {error}") from None

    @model_validator(mode="after")
    def _fits(self) -> "RealData":
        if self.rows + self.reference_rows > self.info.rows:
            raise ValueError(
                f"rows {self.rows} + reference_rows {self.reference_rows} is more than the "
                f"{self.info.rows} rows that {self.kind} has"
            )
        return self

    def _where(self) -> "RealData":
        """Return the configuration without what says how many rows are wanted."""
        return self.model_copy(update={"rows": 0, "reference_rows": 0})


@lru_cache(maxsize=4)
def _opened(dataset: RealData) -> tuple[Source, DatasetInfo]:
    source = dataset.open()
    about = dataset.model_dump_json(exclude={"rows", "reference_rows", "resize", "channels"})
    index = source.index(about)
    reading = plan_reading(index.headers, dataset.resize, dataset.channels, "dataset.resize")
    notes = (*source.notes, *reading.notes)
    return source, DatasetInfo(source.count, reading, source.classes, index.digest, notes)


def fetched(dataset: RealData) -> DatasetInfo:
    """Return information about a data set, once all of it is here."""
    if dataset.fetch():
        _opened.cache_clear()
    return dataset.info


def split_range(dataset: RealData, name: str) -> tuple[int, int]:
    """Return (first, rows) of the split `train` or `reference` in the order of a seed."""
    return {
        "train": (0, dataset.rows),
        "reference": (dataset.rows, dataset.reference_rows),
    }[name]


def fresh_range(dataset: RealData, used: int, rows: int) -> tuple[int, int]:
    """Return (first, rows) of fresh rows, the next after `used` of them."""
    return dataset.rows + dataset.reference_rows + used, rows


def fresh_available(dataset: RealData) -> int:
    """Return how many rows are neither for training nor for reference."""
    return dataset.info.rows - dataset.rows - dataset.reference_rows


def split(dataset: RealData, name: str, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return images, (n, height, width, channels) uint8, and labels, (n,) int64, of a split.

    Raises:
        UserError: an image cannot be decoded.
    """
    return dataset.read(range_positions(dataset, *split_range(dataset, name), seed))


def range_positions(dataset: RealData, first: int, rows: int, seed: int) -> np.ndarray:
    """Return the (rows,) positions in the data set of a range of the seed's order."""
    order = np.random.default_rng(seed).permutation(dataset.info.rows)
    return order[first : first + rows]
