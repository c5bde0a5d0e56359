"""The subcommands of `ouroboros pool`."""

import argparse
import sys

import pyarrow as pa
from rich.console import Console

from actors.errors import DamagedError
from orchestrator.pool.opening import open_existing

# a table that is piped is as wide as it needs, for the next program
PIPED_WIDTH = 160


def run_pool(command: argparse.Namespace) -> int:
    """Carry out a subcommand; return its exit status: 0 done, 1 something is damaged.

    Raises:
        UserError: a mistake in the request.
    """
    storage, contents = open_existing(command.store)
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    # names and queries are shown as they are
    console = Console(width=width, markup=False, highlight=False, emoji=False)
    try:
        match command.subcommand:
            case "ls":
                from orchestrator.pool.listing import print_listing

                print_listing(console, storage, contents)
            case "show":
                from orchestrator.pool.showing import show

                show(console, storage, contents, command.id, command.image)
            case "why":
                from orchestrator.pool.explaining import explain

                explain(console, storage, contents, command.sample_id, command.selection)
            case "lineage":
                from orchestrator.pool.tracing import trace

                trace(console, storage, contents, command.sample_id, command.json)
            case "export":
                from orchestrator.pool.exporting import export

                export(console, storage, contents, command)
            case "sql":
                from orchestrator.pool.asking import ask

                ask(console, storage, contents, command.query, command.csv)
            case "gc":
                from orchestrator.pool.collecting import collect

                collect(console, storage, contents, command.drop, command.yes)
            case "verify":
                from orchestrator.pool.checking import verify

                return verify(console, storage, contents, command.remove)
    except (DamagedError, pa.ArrowException, FileNotFoundError) as error:
        # what is left out is as long as a damaged file makes it
        said = " ".join(str(error).split())[:200]
        print(f"error: damaged: {said}; see `ouroboros pool verify`", file=sys.stderr)
        return 1
    return 0
