"""What a question to the pool is: a subcommand of `ouroboros pool`."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orchestrator.commands.base import Argument

SAMPLE: Argument = ("sample_id", {"metavar": "SAMPLE_ID", "help": "id of a row of the pool"})


@dataclass(frozen=True)
class Question:
    """A subcommand of `pool`: what it says of itself, its arguments, and what answers.

    `answer` takes a console, the store, its contents and the parsed arguments, and returns the
    exit status. One of the options in `one_of`, and no two, has to be given.
    """

    summary: str
    usage: str
    arguments: tuple[Argument, ...]
    answer: Callable[[Any, Any, Any, argparse.Namespace], int]
    one_of: tuple[str, ...] = ()
    epilog: str | None = None
