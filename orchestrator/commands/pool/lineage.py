"""`ouroboros pool lineage`: show what is behind a sample, back to real rows."""

import argparse
from typing import Any

from orchestrator.commands.pool.question import SAMPLE, Question


def answer(console: Any, storage: Any, contents: Any, command: argparse.Namespace) -> int:
    """Answer from what a store holds; return the exit status."""
    from orchestrator.pool.tracing import trace

    trace(console, storage, contents, command.sample_id, command.json)
    return 0


QUESTION = Question(
    summary="show the models and training sets behind a sample, back to real rows",
    usage="SAMPLE_ID [--json]",
    arguments=(
        SAMPLE,
        ("--json", {"action": "store_true", "help": "as JSON"}),
    ),
    answer=answer,
)
