"""Images as input; features are computed as images are read."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actors.data.feature_source import Candidates, Progress
from actors.data.image_folder import file_items
from actors.data.images import Header
from actors.data.reading import Reading, plan_reading, read_headers, tally
from actors.errors import UserError
from actors.features import Extractor
from actors.features.extractor import Fitted

# files looked at between calls of `progress`
LOOKED_AT = 1024


class Images(Candidates):
    """Images of a folder.

    Attributes:
        root: the folder.
        names: of the files, relative to the root.
    """

    described = "a folder of images"

    def __init__(
        self,
        root: str,
        names: Sequence[str],
        reading: Reading,
        extractor: Extractor,
        notes: tuple[str, ...] = (),
        skipped: tuple[str, ...] = (),
        fitted: Fitted | None = None,
    ) -> None:
        """Take the names of files that can be read, and how they and their features are.

        Args:
            fitted: what `extractor.fit` returned, for extractors that are fitted.
        """
        self.root, self.names = root, tuple(names)
        self.reading, self.extractor = reading, extractor
        self.rows, self.dimension = len(names), extractor.dimension(reading.shape)
        self.space = extractor.space
        self.notes, self.skipped = (*notes, *reading.notes), skipped
        self._fitted, self._model = fitted, None

    def read(self, start: int, stop: int) -> np.ndarray:
        if self._model is None:
            self._model = self.extractor.load(self._fitted)
        return self.extractor.extract(self.images(np.arange(start, stop)), self._model)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_model": None}

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
        reading = plan_reading(tally(good), image_size, channels, "--image-size")
    except UserError as error:
        raise UserError(f"input: {error}") from None
    return Images(root, [name for name, _ in good], reading, extractor, notes, tuple(skipped))


def in_colour(images: Images) -> Images:
    """Return grey images that are read as RGB, as those of another set are."""
    height, width, _ = images.reading.shape
    note = f"all {images.rows:,} images are grey and read as RGB, as another set's are"
    reading = replace(images.reading, shape=(height, width, 3), notes=())
    notes = (*images.notes, note)
    return Images(images.root, images.names, reading, images.extractor, notes, images.skipped)
