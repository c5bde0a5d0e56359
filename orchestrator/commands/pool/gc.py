"""`ouroboros pool gc`: show what no named run needs, and remove it with --yes."""

import argparse
from typing import Any

from orchestrator.commands.pool.question import Question


def answer(console: Any, storage: Any, contents: Any, command: argparse.Namespace) -> int:
    """Answer from what a store holds; return the exit status."""
    from orchestrator.pool.collecting import collect

    collect(console, storage, contents, command.drop, command.yes)
    return 0


QUESTION = Question(
    summary="show what no named run needs, and remove it with --yes",
    usage="[--drop RUN ...] [--yes]",
    arguments=(
        (
            "--drop",
            {
                "nargs": "+",
                "action": "extend",
                "default": [],
                "metavar": "RUN",
                "help": "forget these runs or sweeps first",
            },
        ),
        ("--yes", {"action": "store_true", "help": "remove it"}),
    ),
    answer=answer,
)
