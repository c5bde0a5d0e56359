"""The commands and their options. No heavy library is imported here: --help is at once."""

import argparse
from typing import Any

from orchestrator.pool.options import STORE, declare_pool

EPILOG = """\
Any field of the configuration can be given by its dotted path, as YAML. A block is laid over the
one in the file; a mapping of names, such as --arms '{a: {}, b: {seed: 1}}', takes its place:
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
    ("--channels", "channels", "1|3", False, "1 makes images grey, 3 RGB"),
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
    ("--channels", "channels", "1|3", False, "1 makes images grey, 3 RGB"),
)


# the options of each command that takes fields by their dotted path as well: with a value, without
OPTIONS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "run": (frozenset(), frozenset()),
    "plan": (frozenset(), frozenset()),
    "sweep": (frozenset(), frozenset({"--fail-fast"})),
    "curate": (frozenset(option for option, *_ in CURATE_OPTIONS), frozenset({"--skip-bad"})),
    "evaluate": (frozenset(option for option, *_ in EVALUATE_OPTIONS), frozenset({"--skip-bad"})),
}


def separate(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return what a command declares, and the fields given by dotted path with their values.

    argparse does not know that a field takes a value, so that it would take the 2 of
    `run --iterations 2 x.yaml` for the file.
    """
    if not arguments or arguments[0] not in OPTIONS:
        return arguments, []
    with_value, without = OPTIONS[arguments[0]]
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


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; what it leaves over is for the configuration."""
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
        ("sweep", "run a sweep of experiments; running it again goes on where it ended"),
    ):
        usage = f"{name} CONFIG [--field.path VALUE ...]" + " [--fail-fast]" * (name == "sweep")
        command = _configured(commands, summary, usage, EPILOG)
        what = "sweep" if name == "sweep" else "experiment"
        command.add_argument("config", metavar="CONFIG", help=f"YAML file of the {what}")
        if name == "sweep":
            command.add_argument(
                "--fail-fast", action="store_true", help="end with the first trial that fails"
            )
    summary = "keep rows of any data set that have a high entropy together"
    usage = "curate INPUT (--ratio R | --rows N) --out PATH [--field.path VALUE ...]"
    command = _configured(commands, summary, usage, CURATE_EPILOG)
    command.add_argument("input", metavar="INPUT", help="what to choose among")
    for option, field, placeholder, _, meaning in CURATE_OPTIONS:
        command.add_argument(option, dest=field, metavar=placeholder, help=meaning)
    command.add_argument(
        "--skip-bad", action="store_true", help="leave out, and list, images that are broken"
    )
    summary = "measure samples against real rows, and against what they were trained on"
    usage = "evaluate --real PATH --samples PATH [--train PATH] [--field.path VALUE]"
    command = _configured(commands, summary, usage, EVALUATE_EPILOG)
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
    summary = "write a report of a run or sweep, with its figures"
    command = commands.add_parser("report", help=summary, description=summary, allow_abbrev=False)
    command.add_argument("name", metavar="RUN_OR_SWEEP", help="its name, or NAME-KEY")
    command.add_argument(STORE[0], **STORE[1])
    command.add_argument(
        "--out", metavar="FILE", help="the page (default report.html), written over"
    )
    command.add_argument(
        "--figures", metavar="FOLDER", help="folder for its figures as PNG, SVG and CSV"
    )
    declare_pool(commands)
    return parser


def _configured(commands: Any, summary: str, usage: str, epilog: str) -> argparse.ArgumentParser:
    """Add the command that a usage begins with, whose fields may be given by dotted path."""
    parser: argparse.ArgumentParser = commands.add_parser(
        usage.split(maxsplit=1)[0],
        help=summary,
        description=summary,
        usage=f"ouroboros {usage}",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    return parser
