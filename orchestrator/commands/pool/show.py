"""`ouroboros pool show`: show a sample, a step or a named run."""

import argparse
from typing import Any

from orchestrator.commands.pool.question import Question


def answer(console: Any, storage: Any, contents: Any, command: argparse.Namespace) -> int:
    """Answer from what a store holds; return the exit status."""
    from orchestrator.pool.showing import show

    show(console, storage, contents, command.id, command.image)
    return 0


QUESTION = Question(
    summary="show a sample, a step or a named run",
    usage="ID [--image FILE.png]",
    arguments=(
        ("id", {"metavar": "ID", "help": "sample id, beginning of a step's key, or run"}),
        ("--image", {"metavar": "FILE", "help": "new .png file with the sample, enlarged"}),
    ),
    answer=answer,
)
