"""The command line. Heavy libraries are imported after it is parsed, so that --help is at once."""

import atexit
import gc
import os
import sys

from orchestrator import interrupts
from orchestrator.commands import COMMANDS
from orchestrator.declarations import make_parser, separate
from orchestrator.execution import cluster


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return its exit status: 0 done, 1 a step failed, 2 a mistake in the request,
    130 interrupted, 143 by SIGTERM."""
    given = sys.argv[1:] if arguments is None else arguments
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        # fields are offered as the options that a shell asks for; it ends the process
        argcomplete.autocomplete(make_parser(fields=True), always_complete_options="long")
    interrupts.listen()
    # before any module that imports Ray
    cluster.prepare()
    # looking for garbage while libraries are imported, and at the end, takes more than a second
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)
    # `ouroboros run a.yaml --help` must not wait for the imports below
    declared, fields = separate(given)
    asks_help = bool({"-h", "--help"} & {*declared})
    command, unknown = make_parser(fields=asks_help).parse_known_args(declared)
    tokens = [*fields, *unknown]
    from actors.errors import DamagedError, StorageError, UserError

    try:
        return COMMANDS[command.command].call(command, tokens)
    except (UserError, StorageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, UserError) else 1
    except DamagedError as error:
        print(f"error: damaged: {error}; see `ouroboros pool verify`", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return interrupts.status()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
