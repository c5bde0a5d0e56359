"""Tables in Parquet and Arrow IPC files, read a few rows of one column at a time."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from actors.errors import UserError

PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather", ".ipc")
# rows of a whole column that are read together
ROWS = 1 << 16

# whether any row from a first one up to another, which it leaves out, is wanted
Wanted = Callable[[int, int], bool]


@dataclass(frozen=True)
class Table:
    """Files with the same columns, row after row through the files in order.

    Attributes:
        paths: of the files, at least one.
        field: of the configuration, that messages begin with.
    """

    paths: tuple[str, ...]
    field: str

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns of the first file."""
        return self._schema(self.paths[0])

    def _schema(self, path: str) -> pa.Schema:
        """Return the columns of one of the files.

        Raises:
            UserError: it cannot be read, or several columns have one name.
        """
        with self._naming(path):
            schema = pq.read_schema(path) if _is_parquet(path) else _ipc(path, None)[0]
        name, columns = Counter(schema.names).most_common(1)[0] if schema.names else ("", 0)
        if columns > 1:
            raise UserError(
                f"{self.field}: {path!r} has {columns} columns {name!r}; allowed are names that "
                "differ"
            )
        return schema

    def check_alike(self, *names: str | None) -> None:
        """Raise UserError where a column has another type, or other classes, in another file."""
        for path in self.paths[1:]:
            schema = self._schema(path)
            for name in filter(None, names):
                first, here = (
                    (_type(s, name), class_names(s, name)) for s in (self.schema, schema)
                )
                if here != first:
                    raise UserError(
                        f"{self.field}: column {name!r} is {here[0] or 'no such column'} in "
                        f"{path!r}, but {first[0]} in {self.paths[0]!r}; allowed is one type, and "
                        "for labels the same classes"
                    )

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """The rows of each file."""
        return tuple(map(self._length, self.paths))

    def _length(self, path: str) -> int:
        with self._naming(path):
            if _is_parquet(path):
                return int(pq.read_metadata(path).num_rows)
            return sum(batch.num_rows for batch in _ipc(path, self.schema.names[0])[1])

    def column(self, name: str) -> pa.Array:
        """Return a whole column, not encoded as a dictionary."""
        arrays = [
            array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
            for _, array in self.arrays(name, ROWS)
        ]
        return pa.concat_arrays(arrays or [pa.array([], self.schema.field(name).type)])

    def arrays(
        self, name: str, rows: int, wanted: Wanted = lambda first, stop: True
    ) -> Iterator[tuple[int, pa.Array]]:
        """Yield (first row, values) of a column in order, all that have a wanted row.

        Args:
            rows: of Parquet that are in memory at a time; of Arrow, which is mapped, a batch is.
        """
        first = 0
        for path, length in zip(self.paths, self.lengths, strict=True):
            if wanted(first, first + length):
                with self._naming(path):
                    read = _parquet_arrays if _is_parquet(path) else _ipc_arrays
                    yield from read(path, name, rows, first, wanted)
            first += length

    @contextmanager
    def _naming(self, path: str) -> Iterator[None]:
        """Turn what Arrow raises about a file into one line that names it."""
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            cause = " ".join(str(error).split())[:200]
            kind = "Parquet" if _is_parquet(path) else "Arrow"
            raise UserError(f"{self.field}: {path!r} cannot be read as {kind}: {cause}") from None


def _is_parquet(path: str) -> bool:
    return Path(path).suffix.lower() not in ARROW


def _parquet_arrays(
    path: str, name: str, rows: int, first: int, wanted: Wanted
) -> Iterator[tuple[int, pa.Array]]:
    # without the map, or with pre_buffer, whole row groups would be read into memory
    file = pq.ParquetFile(path, memory_map=True, pre_buffer=False)
    for group in range(file.num_row_groups):
        stop = first + file.metadata.row_group(group).num_rows
        if wanted(first, stop):
            for batch in file.iter_batches(rows, row_groups=[group], columns=[name]):
                yield first, batch.column(0)
                first += batch.num_rows
        first = stop


def _ipc_arrays(
    path: str, name: str, rows: int, first: int, wanted: Wanted
) -> Iterator[tuple[int, pa.Array]]:
    for batch in _ipc(path, name)[1]:
        if wanted(first, first + batch.num_rows):
            yield first, batch.column(name)
        first += batch.num_rows


def _ipc(path: str, column: str | None) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the schema and the mapped record batches of an IPC file or stream."""
    source = pa.memory_map(path)
    try:
        schema = pa.ipc.open_file(source).schema
    except pa.ArrowInvalid:
        source.seek(0)  # Hugging Face datasets writes streams
        stream = pa.ipc.open_stream(source)
        return stream.schema, iter(stream)
    fields = None if column is None else [schema.get_field_index(column)]
    file = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(included_fields=fields))
    return schema, (file.get_batch(place) for place in range(file.num_record_batches))


def _type(schema: pa.Schema, name: str) -> pa.DataType | None:
    return schema.field(name).type if name in schema.names else None


def features_of(schema: pa.Schema) -> dict[str, dict[str, object]]:
    """Return what `datasets` wrote of the columns beside a schema, {} where it did not."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return {name: feature for name, feature in features.items() if isinstance(feature, dict)}


def class_names(schema: pa.Schema, column: str) -> list[str] | None:
    """Return the names of the classes that a column of labels is for, where `datasets` said so."""
    names = features_of(schema).get(column, {}).get("names")
    return names if isinstance(names, list) else None


def is_image(kind: pa.DataType) -> bool:
    """Whether a column of that type can hold images: encoded ones, or tensors of uint8."""
    if isinstance(kind, pa.FixedShapeTensorType):
        channels = kind.shape[2] if len(kind.shape) == 3 else 1
        return kind.value_type == pa.uint8() and len(kind.shape) in (2, 3) and channels in (1, 3, 4)
    if pa.types.is_struct(kind):
        return "bytes" in [field.name for field in kind] and is_image(kind.field("bytes").type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
