"""`ouroboros pool`: questions to a store, each in the file of its name."""

import argparse
import sys

from orchestrator.commands.base import Command, refuse
from orchestrator.commands.pool import export, gc, lineage, ls, show, sql, verify, why

QUESTIONS: dict[str, Command] = {
    "ls": ls.QUESTION,
    "show": show.QUESTION,
    "why": why.QUESTION,
    "lineage": lineage.QUESTION,
    "export": export.QUESTION,
    "verify": verify.QUESTION,
    "gc": gc.QUESTION,
    "sql": sql.QUESTION,
}
# a table that is piped is as wide as it needs, for the next program
PIPED_WIDTH = 160


def pool(command: argparse.Namespace, tokens: list[str]) -> int:
    """Answer a question; return its exit status: 0 done, 1 something is damaged.

    Raises:
        UserError: a mistake in the request.
    """
    refuse(tokens, f"what `ouroboros pool {command.subcommand} --help` lists")
    import pyarrow as pa
    from rich.console import Console

    from actors.errors import DamagedError
    from actors.pool.inspect.contents import read_contents
    from actors.pool.storage import Storage

    contents = read_contents(Storage(command.store))
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    # names and queries are shown as they are
    console = Console(width=width, markup=False, highlight=False, emoji=False)
    try:
        return QUESTIONS[command.subcommand].call(console, contents, command)
    except (DamagedError, pa.ArrowException, FileNotFoundError) as error:
        # what is left out is as long as a damaged file makes it
        said = " ".join(str(error).split())[:200]
        print(f"error: damaged: {said}; see `ouroboros pool verify`", file=sys.stderr)
        return 1


COMMAND = Command(
    summary="ask the pool: what it holds, where rows come from, whether it is whole",
    call=pool,
    subcommands=QUESTIONS,
)
