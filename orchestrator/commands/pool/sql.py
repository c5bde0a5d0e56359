"""`ouroboros pool sql`: query the tables pool, selections and steps with DuckDB."""

from __future__ import annotations

import argparse
import csv
import sys
from typing import TYPE_CHECKING

from actors.errors import UserError
from orchestrator.commands.base import STORE, Command, argument, flag

if TYPE_CHECKING:
    from rich.console import Console

    from actors.pool.inspect.contents import Contents

SHOWN_ROWS = 1000
ROWS_TOGETHER = 10_000


def sql(console: Console, contents: Contents, command: argparse.Namespace) -> int:
    """Print the answer to an SQL query: its first rows as a table, or all of them as CSV.

    Raises:
        UserError: DuckDB is not installed, or finds a mistake in the query.
    """
    from rich.table import Table
    from rich.text import Text

    from actors.pool.inspect.query import execute, one_line

    answer = execute(contents, command.query)
    import duckdb

    names = [column[0] for column in answer.description or ()]
    try:
        if command.csv:
            out = csv.writer(sys.stdout, lineterminator="\n")
            out.writerow(names)
            while rows := answer.fetchmany(ROWS_TOGETHER):
                out.writerows(rows)
            return 0
        rows = answer.fetchmany(SHOWN_ROWS + 1)
    except duckdb.Error as error:
        raise UserError(f"sql: {one_line(error)}") from None
    table = Table(*names)
    for row in rows[:SHOWN_ROWS]:
        table.add_row(*(Text("" if value is None else _cell(value)) for value in row))
    console.print(table)
    if len(rows) > SHOWN_ROWS:
        console.print(f"the first {SHOWN_ROWS:,} rows; all of them with --csv")
    return 0


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


QUESTION = Command(
    summary="query the tables pool, selections and steps with DuckDB",
    call=sql,
    usage="pool sql QUERY [--csv] [--store PATH]",
    arguments=(argument("query", "QUERY", "in SQL"), flag("--csv", "all rows, as CSV"), STORE),
)
