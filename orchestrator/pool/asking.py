"""`pool sql`: the answer to a query as a table, or as CSV."""

import csv
import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from actors.errors import UserError
from actors.pool.inspect.contents import Contents
from actors.pool.inspect.query import execute, one_line
from actors.pool.storage import Storage

SHOWN_ROWS = 1000
ROWS_TOGETHER = 10_000


def ask(console: Console, storage: Storage, contents: Contents, query: str, as_csv: bool) -> None:
    """Print the answer to an SQL query: its first rows as a table, or all of them as CSV.

    Raises:
        UserError: DuckDB is not installed, or finds a mistake in the query.
    """
    answer = execute(storage, contents, query)
    import duckdb

    names = [column[0] for column in answer.description or ()]
    try:
        if as_csv:
            out = csv.writer(sys.stdout, lineterminator="\n")
            out.writerow(names)
            while rows := answer.fetchmany(ROWS_TOGETHER):
                out.writerows(rows)
            return
        rows = answer.fetchmany(SHOWN_ROWS + 1)
    except duckdb.Error as error:
        raise UserError(f"sql: {one_line(error)}") from None
    table = Table(*names)
    for row in rows[:SHOWN_ROWS]:
        table.add_row(*(Text("" if value is None else _cell(value)) for value in row))
    console.print(table)
    if len(rows) > SHOWN_ROWS:
        console.print(f"the first {SHOWN_ROWS:,} rows; all of them with --csv")


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
