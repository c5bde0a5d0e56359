"""Shards: Arrow IPC files of a fixed row range, written whole and read memory-mapped."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from actors.pool import schema
from actors.pool.storage import File, Storage

# that a Gather keeps mapped: Linux gives a process 65,530 mappings for everything
MAPPED_SHARDS = 8192


# a step is cut into so many shards, where that makes them neither small nor large
SHARDS = 128
FEWEST_ROWS, MOST_ROWS, MOST_BYTES = 1 << 10, 1 << 16, 1 << 26


def default_rows(rows: int, image_shape: Sequence[int]) -> int:
    """Return how many rows a shard has of a step of so many uint8 images.

    Nothing else decides, so that whoever does the work cuts it in the same way.
    """
    wanted = min(max(FEWEST_ROWS, math.ceil(rows / SHARDS)), MOST_ROWS)
    return max(1, min(wanted, MOST_BYTES // math.prod(image_shape)))


def ranges(rows: int, shard_rows: int) -> Iterator[tuple[int, int]]:
    """Yield the fixed (start, stop) row ranges that a step's output is cut into."""
    for start in range(0, rows, shard_rows):
        yield start, min(start + shard_rows, rows)


def shard_path(step_path: str, start: int) -> str:
    """Return where the shard that begins at sample `start` lies."""
    return f"{step_path}/rows-{start:09d}.arrow"


def write_table(storage: Storage, path: str, table: pa.Table) -> File:
    """Write one table as one record batch; return the file's record."""

    def fill(temporary: Path) -> None:
        with pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
            out.write_table(table.combine_chunks())

    return replace(storage.write(path, fill), rows=table.num_rows)


def read_table(storage: Storage, path: str) -> pa.Table:
    """Open a table memory-mapped; no column is copied."""
    with pa.memory_map(str(storage.local(path))) as source:
        return pa.ipc.open_file(source).read_all()


def read_columns(storage: Storage, path: str, columns: Sequence[str]) -> pa.Table:
    """Read some columns of a table into memory, and nothing of the others."""
    with pa.OSFile(str(storage.local(path))) as source:
        names = pa.ipc.open_file(source).schema.names
        fields = [names.index(column) for column in columns]
        options = pa.ipc.IpcReadOptions(included_fields=fields)
        return pa.ipc.open_file(source, options=options).read_all().select(columns)


def tensor(table: pa.Table, column: str) -> np.ndarray:
    """Return a fixed-shape tensor column as a read-only (n, ...) view of the mapped file."""
    (chunk,) = table.column(column).chunks  # a shard is one record batch
    return chunk.to_numpy_ndarray()


def feature_table(features: np.ndarray) -> pa.Table:
    """Return (n, d) float32 features as a table of one tensor column."""
    return pa.table({"features": schema.tensor_array(features.astype(np.float32, copy=False))})


class Gather:
    """Rows picked out of mapped shards by position, in any order, without loading the rest.

    Of very many shards only the first stay mapped; the others are for as long as they are read.
    """

    def __init__(self, storage: Storage, paths: Sequence[str], column: str) -> None:
        self._storage, self._column = storage, column
        self._mapped = storage.at_once(self._map, paths[:MAPPED_SHARDS])
        self._others = paths[MAPPED_SHARDS:]
        self.shape: tuple[int, ...] = self._mapped[0].shape[1:]
        self.dtype = self._mapped[0].dtype
        self._row_bytes = self.dtype.itemsize * math.prod(self.shape)
        others = storage.at_once(lambda path: len(self._map(path)), self._others)
        sizes = np.array([*map(len, self._mapped), *others])
        self._bounds = np.concatenate([[0], np.cumsum(sizes)])
        self._ends = self._bounds[1:].astype(np.uint64)
        addresses = np.array([shard.ctypes.data for shard in self._mapped])
        mapped = len(self._mapped)
        self._rows = _rows_anywhere(addresses, sizes[:mapped], self._row_bytes)
        # where row 0 would begin in it if a shard's rows before its first one were there too
        self._origins = addresses - addresses.min() - self._bounds[:mapped] * self._row_bytes

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        """Return the (n, ...) rows at (n,) positions, counted through the shards in order.

        Raises:
            IndexError: a position is negative or past the last row.
        """
        positions = np.asarray(positions, np.int64)
        # without sign, what is negative lies past the end as well
        shard = self._ends.searchsorted(positions.view(np.uint64), side="right")
        if shard.max(initial=0) == len(self._ends):
            raise IndexError(f"rows {positions.min()} to {positions.max()} of {len(self)}")
        if self._others:
            return self._gather(positions, shard)
        return self._take(positions, shard)

    def all(self) -> np.ndarray:
        """Return every row, (n, ...), as one array."""
        rows = np.empty((len(self), *self.shape), self.dtype)
        for number, (start, stop) in enumerate(pairwise(self._bounds)):
            rows[start:stop] = self._shard(number)
        return rows

    def _take(self, positions: np.ndarray, shard: np.ndarray) -> np.ndarray:
        """Return rows of mapped shards."""
        rows = self._rows[self._origins[shard] + positions * self._row_bytes]
        return rows.view(self.dtype).reshape(-1, *self.shape)

    def _gather(self, positions: np.ndarray, shard: np.ndarray) -> np.ndarray:
        """Return rows of any shards."""
        rows = np.empty((len(positions), *self.shape), self.dtype)
        is_mapped = shard < len(self._mapped)
        rows[is_mapped] = self._take(positions[is_mapped], shard[is_mapped])
        left = np.flatnonzero(~is_mapped)
        left = left[np.argsort(shard[left], kind="stable")]
        touched, begins = np.unique(shard[left], return_index=True)
        for number, where in zip(touched.tolist(), np.split(left, begins)[1:], strict=True):
            rows[where] = self._shard(number)[positions[where] - self._bounds[number]]
        return rows

    def _shard(self, number: int) -> np.ndarray:
        mapped = len(self._mapped)
        if number < mapped:
            return self._mapped[number]
        return self._map(self._others[number - mapped])

    def _map(self, path: str) -> np.ndarray:
        return tensor(read_table(self._storage, path), self._column)


def _rows_anywhere(addresses: np.ndarray, sizes: np.ndarray, row_bytes: int) -> np.ndarray:
    """Return a view whose element i is the row that begins i bytes after the lowest address.

    numpy then copies rows out of any number of mapped files in one call. It covers what lies
    between the files too: only offsets at which rows begin may be used, while the files are mapped.
    """
    first = int(addresses.min())
    last = int((addresses + (sizes - 1) * row_bytes).max())
    interface = {
        "data": (first, True),
        "shape": (last - first + 1,),
        "strides": (1,),
        "typestr": f"|V{row_bytes}",
        "version": 3,
    }
    return np.asarray(SimpleNamespace(__array_interface__=interface))
