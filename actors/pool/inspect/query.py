"""SQL on a store: its rows, selections and steps as tables of DuckDB, read straight from Arrow."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds

from actors.errors import UserError
from actors.pool import shards
from actors.pool.inspect.contents import Contents, Finished
from actors.pool.selections import FILE
from actors.pool.storage import Storage

POOL = pa.schema(
    {
        "sample_id": pa.string(),
        "source": pa.dictionary(pa.int32(), pa.string()),
        "iteration": pa.int32(),
        "step": pa.dictionary(pa.int32(), pa.string()),
        "seed": pa.int64(),
        "label": pa.int64(),
    }
)
SELECTIONS = pa.schema(
    {
        "step": pa.dictionary(pa.int8(), pa.string()),
        "sample_id": pa.string(),
        "rank": pa.int64(),
        "distance": pa.float64(),
    }
)
STEPS = pa.schema(
    {
        "key": pa.string(),
        "kind": pa.string(),
        "source": pa.string(),
        "iteration": pa.int32(),
        "seconds": pa.float64(),
        "rows": pa.int64(),
        "bytes": pa.int64(),
        "started": pa.timestamp("ms", tz="UTC"),
    }
)
# nothing but the three tables can be read, and no file written, whatever the query says
CLOSED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "lock_configuration": "true",
}


def execute(storage: Storage, contents: Contents, query: str) -> Any:
    """Run a query on the tables `pool`, `selections` and `steps`; return DuckDB's open result.

    Raises:
        UserError: DuckDB is not installed, or does not take the query.
    """
    try:
        import duckdb
    except ImportError:
        raise UserError(
            "sql: DuckDB is not installed; get it with: pip install 'ouroboros-loop[sql]'"
        ) from None
    connection = duckdb.connect(":memory:")
    connection.register("pool", _pool(storage, contents))
    connection.register("selections", _selections(storage, contents))
    connection.register("steps", _steps(contents))
    try:
        for name, value in CLOSED.items():
            connection.execute(f"SET {name} = {value}")
        return connection.execute(query)
    except duckdb.Error as error:
        raise UserError(f"sql: {one_line(error)}") from None


def one_line(error: Exception) -> str:
    """Return what DuckDB says, without the picture of where in the query."""
    return " ".join(str(error).split("\n\nLINE ")[0].split())


def _pool(storage: Storage, contents: Contents) -> ds.Dataset:
    """Return all sample shards as one table; only the columns that a query names are read."""
    files = [
        str(storage.local(record["path"]))
        for step in contents.of_kind("sample")
        for record in step.files
        if "rows" in record
    ]
    return ds.dataset(files, schema=POOL, format="ipc")


def _selections(storage: Storage, contents: Contents) -> pa.Table:
    """Return the rows of all selections, mapped."""
    tables = [_selection(storage, step) for step in contents.of_kind("select")]
    return pa.concat_tables(tables) if tables else SELECTIONS.empty_table()


def _selection(storage: Storage, step: Finished) -> pa.Table:
    table = shards.read_table(storage, f"{step.path}/{FILE}").replace_schema_metadata()
    keys = pa.DictionaryArray.from_arrays(np.zeros(table.num_rows, np.int8), [step.key])
    return table.add_column(0, "step", keys).select(SELECTIONS.names).cast(SELECTIONS)


def _steps(contents: Contents) -> pa.Table:
    every = [
        {
            "key": step.key,
            "kind": step.kind,
            "source": step.source,
            "iteration": step.iteration,
            "seconds": step.manifest["seconds"],
            "rows": step.rows,
            "bytes": step.bytes,
            "started": int(step.manifest["started"] * 1000),
        }
        for kind in sorted({step.kind for step in contents.finished.values()})
        for step in contents.of_kind(kind)
    ]
    return pa.Table.from_pylist(every, schema=STEPS)
