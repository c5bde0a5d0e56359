"""Reading Parquet and Arrow IPC files, a few rows of one column at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from actors.data.columns import check_distinct
from actors.errors import UserError

PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather", ".ipc")


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Turn what Arrow raises about a file into one line that names it."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        cause = " ".join(str(error).split())[:200]
        raise UserError(f"input: {path!r} cannot be read: {cause}") from None


def is_parquet(path: str) -> bool:
    """Whether the name says Parquet."""
    return Path(path).suffix.lower() in PARQUET


def read_schema(path: str) -> pa.Schema:
    """Return the columns of a file."""
    with _naming(path):
        schema = pq.read_schema(path) if is_parquet(path) else _batches(path, None)[0]
    check_distinct(schema, f"input: {path!r}")
    return schema


def count_rows(path: str, column: str) -> int:
    """Return how many rows a file has; `column` is one of its columns."""
    with _naming(path):
        if is_parquet(path):
            return pq.read_metadata(path).num_rows
        return sum(batch.num_rows for batch in _batches(path, column)[1])


def read_column(path: str, column: str) -> pa.ChunkedArray:
    """Return a whole column."""
    with _naming(path):
        if is_parquet(path):
            return pq.ParquetFile(path).read([column]).column(column)
        schema, batches = _batches(path, column)
        arrays = [batch.column(column) for batch in batches]
        return pa.chunked_array(arrays, schema.field(column).type)


def read_arrays(path: str, column: str, start: int, batch_rows: int) -> Iterator[pa.Array]:
    """Yield a column from row `start` on; never holds more than a batch of it in memory."""
    with _naming(path):
        if is_parquet(path):
            skip, batches = _row_groups(path, column, start, batch_rows)
        else:
            skip, batches = start, _batches(path, column)[1]
        for batch in batches:
            if skip < batch.num_rows:
                yield batch.column(column).slice(skip)
            skip = max(0, skip - batch.num_rows)


def _row_groups(
    path: str, column: str, start: int, batch_rows: int
) -> tuple[int, Iterator[pa.RecordBatch]]:
    """Return batches from the row group of row `start` on, and how many rows lie before it."""
    # without the map, or with pre_buffer, whole row groups would be read into memory
    file = pq.ParquetFile(path, memory_map=True, pre_buffer=False)
    groups = range(file.num_row_groups)
    ends = np.cumsum([file.metadata.row_group(group).num_rows for group in groups])
    first = int(np.searchsorted(ends, start, side="right"))
    skip = start - int(ends[first - 1]) if first else start
    return skip, file.iter_batches(batch_rows, row_groups=groups[first:], columns=[column])


def _batches(path: str, column: str | None) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the schema and the mapped record batches of an IPC file or stream."""
    source = pa.memory_map(path)
    try:
        schema = pa.ipc.open_file(source).schema
    except pa.ArrowInvalid:
        source.seek(0)  # Hugging Face datasets writes streams
        stream = pa.ipc.open_stream(source)
        return stream.schema, iter(stream)
    fields = None if column is None else [schema.get_field_index(column)]
    options = pa.ipc.IpcReadOptions(included_fields=fields)
    file = pa.ipc.open_file(source, options=options)
    return schema, (file.get_batch(place) for place in range(file.num_record_batches))
