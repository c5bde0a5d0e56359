"""Small inputs of every kind, written for a test."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from actors.data.files import walk
from actors.features.images import Images, open_images
from actors.features.pixels import Pixels


def features(rows: int = 40, dimension: int = 3, seed: int = 0) -> np.ndarray:
    """Return (rows, dimension) float32 normal rows."""
    return np.random.default_rng(seed).normal(size=(rows, dimension)).astype(np.float32)


def parquet(file: Path, values: np.ndarray | list, **columns: Any) -> str:
    """Write vectors as the column `embedding`, in row groups of 7, beside others."""
    table = pa.table({"embedding": list(values), **columns})
    pq.write_table(table, file, row_group_size=7)
    return str(file)


def arrow(file: Path, table: pa.Table, compression: str | None = None) -> str:
    """Write an Arrow IPC file in batches of 9 rows."""
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(str(file), table.schema, options=options) as out:
        out.write_table(table, max_chunksize=9)
    return str(file)


def images(root: Path, *, side: int = 4, mode: str = "L", count: int = 6) -> Path:
    """Write random images into the subfolders a and b, and return the root."""
    rng = np.random.default_rng(1)
    channels = {"L": (), "RGB": (3,), "RGBA": (4,)}[mode]
    for index in range(count):
        file = root / "ab"[index % 2] / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (side, side, *channels), np.uint8)
        Image.fromarray(pixels).save(file)
    return root


def folder(root: Path, **options: Any) -> Images:
    """Open a folder of images."""
    return open_images(str(root), walk(str(root)).names, Pixels(), **options)
