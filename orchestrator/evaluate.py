"""The command `evaluate`."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field
from rich.console import Console
from rich.table import Table

from actors.errors import UserError
from actors.features import FittedExtractor
from actors.features.opening import open_input
from actors.features.pixels import Pixels
from actors.metrics.base import Measure
from actors.metrics.equal_rows import measure_also_on
from actors.metrics.inputs import read_sets
from actors.pool.atomic import atomic_output, check_target
from orchestrator.config import Evaluation
from orchestrator.inputs import Inputs


class Request(Inputs, Evaluation):
    """One validated request to measure samples against real rows."""

    real: str = Field(min_length=1, description="held-out real rows")
    samples: str = Field(min_length=1, description="what a generator made")
    train: str | None = Field(None, min_length=1, description="what it was trained on")
    out: str = Field("evaluation.json", min_length=1, description="new JSON file")


def run_evaluate(request: Request) -> int:
    """Measure, print a table, write JSON."""
    check_target("out", request.out)
    paths = {"real": request.real, "samples": request.samples, "train": request.train}
    console = Console()
    inputs = {}
    with console.status("reading"):
        for name, path in paths.items():
            if path is not None:
                inputs[name] = _open(name, path, request)
        sets, skipped, notes = read_sets(inputs, request.features, request.entropy_k, request.seed)
    with console.status("measuring"):
        measures = list(measure_also_on(sets, request.measures, request.equal_rows))
    written = {
        "request": request.model_dump(mode="json"),
        "left_out": skipped,
        "notes": notes,
        "measures": [measure.as_json() for measure in measures],
    }
    with atomic_output("out", request.out) as file:
        file.write_text(json.dumps(written, indent=1, allow_nan=False), encoding="utf-8")
    _print(console, measures, notes, skipped)
    console.print(f"wrote {request.out}", highlight=False, soft_wrap=True, markup=False)
    return 0


def _open(name: str, path: str, request: Request) -> Any:
    try:
        return open_input(
            path,
            # fitted later: until then images are looked at as pixels
            Pixels() if isinstance(request.features, FittedExtractor) else request.features,
            column=request.column,
            image_size=request.image_size,
            channels=request.channels,
            skip_bad=request.skip_bad,
        )
    except UserError as error:
        raise UserError(f"{name}: {str(error).removeprefix('input: ')}") from None


def _print(console: Console, measures: list[Measure], notes: list[str], skipped: list[str]) -> None:
    tables: dict[str, list[Measure]] = {}
    for measure in measures:
        tables.setdefault(_heading(measure), []).append(measure)
    for heading, ones in tables.items():
        table = Table(title=heading, title_justify="left", title_style="bold", expand=True)
        table.add_column("measure", ratio=4)
        table.add_column("value", ratio=2, justify="right")
        table.add_column("95 % interval", ratio=3, justify="right")
        table.add_column("unit", ratio=4)
        for measure in ones:
            known = measure.low is not None and measure.high is not None
            interval = f"{measure.low:.4g} .. {measure.high:.4g}" if known else ""
            table.add_row(measure.metric.replace("_", " "), _value(measure), interval, measure.unit)
        console.print(table)
    console.print(f"All in {measures[0].features} space.", style="dim", highlight=False)
    for measure in measures:
        if measure.note:
            console.print(
                f"{measure.metric} of the {_heading(measure)}: {measure.note}",
                style="dim",
                highlight=False,
                soft_wrap=True,
                markup=False,
            )
    for note in notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    if skipped:
        console.print(f"left out, as they cannot be decoded: {len(skipped)}", highlight=False)


def _heading(measure: Measure) -> str:
    rows = f"{measure.subject.replace('_', ' ')} ({measure.n:,} rows)"
    if not measure.reference:
        return rows
    return f"{rows} against {measure.reference.replace('_', ' ')} ({measure.reference_n:,})"


def _value(measure: Measure) -> str:
    if measure.value is None:
        return "not taken"
    copies = f" ({measure.at_floor} copies)" if measure.at_floor else ""
    return f"{measure.value:.4g}{copies}"
