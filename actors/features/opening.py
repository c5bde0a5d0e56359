"""Opening anyone's input as features: which kind of input a path is.

To add a kind: a file with a class of `Candidates`, and its suffixes here.
"""

import glob
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from actors.data.arrays import ArrayFile
from actors.data.embeddings import TableFiles
from actors.data.feature_source import Candidates, Progress
from actors.data.files import tables_of_one_split, walk
from actors.data.images import suffixes
from actors.data.tables import ARROW, PARQUET
from actors.errors import UserError
from actors.features import Extractor
from actors.features.images import Images, open_images

TABLES = (*PARQUET, *ARROW)
ARRAYS = (".npy", ".npz")
ALLOWED = f"a folder of images, or {', '.join((*TABLES, *ARRAYS))}"


def open_input(
    path: str,
    extractor: Extractor,
    *,
    column: str | None = None,
    id_column: str | None = None,
    source_column: str | None = None,
    image_size: int | None = None,
    channels: int | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> Candidates:
    """Open a folder of images, Parquet or Arrow files (or a pattern with *), or a NumPy file.

    Args:
        extractor: makes features of images.
        column: the embeddings' column, or the array of a .npz; a folder that has images and tables
            is one of tables where this is given.
        progress: called with the number of images looked at.

    Raises:
        UserError: there is no such input, or an option does not go with its kind.
    """
    matching = [] if os.path.exists(path) else sorted(glob.glob(path))
    if not matching and not os.path.exists(path):
        raise UserError(f"input: {path!r} is not there; allowed is {ALLOWED}")
    walked = walk(path) if os.path.isdir(path) else None
    names = walked.names if walked else []
    tables = [name for name in names if name.lower().endswith(TABLES)]
    images = [name for name in names if name.lower().endswith(suffixes())]
    about_images = {"image_size": image_size, "channels": channels, "skip_bad": skip_bad or None}
    about_tables = {"id_column": id_column, "source_column": source_column}
    if walked and images and not (column and tables):
        _refuse({"column": column, **about_tables}, Images)
        check_names(images)
        return open_images(
            path,
            images,
            extractor,
            image_size=image_size,
            channels=channels,
            skip_bad=skip_bad,
            notes=walked.passed_over(images),
            progress=progress,
        )
    if walked and tables:
        try:
            tables = tables_of_one_split(path, names, TABLES)
        except UserError as error:
            raise UserError(f"input: {error}") from None
    if walked and not tables:
        raise UserError(f"input: no images and no tables in folder {path!r}; allowed is {ALLOWED}")
    suffix = Path(path).suffix.lower()
    if tables or suffix in TABLES:
        _refuse(about_images, TableFiles)
        paths = [os.path.join(path, name) for name in tables] or matching or [path]
        notes = walked.passed_over(tables) if walked else ()
        return TableFiles(paths, column, id_column, source_column, notes)
    if suffix in ARRAYS:
        _refuse({**about_images, **about_tables}, ArrayFile)
        return ArrayFile(path, column)
    raise UserError(f"input: {path!r} has suffix {suffix!r}; allowed is {ALLOWED}")


def check_names(names: Sequence[str]) -> None:
    """Raise UserError where a name is no UTF-8, so that it cannot be an id."""
    try:
        pa.array(names, pa.string())
    except UnicodeEncodeError as error:
        raise UserError(f"input: the file name {error.object!r} is no UTF-8; rename it") from None


def _refuse(options: Mapping[str, object], kind: type[Candidates]) -> None:
    for name, value in options.items():
        if value is not None:
            raise UserError(
                f"{name}: found {value!r}, but the input is {kind.described}, which has no use "
                "for it"
            )
