"""Folders of images as input; features are computed as images are read."""

import os
from collections.abc import Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actors.curation.decoding import BROKEN, GREY, Header, cause, decode, in_threads, read_header
from actors.errors import UserError
from actors.features import Extractor
from actors.features.source import Progress

# files looked at before progress is told
LOOKED_AT = 1024


class ImageFolder:
    """Images below a folder.

    Attributes:
        names: their paths relative to the root, which are their ids.
        shape: height, width, channels of every image as it is decoded.
        skipped: what cannot be decoded, each with its cause.
    """

    def __init__(
        self,
        root: str,
        names: Sequence[str],
        extractor: Extractor,
        *,
        image_size: int | None = None,
        skip_bad: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Look at every file's header.

        Args:
            image_size: side of the square that images are resized and cropped to; without it all
                must have one size.
            skip_bad: decode every file now, and leave out what cannot be.
            progress: called with the number of files looked at.

        Raises:
            UserError: a file is no image, or sizes differ.
        """
        headers: list[Header | str] = []
        for start in range(0, len(names), LOOKED_AT):
            paths = [os.path.join(root, name) for name in names[start : start + LOOKED_AT]]
            headers += in_threads(partial(read_header, whole=skip_bad), paths)
            if progress:
                progress(len(headers))
        named = list(zip(names, headers, strict=True))
        good = [(name, header) for name, header in named if isinstance(header, Header)]
        self.skipped = tuple(f"{name}: {why}" for name, why in named if isinstance(why, str))
        if self.skipped and not skip_bad:
            raise UserError(
                f"input: cannot decode {self.skipped[0]} (files like this: "
                f"{len(self.skipped):,}); --skip-bad goes on without them"
            )
        if not good:
            raise UserError(f"input: none of the {len(names):,} images in {root!r} can be decoded")
        self.root = root
        self.names = tuple(name for name, _ in good)
        self.rows = len(good)
        self._extractor = extractor
        self._side = image_size
        self._mode = "L" if all(header.mode in GREY for _, header in good) else "RGB"
        width, height = (image_size, image_size) if image_size else one_size(good)
        self.shape = (height, width, 1 if self._mode == "L" else 3)
        self.dimension = extractor.dimension(self.shape)
        self.space = extractor.space

    def read(self, start: int, stop: int) -> np.ndarray:
        return self._extractor.extract(self._decoded(self.names[start:stop]))

    def images(self, positions: np.ndarray) -> np.ndarray:
        """Return the images at some (m,) positions, (m, height, width, channels) uint8."""
        return self._decoded([self.names[position] for position in positions.tolist()])

    def _decoded(self, names: Sequence[str]) -> np.ndarray:
        return np.stack(in_threads(self._decode, names))

    def _decode(self, name: str) -> np.ndarray:
        try:
            image = decode(os.path.join(self.root, name), self._mode, self._side)
        except BROKEN as error:
            raise UserError(
                f"input: cannot decode {name}: {cause(error)}; --skip-bad goes on without it"
            ) from None
        if image.shape != self.shape:
            raise UserError(f"input: {name} is {image.shape} now, but was {self.shape} before")
        return image

    def ids(self) -> pa.Array:
        return pa.array(self.names, pa.string())

    def origins(self) -> pa.Array | None:
        found = pc.extract_regex(self.ids(), "^(?P<folder>[^/]+)/")
        first = pc.struct_field(found, "folder")  # null where nothing matched, unlike .field
        return None if first.null_count == len(first) else first

    def numbers(self, column: str) -> np.ndarray:
        raise UserError(
            f"selection: this method needs the column {column!r}, which a folder of images does "
            "not have; give a Parquet or Arrow file"
        )


def one_size(named: Sequence[tuple[str, Header]]) -> tuple[int, int]:
    """Return the (width, height) that all images have.

    Raises:
        UserError: two differ.
    """
    first, header = named[0]
    for name, other in named:
        if other.size != header.size:
            raise UserError(
                "image_size: images differ in size: {} is {}x{}, {} is {}x{}; give --image-size to "
                "resize them all".format(first, *header.size, name, *other.size)
            )
    return header.size
