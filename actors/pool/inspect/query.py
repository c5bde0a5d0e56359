"""SQL on a store: its rows, selections and steps as tables of DuckDB, read straight from Arrow."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds

from actors.errors import UserError
from actors.pool import selections, shards
from actors.pool.inspect.contents import Contents

POOL = pa.schema(
    {
        "sample_id": pa.large_string(),
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
        "sample_id": pa.large_string(),
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


def execute(contents: Contents, query: str) -> Any:
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
    connection.register("pool", _pool(contents))
    connection.register("selections", _selections(contents))
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


def _pool(contents: Contents) -> ds.Dataset:
    """Return all sample shards as one table; only the columns that a query names are read."""
    storage = contents.storage
    files = [file.path for step in contents.of_kind("sample") for file in step.tables]
    copies = [str(copy) for copy in storage.at_once(storage.local, files)]
    return ds.dataset(copies, schema=POOL, format="ipc")


def _selections(contents: Contents) -> pa.Table:
    """Return the rows of all selections, mapped."""
    tables = [SELECTIONS.empty_table()]
    for step in contents.of_kind("select"):
        table = shards.read_table(contents.storage, f"{step.path}/{selections.FILE}")
        table = table.replace_schema_metadata()
        keys = pa.DictionaryArray.from_arrays(np.zeros(table.num_rows, np.int8), [step.key])
        table = table.add_column(0, "step", keys).select(SELECTIONS.names)
        tables.append(table.cast(SELECTIONS))
    return pa.concat_tables(tables)


def _steps(contents: Contents) -> pa.Table:
    names = ("key", "kind", "source", "iteration", "seconds", "rows", "bytes")
    rows = [
        {**{name: getattr(step, name) for name in names}, "started": int(step.started * 1000)}
        for step in contents.finished.values()
    ]
    rows.sort(key=lambda row: (row["kind"], row["started"], row["key"]))
    return pa.Table.from_pylist(rows, schema=STEPS)
