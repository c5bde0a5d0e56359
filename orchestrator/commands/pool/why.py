"""`ouroboros pool why`: say why a sample is in the selections of a store or not."""

import argparse
from typing import Any

from orchestrator.commands.pool.question import SAMPLE, Question


def answer(console: Any, storage: Any, contents: Any, command: argparse.Namespace) -> int:
    """Answer from what a store holds; return the exit status."""
    from orchestrator.pool.explaining import explain

    explain(console, storage, contents, command.sample_id, command.selection)
    return 0


QUESTION = Question(
    summary="say why a sample is in the selections of a store or not",
    usage="SAMPLE_ID [--selection KEY]",
    arguments=(
        SAMPLE,
        ("--selection", {"metavar": "KEY", "help": "only in this select step"}),
    ),
    answer=answer,
)
