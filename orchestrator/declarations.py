"""The parser of all commands. No heavy library is imported here: --help is at once."""

import argparse
import json
from pathlib import Path
from typing import Any

from orchestrator.commands import COMMANDS
from orchestrator.commands.base import FIELDS_EPILOG, Command

# what `python -m orchestrator.fields` wrote: the fields of every schema
FIELDS = Path(__file__).parent / "fields.json"
YAML_SUFFIXES = ("yaml", "yml")


class Version(argparse.Action):
    """Print the version of the installed package, which is looked up only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        import importlib.metadata

        print(f"ouroboros {importlib.metadata.version('ouroboros-loop')}")
        parser.exit()


def separate(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return what a command declares, and the fields given by dotted path with their values.

    argparse does not know that a field takes a value, so that it would take the 2 of
    `run --iterations 2 x.yaml` for the file.
    """
    if not arguments or arguments[0] not in COMMANDS or not COMMANDS[arguments[0]].fields:
        return arguments, []
    options = dict(COMMANDS[arguments[0]].arguments)
    without = {name for name, details in options.items() if "action" in details}
    with_value = {name for name in options if name.startswith("-")} - without
    declared = arguments[:1]
    fields: list[str] = []
    rest = iter(arguments[1:])
    for token in rest:
        name, equals, _ = token.partition("=")
        known = name in with_value or name in without or name in ("-h", "--help")
        is_field = token.startswith("--") and token != "--" and not known
        target = fields if is_field else declared
        target.append(token)
        if (is_field or name in with_value) and not equals:
            target += [value for value in [next(rest, None)] if value is not None]
    return declared, fields


def make_parser(*, fields: bool = False) -> argparse.ArgumentParser:
    """Return the parser of all commands; what it leaves over is for the configuration.

    Args:
        fields: whether fields are listed as options too, as help and completion want it.
    """
    parser = argparse.ArgumentParser(
        prog="ouroboros",
        description="Self-consuming loops of generative models, with entropy-based selection.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=FIELDS_EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listed = json.loads(FIELDS.read_text(encoding="utf-8")) if fields else {}
    for name, command in COMMANDS.items():
        _add(commands, name, command, listed)
    return parser


def _yaml_files(prefix: str, **_: Any) -> list[str]:
    """Return the YAML files and folders that a path may go on to."""
    from argcomplete.completers import FilesCompleter

    return list(FilesCompleter(YAML_SUFFIXES)(prefix))


def _add(commands: Any, name: str, command: Command, listed: dict[str, Any]) -> None:
    """Add a command with its arguments, its subcommands, and its fields where these are listed."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=command.summary,
        description=command.summary,
        usage=f"ouroboros {command.usage}" if command.usage else None,
        epilog=command.epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    one_of = parser.add_mutually_exclusive_group(required=True) if command.one_of else parser
    for argument, details in command.arguments:
        target = one_of if argument in command.one_of else parser
        action = target.add_argument(argument, **details)
        if argument == "config":
            action.completer = _yaml_files  # type: ignore[attr-defined]
        if action.metavar == "KIND" and command.fields in listed:
            kinds = listed[command.fields][action.dest]["choices"]
            action.help = f"{action.help}: {', '.join(kinds)}"
    if command.subcommands:
        subcommands = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
        for sub, question in command.subcommands.items():
            _add(subcommands, sub, question, listed)
    if command.fields in listed:
        _add_fields(parser, listed[command.fields], dict(command.arguments))


def _add_fields(
    parser: argparse.ArgumentParser, fields: dict[str, dict[str, Any]], reserved: dict[str, Any]
) -> None:
    """Add the fields of a schema as options, a group for each block; none is required."""
    groups: dict[str, Any] = {}
    for path, field in fields.items():
        if f"--{path}" in reserved or path in reserved:
            continue
        block = path.partition(".")[0] if "." in path else ""
        if block not in groups:
            title = f"fields of {block}" if block else "fields"
            groups[block] = parser.add_argument_group(title)
        said = [field["says"]] if field["says"] else []
        said += [f"only for {field['only']}"] if field["only"] else []
        said += [f"default {field['default']}"] if field["default"] is not None else []
        groups[block].add_argument(
            f"--{path}",
            dest=f"field {path}",
            metavar=field["type"].replace("%", "%%"),
            help="; ".join(said).replace("%", "%%"),
        ).completer = _choices(field["choices"])


def _choices(choices: list[str]) -> Any:
    return lambda **_: choices
