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
from actors.selection.selection import Selection

FILE = "selection.arrow"
REASONS = "reasons.arrow"
ORDER = "order.arrow"


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

    def labels(self) -> np.ndarray:
        """Return the (n,) int64 class labels of the selected rows, by rank; -1 for none."""
        return labels(self.storage, self.samples)[self.positions]

    def selected_features(self) -> np.ndarray:
        """Return the (n, d) float32 features of the selected rows, by rank."""
        return gather(self.storage, self.features, "features")[self.positions]


def gather(storage: Storage, step_paths: Sequence[str], column: str) -> shards.Gather:
    """Return one column of all rows of some finished steps, mapped."""
    paths = [file for path in step_paths for file in files_of(storage, path)]
    return shards.Gather(storage, paths, column)


def labels(storage: Storage, step_paths: Sequence[str]) -> np.ndarray:
    """Return the (n,) int64 class labels of all rows of some finished steps; -1 for none."""
    columns = [
        shards.read_table(storage, file).column("label")
        for path in step_paths
        for file in files_of(storage, path)
    ]
    every = pa.chunked_array([chunk for column in columns for chunk in column.chunks])
    return every.fill_null(-1).to_numpy()


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
    selection: Selection,
    *,
    samples: Sequence[str],
    features: Sequence[str],
) -> list[dict[str, Any]]:
    """Store a selection with its reasons, which it must have."""
    assert selection.reasons is not None
    n, positions = len(selection.positions), selection.positions
    covered_by = selection.reasons.covered_by
    ids = sample_ids(storage, samples, np.arange(len(covered_by)))
    distances = np.full(n, np.nan) if selection.distances is None else selection.distances
    table = pa.table(
        {
            "sample_id": ids.take(pa.array(positions)),
            "rank": pa.array(np.arange(n, dtype=np.int64)),
            "distance": pa.array(distances, from_pandas=True),
            "position": pa.array(positions, pa.int64()),
        }
    )
    origin = {"samples": list(samples), "features": list(features)}
    table = table.replace_schema_metadata({"candidates": json.dumps(origin)})
    left_out = np.ones(len(covered_by), bool)
    left_out[positions] = False
    rank = np.zeros(len(covered_by), np.int64)
    rank[positions] = np.arange(n)
    distance = selection.reasons.distances.copy()
    distance[positions] = distances
    reasons = pa.table(
        {
            "sample_id": ids,
            "rank": pa.array(rank, mask=left_out),
            "distance": pa.array(distance, from_pandas=True),
            "covered_by": ids.take(pa.array(covered_by, mask=~left_out)),
        }
    )
    return [
        shards.write_table(storage, f"{step_path}/{FILE}", table),
        shards.write_table(storage, f"{step_path}/{REASONS}", reasons),
    ]


def write_order(storage: Storage, step_path: str, ranked: Selection) -> dict[str, Any]:
    """Store all candidates in the order of picking, with the distances at the picks."""
    columns = {
        "position": pa.array(ranked.positions, pa.int64()),
        "distance": pa.array(ranked.distances, pa.float64()),
    }
    return shards.write_table(storage, f"{step_path}/{ORDER}", pa.table(columns))


def read_order(storage: Storage, step_path: str, rows: int) -> Selection:
    """Return the first `rows` of a stored order."""
    table = shards.read_table(storage, f"{step_path}/{ORDER}").slice(0, rows)
    return Selection(table["position"].to_numpy(), table["distance"].to_numpy())


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
