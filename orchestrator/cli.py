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

CURATE_EPILOG = """\
INPUT: a folder of images; a .parquet, .arrow or .feather file, or a folder of them, with a column
of embeddings; a .npy or .npz file of (rows, dimensions).
OUT: a new .parquet file, or a new folder, for images with the kept ones in it.

Any field can be given by its dotted path, as YAML, after INPUT:
  ouroboros curate photos --ratio 0.5 --out kept --image-size 32 --report report.html
  ouroboros curate embeddings.parquet --rows 1000 --out kept.parquet \\
    --method threshold_decay --selection.initial_threshold 3
"""

# option, field of the configuration, placeholder, whether it is text and never YAML, meaning
CURATE_OPTIONS = (
    ("--out", "out", "PATH", True, "new folder, or new .parquet file"),
    ("--ratio", "selection.ratio", "R", False, "share of the rows to keep, in (0, 1]"),
    ("--rows", "rows", "N", False, "rows to keep, in place of --ratio"),
    ("--method", "selection.kind", "KIND", True, "selection method (default greedy)"),
    ("--seed", "seed", "N", False, "seed (default 0)"),
    ("--column", "column", "NAME", True, "column of the embeddings, or array of a .npz"),
    ("--id-column", "id_column", "NAME", True, "column of ids (default sample_id or id)"),
    ("--source-column", "source_column", "NAME", True, "column of sources (default source)"),
    ("--image-size", "image_size", "S", False, "resize images and crop them to S x S"),
    ("--files", "files", "link|copy", True, "how kept images are placed (default link)"),
    ("--report", "report", "FILE", True, "new .html or .png file with pictures"),
    ("--shards", "shards", "K", False, "Ray actors of greedy (default 1: no Ray)"),
)

EVALUATE_EPILOG = """\
PATH: a folder of images; a .parquet, .arrow or .feather file, or a folder of them, with a column
of embeddings; a .npy or .npz file of (rows, dimensions).

Any field can be given by its dotted path, as YAML:
  ouroboros evaluate --real test --samples made --train train --features dinov2
  ouroboros evaluate --real a.npy --samples b.npy --measures '[dispersion, frechet, fidelity]'
"""

EVALUATE_OPTIONS = (
    ("--real", "real", "PATH", True, "held-out real rows"),
    ("--samples", "samples", "PATH", True, "what a generator made"),
    ("--train", "train", "PATH", True, "what it was trained on"),
    (
        "--features",
        "features.kind",
        "KIND",
        True,
        "pixels (default), pca, encoder, dinov2, inception",
    ),
    ("--out", "out", "FILE", True, "new JSON file (default evaluation.json)"),
    ("--seed", "seed", "N", False, "seed (default 0)"),
    ("--column", "column", "NAME", True, "column of the embeddings, or array of a .npz"),
    ("--image-size", "image_size", "S", False, "resize images and crop them to S x S"),
)


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
    summary = "keep the rows of any data set that have the highest entropy"
    command = commands.add_parser(
        "curate",
        help=summary,
        description=summary,
        usage="ouroboros curate INPUT (--ratio R | --rows N) --out PATH [--field.path VALUE ...]",
        epilog=CURATE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_argument("input", metavar="INPUT", help="what to choose among")
    for option, field, placeholder, _, meaning in CURATE_OPTIONS:
        command.add_argument(option, dest=field, metavar=placeholder, help=meaning)
    command.add_argument(
        "--skip-bad", action="store_true", help="leave out, and list, images that are broken"
    )
    summary = "measure samples against real rows, and against what they were trained on"
    command = commands.add_parser(
        "evaluate",
        help=summary,
        description=summary,
        usage="ouroboros evaluate --real PATH --samples PATH [--train PATH] [--field.path VALUE]",
        epilog=EVALUATE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for option, field, placeholder, _, meaning in EVALUATE_OPTIONS:
        required = field in ("real", "samples")
        command.add_argument(
            option, dest=field, metavar=placeholder, help=meaning, required=required
        )
    command.add_argument(
        "--skip-bad", action="store_true", help="leave out, and list, images that are broken"
    )
    summary = "say why a row is in a selection or not"
    command = commands.add_parser("why", help=summary, description=summary, allow_abbrev=False)
    command.add_argument("sample_id", metavar="SAMPLE_ID", help="id of a candidate")
    command.add_argument(
        "--selection",
        required=True,
        metavar="PATH",
        help="output of `ouroboros curate`, or a select step's folder, STORE/steps/select/KEY",
    )
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
        if command.command in ALONE:
            return ALONE[command.command](command, tokens)
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


def _why(command: argparse.Namespace, tokens: list[str]) -> int:
    from actors.curation.why import why
    from actors.errors import UserError

    if tokens:
        raise UserError(f"{tokens[0]!r}: unexpected; allowed are SAMPLE_ID --selection PATH")
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


# commands that need no experiment
ALONE = {"why": _why, "curate": _curate, "evaluate": _evaluate}


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
