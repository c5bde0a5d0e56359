"""`ouroboros evaluate`: measure any samples against real rows."""

import argparse

from orchestrator.commands.base import (
    SKIP_BAD,
    Command,
    FieldOption,
    arguments_of,
    given,
    parse_overrides,
)

EPILOG = """\
PATH: a folder of images; a .parquet, .arrow or .feather file, or a folder of them, with a column
of embeddings; a .npy or .npz file of (rows, dimensions).

Any field can be given by its dotted path, as YAML:
  ouroboros evaluate --real test --samples made --train train --features dinov2
  ouroboros evaluate --real a.npy --samples b.npy --measures '[dispersion, frechet, fidelity]'
"""

OPTIONS = (
    FieldOption("--real", "real", "PATH", True, "held-out real rows"),
    FieldOption("--samples", "samples", "PATH", True, "what a generator made"),
    FieldOption("--train", "train", "PATH", True, "what it was trained on"),
    FieldOption("--features", "features.kind", "KIND", True, "extractor (default pixels)"),
    FieldOption("--out", "out", "FILE", True, "new JSON file (default evaluation.json)"),
    FieldOption("--seed", "seed", "N", False, "seed (default 0)"),
    FieldOption("--column", "column", "NAME", True, "column of the embeddings, or array of a .npz"),
    FieldOption("--image-size", "image_size", "S", False, "resize images and crop them to S x S"),
    FieldOption("--channels", "channels", "1|3", False, "1 makes images grey, 3 RGB"),
)


def evaluate(command: argparse.Namespace, tokens: list[str]) -> int:
    """Measure samples."""
    overrides = [*given(command, OPTIONS), *parse_overrides(tokens)]
    from orchestrator.evaluate import Request, run_evaluate
    from orchestrator.inputs import load

    return run_evaluate(load(Request, {}, overrides))


COMMAND = Command(
    summary="measure samples against real rows, and against what they were trained on",
    call=evaluate,
    arguments=(*arguments_of(OPTIONS, required=("real", "samples")), SKIP_BAD),
    fields="evaluate",
    usage="evaluate --real PATH --samples PATH [--train PATH] [--field.path VALUE]",
    epilog=EPILOG,
)
