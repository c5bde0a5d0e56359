"""What a command is, and what several of them do. Nothing heavy is imported: --help is at once."""

import argparse
import os
import reprlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

FIELDS_EPILOG = """\
Any field of the configuration can be given by its dotted path, as YAML. A block is laid over the
one in the file; a mapping of names, such as --arms '{a: {}, b: {seed: 1}}', takes its place:
  ouroboros run tune_configs/digits.yaml --selection.ratio 0.4 --iterations 2
"""

# a name or option, and the keywords of argparse's add_argument
Argument = tuple[str, dict[str, Any]]


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
        (
            one.option,
            {
                "dest": one.field,
                "metavar": one.placeholder,
                "help": one.meaning,
                "required": one.field in required,
            },
        )
        for one in options
    )


STORE: Argument = (
    "--store",
    {"default": "runs", "metavar": "PATH", "help": "folder or URI of the store (default runs)"},
)
SKIP_BAD: Argument = (
    "--skip-bad",
    {"action": "store_true", "help": "leave out, and list, images that are broken"},
)


@dataclass(frozen=True)
class Command:
    """A command: what it says of itself, its arguments, and the function that carries it out.

    `call` takes the parsed arguments and what was left over, and returns the exit status.
    `fields` names the schema, in fields.json, whose fields the command takes by dotted path.
    """

    summary: str
    call: Callable[[argparse.Namespace, list[str]], int]
    arguments: tuple[Argument, ...] = ()
    fields: str | None = None
    usage: str | None = None
    epilog: str | None = None
    subcommands: Mapping[str, Any] | None = None


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


def refuse(tokens: list[str], allowed: str) -> None:
    """Raise UserError for tokens of a command that takes no configuration."""
    from actors.errors import UserError

    if tokens:
        raise UserError(f"{tokens[0]!r}: unexpected; allowed are {allowed}")


def command_line(command: argparse.Namespace, tokens: list[str]) -> str:
    """Return the command line that resumes this run."""
    import shlex

    here = os.getcwd() + os.sep
    is_module = os.path.basename(sys.argv[0]) == "__main__.py"
    called = [sys.executable, "-m", "orchestrator"] if is_module else [sys.argv[0]]
    called[0] = called[0].removeprefix(here)
    return shlex.join([*called, command.command, command.config, *tokens])


def given(command: argparse.Namespace, options: tuple[FieldOption, ...]) -> list[tuple[str, Any]]:
    """Return (dotted path, value) pairs of the options that were given."""
    found: list[tuple[str, Any]] = []
    for option in options:
        value = getattr(command, option.field)
        if value is not None:
            text = f"--{option.field}={value}"
            found += [(option.field, value)] if option.is_text else parse_overrides([text])
    return [*found, ("skip_bad", True)] if command.skip_bad else found
