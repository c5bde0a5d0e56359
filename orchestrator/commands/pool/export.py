"""`ouroboros pool export`: write a training set, or the rows of a source."""

import argparse
from typing import Any

from orchestrator.commands.pool.question import Question

EPILOG = """\
Give one of --selection, --run and --source:
  ouroboros pool export --run digits --arm greedy --iteration 3 --to train.parquet
  ouroboros pool export --source ddpm --iteration 2 --to samples
"""


def answer(console: Any, storage: Any, contents: Any, command: argparse.Namespace) -> int:
    """Answer from what a store holds; return the exit status."""
    from orchestrator.pool.exporting import export

    export(console, storage, contents, command)
    return 0


QUESTION = Question(
    summary="write a training set, or the rows of a source, as Parquet or as a folder of images",
    usage="(--selection KEY | --run NAME --arm ARM --iteration N | --source S) --to OUT",
    arguments=(
        ("--run", {"metavar": "NAME", "help": "run whose training set it is"}),
        ("--selection", {"metavar": "KEY", "help": "key of a select step"}),
        ("--source", {"metavar": "S", "help": "real, fresh or a generator's name"}),
        ("--arm", {"metavar": "ARM", "help": "arm of the run"}),
        ("--iteration", {"type": int, "metavar": "N", "help": "iteration of the run or source"}),
        ("--generator", {"metavar": "G", "help": "one with a training set of its own"}),
        ("--to", {"required": True, "metavar": "OUT", "help": "new .parquet file, or folder"}),
    ),
    answer=answer,
    one_of=("--run", "--selection", "--source"),
    epilog=EPILOG,
)
