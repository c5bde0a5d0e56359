"""The command line. Heavy libraries are imported after it is parsed, so that --help is at once."""

import argparse
import atexit
import gc
import os
import reprlib
import sys
from typing import Any

from orchestrator import interrupts
from orchestrator.declarations import CURATE_OPTIONS, EVALUATE_OPTIONS, make_parser, separate
from orchestrator.execution import cluster


def parse_overrides(tokens: list[str]) -> list[tuple[str, Any]]:
    """Return (dotted path, value) pairs of `--path value` and `--path=value`.

    Raises:
        UserError: a token is no option, or an option has no value.
    """
    from actors.errors import UserError
    from orchestrator.yaml_files import parse_yaml

    overrides = []
    rest = iter(tokens)
    for token in rest:
        if not token.startswith("--") or token == "--":
            raise UserError(f"{token!r}: unexpected; fields are given as --field.path VALUE")
        path, equals, text = token.removeprefix("--").partition("=")
        value = text if equals else next(rest, None)
        if value is None:
            raise UserError(f"--{path}: no value; fields are given as --{path} VALUE")
        overrides.append((path, parse_yaml(value, f"--{path}: found {reprlib.repr(value)}")))
    return overrides


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return its exit status: 0 done, 1 a step failed, 2 a mistake in the request,
    130 interrupted, 143 by SIGTERM."""
    interrupts.listen()
    # before any module that imports Ray
    cluster.prepare()
    # looking for garbage while libraries are imported, and at the end, takes more than a second
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)
    # `ouroboros run a.yaml --help` must not wait for the imports below
    declared, fields = separate(sys.argv[1:] if arguments is None else arguments)
    command, unknown = make_parser().parse_known_args(declared)
    tokens = [*fields, *unknown]
    from actors.errors import DamagedError, StorageError, UserError

    try:
        return COMMANDS[command.command](command, tokens)
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


def _plan(command: argparse.Namespace, tokens: list[str]) -> int:
    from orchestrator import commands, config

    return commands.plan(config.load(command.config, parse_overrides(tokens)))


def _run(command: argparse.Namespace, tokens: list[str]) -> int:
    overrides = parse_overrides(tokens)
    from orchestrator import commands, config

    return commands.run(config.load(command.config, overrides), _again(command, tokens))


def _why(command: argparse.Namespace, tokens: list[str]) -> int:
    _refuse(tokens, "SAMPLE_ID --selection PATH")
    from actors.curation.why import why

    print(f"{command.sample_id}: {why(command.selection, command.sample_id)}")
    return 0


def _curate(command: argparse.Namespace, tokens: list[str]) -> int:
    overrides = [*_given(command, CURATE_OPTIONS), *parse_overrides(tokens)]
    from orchestrator.curate import load, run_curate

    return run_curate(load([("input", command.input), *overrides]))


def _evaluate(command: argparse.Namespace, tokens: list[str]) -> int:
    overrides = [*_given(command, EVALUATE_OPTIONS), *parse_overrides(tokens)]
    from orchestrator.evaluate import load, run_evaluate

    return run_evaluate(load(overrides))


def _sweep(command: argparse.Namespace, tokens: list[str]) -> int:
    overrides = parse_overrides(tokens)
    from orchestrator import commands

    again = _again(command, [*tokens, *["--fail-fast"] * command.fail_fast])
    return commands.sweep(command.config, overrides, again, command.fail_fast)


def _report(command: argparse.Namespace, tokens: list[str]) -> int:
    _refuse(tokens, "RUN_OR_SWEEP, --store, --out and --figures")
    from orchestrator import commands

    return commands.report(command.name, command.store, command.out, command.figures)


def _pool(command: argparse.Namespace, tokens: list[str]) -> int:
    _refuse(tokens, f"what `ouroboros pool {command.subcommand} --help` tells")
    from orchestrator.pool.commands import run_pool

    return run_pool(command)


def _refuse(tokens: list[str], allowed: str) -> None:
    """Raise UserError for tokens of a command that takes no configuration."""
    from actors.errors import UserError

    if tokens:
        raise UserError(f"{tokens[0]!r}: unexpected; allowed are {allowed}")


COMMANDS = {
    "run": _run,
    "plan": _plan,
    "why": _why,
    "curate": _curate,
    "evaluate": _evaluate,
    "sweep": _sweep,
    "report": _report,
    "pool": _pool,
}


def _given(
    command: argparse.Namespace, options: tuple[tuple[str, str, str, bool, str], ...]
) -> list[tuple[str, Any]]:
    """Return (dotted path, value) pairs of the options that were given."""
    given: list[tuple[str, Any]] = []
    for _, field, _, is_text, _ in options:
        value = getattr(command, field)
        if value is not None:
            given += [(field, value)] if is_text else parse_overrides([f"--{field}={value}"])
    return [*given, ("skip_bad", True)] if command.skip_bad else given


def _again(command: argparse.Namespace, tokens: list[str]) -> str:
    """Return the command line that goes on with this run."""
    import shlex

    here = os.getcwd() + os.sep
    is_module = os.path.basename(sys.argv[0]) == "__main__.py"
    called = [sys.executable, "-m", "orchestrator"] if is_module else [sys.argv[0]]
    called[0] = called[0].removeprefix(here)
    return shlex.join([*called, command.command, command.config, *tokens])
