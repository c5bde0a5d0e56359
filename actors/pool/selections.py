"""Stored selections: which candidates form a training set, in which order, and where they lie."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from actors.pool import shards
from actors.pool.step import files_of
from actors.pool.storage import Storage

FILE = "selection.arrow"


@dataclass(frozen=True)
class StoredSelection:
    """A selection as read back.

    Attributes:
        positions: (n,) int64 positions among the candidates, by rank.
        samples: paths of the sample steps that are the candidates, in order.
        features: paths of their embed steps.
    """

    storage: Storage
    positions: np.ndarray
    samples: tuple[str, ...]
    features: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.positions)

    def images(self) -> shards.Gather:
        """Return the candidates' images, mapped."""
        return gather(self.storage, self.samples, "image")

    def selected_features(self) -> np.ndarray:
        """Return the (n, d) float32 features of the selected rows, by rank."""
        return gather(self.storage, self.features, "features")[self.positions]


def gather(storage: Storage, step_paths: Sequence[str], column: str) -> shards.Gather:
    """Return one column of all rows of some finished steps, mapped."""
    paths = [file for path in step_paths for file in files_of(storage, path)]
    return shards.Gather(storage, paths, column)


def sample_ids(storage: Storage, step_paths: Sequence[str], positions: np.ndarray) -> pa.Array:
    """Return the ids of the rows at `positions` among the samples of some finished steps."""
    columns = [
        shards.read_table(storage, file).column("sample_id")
        for path in step_paths
        for file in files_of(storage, path)
    ]
    chunks = [chunk for column in columns for chunk in column.chunks]
    return pa.chunked_array(chunks).take(pa.array(positions)).combine_chunks()


def write(
    storage: Storage,
    step_path: str,
    *,
    positions: np.ndarray,
    distances: np.ndarray | None,
    samples: Sequence[str],
    features: Sequence[str],
) -> dict[str, Any]:
    """Store a selection; `distances` are those at which rows were picked, NaN where undefined."""
    n = len(positions)
    picked_at = (
        pa.nulls(n, pa.float64()) if distances is None else pa.array(distances, from_pandas=True)
    )
    table = pa.table(
        {
            "sample_id": sample_ids(storage, samples, positions),
            "rank": pa.array(np.arange(n, dtype=np.int64)),
            "distance": picked_at,
            "position": pa.array(positions, pa.int64()),
        }
    )
    origin = {"samples": list(samples), "features": list(features)}
    table = table.replace_schema_metadata({"candidates": json.dumps(origin)})
    return shards.write_table(storage, f"{step_path}/{FILE}", table)


def read(storage: Storage, step_path: str) -> StoredSelection:
    """Open the selection that a finished select step stored."""
    table = shards.read_table(storage, f"{step_path}/{FILE}")
    origin = json.loads(table.schema.metadata[b"candidates"])
    return StoredSelection(
        storage,
        table.column("position").to_numpy(),
        tuple(origin["samples"]),
        tuple(origin["features"]),
    )
