"""Rows of the pool as Parquet or an image folder that Hugging Face `datasets` loads."""

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from actors.errors import PathError
from actors.pool import selections
from actors.pool.inspect.contents import Contents
from actors.pool.manifest import StoredStep, check
from actors.pool.storage import Storage

COLUMNS = ("sample_id", "source", "iteration", "label", "seed")
# one of what schema.sample_ids makes
ID = re.compile(r"[0-9a-f]{12}-[0-9]{8,}")
# rows whose images are encoded and written together
BLOCK_ROWS = 1024


@dataclass(frozen=True)
class Extract:
    """Some rows of some sample steps whose images have one shape.

    Attributes:
        samples: paths of the sample steps.
        positions: (n,) int64 positions among their rows, in the order in which they are written.
    """

    samples: Sequence[str]
    positions: np.ndarray


def of_selection(storage: Storage, select: StoredStep) -> list[Extract]:
    """Return the rows of a training set, by rank.

    Raises:
        DamagedError: a file of it is not what was written.
    """
    check(storage, select.path)
    stored = selections.read(storage, select.path)
    return [Extract(stored.samples, stored.positions)]


def of_source(contents: Contents, source: str, iteration: int | None) -> list[Extract]:
    """Return all rows of a source (at an iteration), step by step."""
    return [
        Extract([step.path], np.arange(step.rows))
        for step in contents.of_kind("sample")
        if step.source == source and iteration in (None, step.iteration)
    ]


def write_parquet(storage: Storage, extracts: Sequence[Extract], file: Path) -> None:
    """Write rows as one Parquet file with an image column as `datasets` reads it."""
    from datasets import Features, Value
    from datasets import Image as ImageFeature

    types = {"sample_id": "string", "source": "string"}
    types |= {"iteration": "int32", "label": "int64", "seed": "int64"}
    features = {"image": ImageFeature(), **{name: Value(types[name]) for name in COLUMNS}}
    schema = Features(features).arrow_schema
    with pq.ParquetWriter(file, schema) as out:
        for columns, pictures in _blocks(storage, extracts):
            image = pa.array(
                [{"bytes": picture, "path": None} for picture in pictures], schema.types[0]
            )
            table = pa.table({"image": image, **{name: columns[name] for name in COLUMNS}})
            out.write_table(table.cast(schema))


def write_folder(storage: Storage, extracts: Sequence[Extract], folder: Path) -> None:
    """Write rows as PNG files named by sample id, and a metadata.csv with their provenance."""
    folder.mkdir()
    with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as text:
        out = csv.writer(text, lineterminator="\n")
        out.writerow(("file_name", *COLUMNS))
        for columns, pictures in _blocks(storage, extracts):
            names = [f"{_plain_id(sample)}.png" for sample in columns["sample_id"].to_pylist()]
            for name, picture in zip(names, pictures, strict=True):
                (folder / name).write_bytes(picture)
            every = [columns[name].to_pylist() for name in COLUMNS]
            out.writerows(zip(names, *every, strict=True))


def _plain_id(sample_id: str) -> str:
    """Return the id of a sample, if files can be named by it."""
    if not ID.fullmatch(sample_id or ""):
        raise PathError(f"{sample_id!r}: is no id of a sample, so that no file is named by it")
    return sample_id


def _blocks(
    storage: Storage, extracts: Sequence[Extract]
) -> Iterator[tuple[pa.Table, list[bytes]]]:
    """Yield blocks of rows: their columns, and their images as PNG files.

    Raises:
        DamagedError: a file of the rows is not what was written.
    """
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as encoders:
        for extract in extracts:
            for path in extract.samples:
                check(storage, path)
            images = selections.gather(storage, extract.samples, "image")
            columns = selections.rows_at(storage, extract.samples, COLUMNS, extract.positions)
            for start in range(0, len(extract.positions), BLOCK_ROWS):
                block = extract.positions[start : start + BLOCK_ROWS]
                pictures = list(encoders.map(png, images[block]))
                yield columns.slice(start, BLOCK_ROWS), pictures


def picture(pixels: np.ndarray) -> Image.Image:
    """Return an (h, w, c) uint8 image with c = 1 or 3 as a picture."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def png(pixels: np.ndarray) -> bytes:
    """Return an (h, w, c) uint8 image as a PNG file."""
    out = io.BytesIO()
    picture(pixels).save(out, "PNG")
    return out.getvalue()
