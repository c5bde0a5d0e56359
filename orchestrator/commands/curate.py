"""`ouroboros curate`: keep rows of any data set that have a high entropy together."""

import argparse

from orchestrator.commands.base import (
    SKIP_BAD,
    Command,
    FieldOption,
    argument,
    arguments_of,
    flag,
    given,
    parse_overrides,
)

EPILOG = """\
INPUT: a folder of images; a .parquet, .arrow or .feather file, or a folder of them, with a column
of embeddings; a .npy or .npz file of (rows, dimensions).
OUT: a new .parquet file, or a new folder, for images with the kept ones in it.

Any field can be given by its dotted path, as YAML, after INPUT:
  ouroboros curate photos --ratio 0.5 --out kept --image-size 32 --report report.html
  ouroboros curate embeddings.parquet --rows 1000 --out kept.parquet \\
    --method threshold_decay --selection.initial_threshold 3
"""

OPTIONS = (
    FieldOption("--out", "out", "PATH", True, "new folder, or new .parquet file"),
    FieldOption("--ratio", "selection.ratio", "R", False, "share of the rows to keep, in (0, 1]"),
    FieldOption("--rows", "rows", "N", False, "rows to keep, in place of --ratio"),
    FieldOption("--method", "selection.kind", "KIND", True, "selection method (default greedy)"),
    FieldOption("--seed", "seed", "N", False, "seed (default 0)"),
    FieldOption("--column", "column", "NAME", True, "column of the embeddings, or array of a .npz"),
    FieldOption(
        "--id-column", "id_column", "NAME", True, "column of ids (default sample_id or id)"
    ),
    FieldOption(
        "--source-column", "source_column", "NAME", True, "column of sources (default source)"
    ),
    FieldOption("--image-size", "image_size", "S", False, "resize images and crop them to S x S"),
    FieldOption("--channels", "channels", "1|3", False, "1 makes images grey, 3 RGB"),
    FieldOption("--files", "files", "link|copy", True, "how kept images are placed (default link)"),
    FieldOption("--report", "report", "FILE", True, "new .html or .png file with pictures"),
    FieldOption("--shards", "shards", "K", False, "Ray actors that select (default 1: no Ray)"),
)


def curate(command: argparse.Namespace, tokens: list[str]) -> int:
    """Keep rows of a data set."""
    no_reasons = [("reasons", False)] if command.no_reasons else []
    overrides = [*given(command, OPTIONS), *no_reasons, *parse_overrides(tokens)]
    from orchestrator.curate import Curation, run_curate
    from orchestrator.inputs import load

    given_fields = {"input": command.input, "selection": {"kind": "greedy"}}
    return run_curate(load(Curation, given_fields, overrides))


COMMAND = Command(
    summary="keep rows of any data set that have a high entropy together",
    call=curate,
    arguments=(
        argument("input", "INPUT", "what to choose among"),
        *arguments_of(OPTIONS),
        flag("--no-reasons", "do not find the kept row that covers each row left out"),
        SKIP_BAD,
    ),
    fields="curate",
    usage="curate INPUT (--ratio R | --rows N) --out PATH [--field.path VALUE ...]",
    epilog=EPILOG,
)
