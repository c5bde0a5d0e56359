"""Stored selections: which candidates form a training set, in which order, and where they lie."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from actors.pool import shards
from actors.pool.manifest import kind_of, read_step, tables_of
from actors.pool.pixels import Pixels
from actors.pool.storage import File, Storage

FILE = "selection.arrow"
CANDIDATES = "candidates.arrow"
ORDER = "order.arrow"

# rows that are read by position
Rows = shards.Gather | Pixels


class Ranked(Protocol):
    """Rows by rank: what a selection method gives."""

    @property
    def positions(self) -> np.ndarray:
        """(n,) int64 positions of candidates, none twice."""

    @property
    def distances(self) -> np.ndarray | None:
        """(n,) float64 distances at the picks; NaN for the first, None where there are none."""


@dataclass(frozen=True)
class StoredSelection:
    """A selection as read back.

    Attributes:
        table: the selected rows by rank: sample_id, rank, distance, position.
        samples: paths of the sample steps whose rows were selected from, in order.
        features: paths of their embed steps; in pixel space, of the sample steps themselves.
        candidates_path: the file of the candidates' positions; None if every row was one.
    """

    storage: Storage
    table: pa.Table
    samples: tuple[str, ...]
    features: tuple[str, ...]
    candidates_path: str | None

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def positions(self) -> np.ndarray:
        """(n,) int64 positions among the rows of the sample steps, by rank."""
        return self.table["position"].to_numpy()

    @cached_property
    def candidates(self) -> np.ndarray | None:
        """(m,) int64 positions of the candidates; None if every row was one."""
        if self.candidates_path is None:
            return None
        return shards.read_table(self.storage, self.candidates_path)["position"].to_numpy()

    def images(self) -> Rows:
        """Return the candidates' images, mapped."""
        return gather(self.storage, self.samples, "image")

    def labels(self) -> np.ndarray:
        """Return the (n,) int64 class labels of the selected rows, by rank; -1 for none."""
        return labels(self.storage, self.samples)[self.positions]


def gather(storage: Storage, step_paths: Sequence[str], column: str) -> Rows:
    """Return one column of tensors of all rows of some finished steps, mapped.

    The `features` of sample steps are the pixels of their images.
    """
    if column == "features" and kind_of(step_paths[0]) == "sample":
        return Pixels(gather(storage, step_paths, "image"))
    paths = [file.path for file in tables_of(storage, step_paths)]
    return shards.Gather(storage, paths, column)


def sizes(storage: Storage, step_paths: Sequence[str]) -> list[int]:
    """Return how many rows each of some finished steps has."""
    return [step.rows for step in storage.at_once(partial(read_step, storage), step_paths)]


def labels(storage: Storage, step_paths: Sequence[str]) -> np.ndarray:
    """Return the (n,) int64 class labels of all rows of some finished steps; -1 for none."""
    return rows_of(storage, step_paths, ["label"])["label"].fill_null(-1).to_numpy()


def rows_of(storage: Storage, step_paths: Sequence[str], columns: Sequence[str]) -> pa.Table:
    """Return some columns of all rows of some finished steps, read into memory."""
    files = tables_of(storage, step_paths)
    read = partial(shards.read_columns, storage, columns=columns)
    return pa.concat_tables(storage.at_once(lambda file: read(file.path), files))


def rows_at(
    storage: Storage, step_paths: Sequence[str], columns: Sequence[str], positions: np.ndarray
) -> pa.Table:
    """Return some columns of the rows at `positions` among those of some finished steps.

    Memory is what these rows take, and the columns of one file.

    Raises:
        IndexError: a position is past the last row.
    """
    files = tables_of(storage, step_paths)
    ends = np.cumsum([file.rows for file in files])
    order = np.argsort(positions, kind="stable")
    ascending = positions[order]
    # where in them the rows of each file begin
    bounds = np.searchsorted(ascending, [0, *ends])
    if bounds[0] or bounds[-1] < len(positions):
        raise IndexError(f"rows {ascending[0]} to {ascending[-1]} of {ends[-1]}")

    def take(number: int) -> pa.Table:
        first = ends[number] - (files[number].rows or 0)
        rows = ascending[bounds[number] : bounds[number + 1]] - first
        return shards.read_columns(storage, files[number].path, columns).take(pa.array(rows))

    # if there are no positions, the first file has the types of the columns
    touched = np.flatnonzero(np.diff(bounds)).tolist() or [0]
    tables = storage.at_once(take, touched)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    # shards have dictionaries of their own
    return pa.concat_tables(tables).unify_dictionaries().take(pa.array(back))


def sample_ids(storage: Storage, step_paths: Sequence[str], positions: np.ndarray) -> pa.Array:
    """Return the ids of the rows at `positions` among the samples of some finished steps."""
    return rows_at(storage, step_paths, ["sample_id"], positions)["sample_id"].combine_chunks()


def write(
    storage: Storage,
    step_path: str,
    selection: Ranked,
    *,
    samples: Sequence[str],
    features: Sequence[str],
    candidates: np.ndarray | None = None,
) -> list[File]:
    """Store a selection among the rows of some sample steps, counted through them in order.

    Args:
        candidates: (m,) int64 positions of the candidates; None if every row is one.
    """
    n, positions = len(selection.positions), selection.positions
    distances = np.full(n, np.nan) if selection.distances is None else selection.distances
    table = pa.table(
        {
            "sample_id": sample_ids(storage, samples, positions),
            "rank": pa.array(np.arange(n, dtype=np.int64)),
            "distance": pa.array(distances, from_pandas=True),
            "position": pa.array(positions, pa.int64()),
        }
    )
    origin: dict[str, Any] = {"samples": list(samples), "features": list(features)}
    records = []
    if candidates is not None:
        origin["candidates"] = f"{step_path}/{CANDIDATES}"
        drawn = pa.table({"position": pa.array(candidates, pa.int64())})
        records.append(shards.write_table(storage, origin["candidates"], drawn))
    table = table.replace_schema_metadata({"candidates": json.dumps(origin)})
    return [shards.write_table(storage, f"{step_path}/{FILE}", table), *records]


def write_order(storage: Storage, step_path: str, ranked: Ranked) -> File:
    """Store candidates in the order of picking, with the distances at the picks."""
    columns = {
        "position": pa.array(ranked.positions, pa.int64()),
        "distance": pa.array(ranked.distances, pa.float64()),
    }
    return shards.write_table(storage, f"{step_path}/{ORDER}", pa.table(columns))


def read_order(storage: Storage, step_path: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions and distances of a stored order of candidates."""
    table = shards.read_table(storage, f"{step_path}/{ORDER}")
    return table["position"].to_numpy(), table["distance"].to_numpy()


def read(storage: Storage, step_path: str) -> StoredSelection:
    """Open the selection that a finished select step stored."""
    table = shards.read_table(storage, f"{step_path}/{FILE}")
    origin = json.loads(table.schema.metadata[b"candidates"])
    samples, features = tuple(origin["samples"]), tuple(origin["features"])
    return StoredSelection(storage, table, samples, features, origin.get("candidates"))
