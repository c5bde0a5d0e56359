"""What a command is, and what several of them do. Nothing heavy is imported: --help is at once."""

from __future__ import annotations

import argparse
import os
import reprlib
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from actors.errors import UserError

if TYPE_CHECKING:
    from actors.pool.storage import Storage
    from orchestrator.named_runs import NamedRun

FIELDS_EPILOG = """\
Any field of the configuration can be given by its dotted path, as YAML. A block is laid over the
one in the file; a mapping of names, such as --arms '{a: {}, b: {seed: 1}}', takes its place:
  ouroboros run tune_configs/digits.yaml --selection.ratio 0.4 --iterations 2
"""

# a name or option, and the keywords of argparse's add_argument
Argument = tuple[str, dict[str, Any]]


def argument(name: str, metavar: str, meaning: str, **keywords: Any) -> Argument:
    """Return a name or an option that takes a value."""
    return name, {"metavar": metavar, "help": meaning, **keywords}


def flag(name: str, meaning: str) -> Argument:
    """Return an option that takes no value."""
    return name, {"action": "store_true", "help": meaning}


STORE = argument("--store", "PATH", "folder or URI of the store (default runs)", default="runs")
SAMPLE = argument("sample_id", "SAMPLE_ID", "id of a row of the pool")
SKIP_BAD = flag("--skip-bad", "leave out, and list, images that are broken")


class FieldOption(NamedTuple):
    """An option that is short for a field; what is text is never read as YAML."""

    option: str
    field: str
    placeholder: str
    is_text: bool
    meaning: str


def arguments_of(
    options: tuple[FieldOption, ...], required: tuple[str, ...] = ()
) -> tuple[Argument, ...]:
    """Return the arguments that declare options short for fields."""
    return tuple(
        argument(o.option, o.placeholder, o.meaning, dest=o.field, required=o.field in required)
        for o in options
    )


@dataclass(frozen=True)
class Command:
    """A command or subcommand: its help, its arguments, and the function that carries it out.

    Attributes:
        call: takes the parsed arguments and what was left over, and returns the exit status; of a
            subcommand it takes what its command gives it.
        fields: names the schema, in fields.json, whose fields it takes by dotted path.
        one_of: options of which exactly one has to be given.
    """

    summary: str
    call: Callable[..., int]
    arguments: tuple[Argument, ...] = ()
    fields: str | None = None
    usage: str | None = None
    epilog: str | None = None
    one_of: tuple[str, ...] = ()
    subcommands: Mapping[str, Command] | None = None


def locate_store(uri: str) -> Storage:
    """Return the store at a URI or path, paths made absolute; nothing is read or written."""
    from actors.pool.storage import Storage

    return Storage(os.path.abspath(uri) if "://" not in uri else uri.rstrip("/"))


def counted(number: int, noun: str) -> str:
    """Return e.g. "1 step", "1,200 steps"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def newest(runs: list[NamedRun]) -> NamedRun:
    """Return the first of the runs that a name means; where there are more, print which it is."""
    if len(runs) > 1:
        print(f"{len(runs)} have this name; this is the newest, {runs[0].folder}")
    return runs[0]


def parse_overrides(tokens: list[str]) -> list[tuple[str, Any]]:
    """Return (dotted path, value) pairs of `--path value` and `--path=value`.

    Raises:
        UserError: a token is no option, or an option has no value.
    """
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


def refuse(tokens: list[str], allowed: str) -> None:
    """Raise UserError for tokens of a command that takes no configuration."""
    if tokens:
        raise UserError(f"{tokens[0]!r}: unexpected; allowed are {allowed}")


def command_line(command: argparse.Namespace, tokens: list[str]) -> str:
    """Return the command line that resumes this run; inside a job, the one that submits it."""
    from orchestrator.execution.submission import resubmission

    if submitted := resubmission():
        return submitted
    here = os.getcwd() + os.sep
    is_module = os.path.basename(sys.argv[0]) == "__main__.py"
    called = [sys.executable, "-m", "orchestrator"] if is_module else [sys.argv[0]]
    called[0] = called[0].removeprefix(here)
    return shlex.join([*called, command.command, command.config, *tokens])


def given(command: argparse.Namespace, options: tuple[FieldOption, ...]) -> list[tuple[str, Any]]:
    """Return (dotted path, value) pairs of the options that were given."""
    pairs: list[tuple[str, Any]] = []
    for option in options:
        value = getattr(command, option.field)
        if value is not None:
            text = f"--{option.field}={value}"
            pairs += [(option.field, value)] if option.is_text else parse_overrides([text])
    return [*pairs, ("skip_bad", True)] if command.skip_bad else pairs
