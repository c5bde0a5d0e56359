"""`ouroboros pool ls`: list the pool's rows, the named runs, and totals."""

import argparse
from typing import Any

from orchestrator.commands.pool.question import Question


def answer(console: Any, storage: Any, contents: Any, command: argparse.Namespace) -> int:
    """Answer from what a store holds; return the exit status."""
    from orchestrator.pool.listing import print_listing

    print_listing(console, storage, contents)
    return 0


QUESTION = Question(
    summary="list the pool's rows, the named runs, and totals",
    usage="",
    arguments=(),
    answer=answer,
)
