"""`ouroboros pool sql`: query the tables pool, selections and steps with DuckDB."""

import argparse
from typing import Any

from orchestrator.commands.pool.question import Question


def answer(console: Any, storage: Any, contents: Any, command: argparse.Namespace) -> int:
    """Answer from what a store holds; return the exit status."""
    from orchestrator.pool.asking import ask

    ask(console, storage, contents, command.query, command.csv)
    return 0


QUESTION = Question(
    summary="query the tables pool, selections and steps with DuckDB",
    usage="QUERY [--csv]",
    arguments=(
        ("query", {"metavar": "QUERY", "help": "in SQL"}),
        ("--csv", {"action": "store_true", "help": "all rows, as CSV"}),
    ),
    answer=answer,
)
