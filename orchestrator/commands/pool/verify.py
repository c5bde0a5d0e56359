"""`ouroboros pool verify`: read every file and say what is damaged."""

import argparse
from typing import Any

from orchestrator.commands.pool.question import Question


def answer(console: Any, storage: Any, contents: Any, command: argparse.Namespace) -> int:
    """Answer from what a store holds; return the exit status."""
    from orchestrator.pool.checking import verify

    return verify(console, storage, contents, command.remove)


QUESTION = Question(
    summary="read every file and say what is damaged; the exit status is 1 if anything is",
    usage="[--remove]",
    arguments=(
        (
            "--remove",
            {
                "action": "store_true",
                "help": "forget damaged steps, so that the next run does them again",
            },
        ),
    ),
    answer=answer,
)
