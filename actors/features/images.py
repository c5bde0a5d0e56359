"""Images as input; features are computed as images are read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actors.data.feature_source import Progress
from actors.data.image_folder import file_items
from actors.data.images import Header
from actors.data.reading import Reading, plan_reading, read_headers
from actors.distances.space import Space
from actors.errors import UserError
from actors.features import Extractor

# files looked at between calls of `progress`
LOOKED_AT = 1024


@dataclass(frozen=True)
class Images:
    """Images of a folder.

    Attributes:
        names: of the files, relative to the root.
        folder_notes: what of the folder is not read.
        skipped: what cannot be decoded, each with its cause.
    """

    root: str
    names: tuple[str, ...]
    reading: Reading
    extractor: Extractor
    folder_notes: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return len(self.names)

    @property
    def dimension(self) -> int:
        return self.extractor.dimension(self.reading.shape)

    @property
    def space(self) -> Space:
        return self.extractor.space

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self.folder_notes, *self.reading.notes)

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.extractor.extract(self.images(np.arange(start, stop)))

    def images(self, positions: np.ndarray) -> np.ndarray:
        """Return the images at some (m,) positions, (m, height, width, channels) uint8."""
        try:
            return self.reading.read(file_items(self.root, self.names, positions), len(positions))
        except UserError as error:
            raise UserError(f"input: {error}; --skip-bad goes on without it") from None

    def ids(self) -> pa.Array:
        return pa.array(self.names, pa.string())

    def origins(self) -> pa.Array | None:
        folders = pc.extract_regex(self.ids(), "^(?P<folder>[^/]+)/")
        first = pc.struct_field(folders, "folder")  # null where nothing matched, unlike .field
        return None if first.null_count == len(first) else first

    def numbers(self, column: str) -> np.ndarray:
        raise UserError(
            f"selection: this method needs the column {column!r}, which a folder of images does "
            "not have; give a Parquet or Arrow file"
        )


def open_images(
    root: str,
    names: Sequence[str],
    extractor: Extractor,
    *,
    image_size: int | None = None,
    channels: int | None = None,
    skip_bad: bool = False,
    notes: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> Images:
    """Look at every file's header.

    Args:
        image_size: side of the square that images are resized and cropped to; without it all must
            have one size.
        channels: that images are converted to; None for 1 where all are grey, else 3.
        skip_bad: decode every file now, and leave out what cannot be.
        notes: what of the folder is not read.
        progress: called with the number of files looked at.

    Raises:
        UserError: a file is no image, or sizes differ.
    """
    good: list[tuple[str, Header]] = []
    skipped: list[str] = []
    items = file_items(root, names, np.arange(len(names)))
    for done, (name, header) in enumerate(read_headers(items, whole=skip_bad), 1):
        if isinstance(header, UserError):
            skipped.append(f"{name}: {header}")
        else:
            good.append((name, header))
        if progress and (done % LOOKED_AT == 0 or done == len(names)):
            progress(done)
    if skipped and not skip_bad:
        raise UserError(
            f"input: {skipped[0]} (files like this: {len(skipped):,}); --skip-bad goes on without "
            "them"
        )
    if not good:
        raise UserError(f"input: none of the {len(names):,} images in {root!r} can be decoded")
    try:
        reading = plan_reading(good, image_size, channels, "--image-size")
    except UserError as error:
        raise UserError(f"input: {error}") from None
    kept = tuple(name for name, _ in good)
    return Images(root, kept, reading, extractor, notes, tuple(skipped))


def in_colour(images: Images) -> Images:
    """Return grey images that are read as RGB, as those of another set are."""
    height, width, _ = images.reading.shape
    note = f"all {images.rows:,} images are grey and read as RGB, as another set's are"
    notes = (*images.reading.notes, note)
    return replace(images, reading=replace(images.reading, shape=(height, width, 3), notes=notes))
