"""The command line. Heavy libraries are imported after it is parsed, so that --help is at once."""

import argparse
import os
import signal
import sys
from typing import Any

EPILOG = """\
Any field of the configuration can be given by its dotted path, as YAML:
  ouroboros run tune_configs/digits.yaml --selection.ratio 0.4 --iterations 2
"""


def parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return the parsed command and the tokens left over for the configuration."""
    parser = argparse.ArgumentParser(
        prog="ouroboros",
        description="Self-consuming loops of generative models, with entropy-based selection.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EPILOG,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in (
        ("run", "run an experiment; running it again goes on where it ended"),
        ("plan", "check an experiment and print what running it would do, without starting Ray"),
    ):
        command = commands.add_parser(
            name,
            help=summary,
            description=summary,
            usage=f"ouroboros {name} CONFIG [--field.path VALUE ...]",
            epilog=EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_argument("config", metavar="CONFIG", help="YAML file of the experiment")
    return parser.parse_known_args(arguments)


def parse_overrides(tokens: list[str]) -> list[tuple[str, Any]]:
    """Return (dotted path, value) pairs of `--path value` and `--path=value`.

    Raises:
        UserError: a token is no option, or an option has no value.
    """
    import yaml

    from actors.errors import UserError

    overrides = []
    rest = iter(tokens)
    for token in rest:
        if not token.startswith("--") or token == "--":
            raise UserError(f"{token!r}: unexpected; fields are given as --field.path VALUE")
        path, equals, text = token.removeprefix("--").partition("=")
        value = text if equals else next(rest, None)
        if value is None:
            raise UserError(f"--{path}: no value; fields are given as --{path} VALUE")
        try:
            overrides.append((path, yaml.safe_load(value)))
        except yaml.YAMLError:
            raise UserError(f"--{path}: found {value!r}, which is no YAML value") from None
    return overrides


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return its exit status: 0 done, 1 a step failed, 2 a mistake in the request,
    130 interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # `ouroboros run a.yaml --help` must not wait for the imports below
    command, tokens = parse(sys.argv[1:] if arguments is None else arguments)
    from actors.errors import UserError

    try:
        from orchestrator import config

        experiment = config.load(command.config, parse_overrides(tokens))
        from orchestrator import commands

        if command.command == "plan":
            return commands.plan(experiment)
        return commands.run(experiment, _again(command, tokens))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted before anything ran", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _again(command: argparse.Namespace, tokens: list[str]) -> str:
    """Return the command line that goes on with this run."""
    import shlex

    here = os.getcwd() + os.sep
    is_module = os.path.basename(sys.argv[0]) == "__main__.py"
    called = [sys.executable, "-m", "orchestrator"] if is_module else [sys.argv[0]]
    called[0] = called[0].removeprefix(here)
    return shlex.join([*called, command.command, command.config, *tokens])
