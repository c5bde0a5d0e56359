"""The command `curate`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator
from rich.console import Console

from actors.config import tagged_union
from actors.curation import outputs, report
from actors.curation.curation import curate
from actors.curation.outputs import describe
from actors.data.feature_source import Candidates
from actors.errors import UserError
from actors.features import EXTRACTORS, FittedExtractor
from actors.features.images import Images
from actors.features.opening import open_input
from actors.pool.atomic import check_target
from actors.selection import METHODS
from orchestrator import interrupts
from orchestrator.curate_display import ShownPhases, print_closing
from orchestrator.execution import cluster
from orchestrator.inputs import Inputs

if TYPE_CHECKING:
    from actors.selection import Method as Selection
else:
    Selection = tagged_union(METHODS)


class Curation(Inputs):
    """One validated request to curate an input."""

    input: str = Field(min_length=1, description="folder of images or tables, table, NumPy file")
    out: str = Field(min_length=1, description="new folder, or new .parquet file")
    selection: Selection
    rows: int | None = Field(None, ge=1, description="rows to keep, in place of selection.ratio")
    id_column: str | None = Field(None, description="column of ids; null: row numbers")
    source_column: str | None = Field(
        None, description="column that says where a row comes from, for quotas and caps"
    )
    files: Literal["link", "copy"] | None = Field(None, description="how kept images are placed")
    report: str | None = Field(None, description="new .html or .png file")
    shards: int = Field(1, ge=1, description="Ray actors that select; 1 is this process")
    reasons: bool = Field(True, description="find the kept row that covers each of the others")

    @model_validator(mode="after")
    def _consistent(self) -> Curation:
        if (self.rows is None) == (self.selection.ratio is None):
            said = "neither is given" if self.rows is None else "both are given"
            raise ValueError(f"selection.ratio, rows: {said}; allowed is exactly one of them")
        if self.selection.trim:
            raise ValueError(
                f"selection.trim: found {self.selection.trim:g}; allowed is 0, as only experiments "
                "leave outliers out"
            )
        if self.report and Path(self.report).suffix.lower() not in report.SUFFIXES:
            raise ValueError(
                f"report: found {self.report!r}; allowed is a name that ends in "
                f"{' or '.join(report.SUFFIXES)}"
            )
        if self.shards > 1 and self.selection.over_shards is None:
            raise ValueError(
                f"shards: found {self.shards}, but selection.kind is {self.selection.kind}; "
                "allowed is 1"
            )
        if isinstance(self.features, FittedExtractor):
            kinds = EXTRACTORS.items()
            able = ", ".join(kind for kind, its in kinds if not issubclass(its, FittedExtractor))
            raise ValueError(
                f"features.kind: found {self.features.kind!r}, which is fitted on the real rows of "
                f"an experiment; allowed are {able}"
            )
        if self.files and outputs.is_table(self.out):
            raise ValueError(f"files: found {self.files!r}, but out is a table; name a folder")
        return self

    def rows_to_keep(self, candidates: int) -> int:
        """Return how many of the candidates are to be kept.

        Raises:
            UserError: more than there are.
        """
        if self.rows is None:
            return max(1, int((self.selection.ratio or 1) * candidates + 0.5))
        if self.rows > candidates:
            raise UserError(
                f"rows: found {self.rows}; allowed are 1 to {candidates}, the rows of the input"
            )
        return self.rows


def run_curate(request: Curation) -> int:
    """Curate an input, write what came out, print what it is worth."""
    check_target("out", request.out)
    if request.report:
        check_target("report", request.report)
    console = Console()
    phases = ShownPhases(console)
    try:
        candidates = _open(request, phases)
        n = request.rows_to_keep(candidates.rows)
        if request.shards > candidates.rows:
            raise UserError(
                f"shards: found {request.shards}; allowed are up to {candidates.rows}, the rows"
            )
        with _ray(request.shards):
            curated = curate(
                candidates,
                request.selection,
                n,
                seed=request.seed,
                shards=request.shards,
                reasons=request.reasons,
                phases=phases,
            )
        summary = describe(request.model_dump(mode="json"), request.seed, candidates, curated)
        outputs.write(
            request.out,
            request.report,
            summary,
            candidates,
            curated,
            request.files or "link",
            phases,
        )
    except KeyboardInterrupt:
        print("\ninterrupted; nothing was written", file=sys.stderr)
        return interrupts.status()
    print_closing(console, request.selection.kind, curated, candidates, phases)
    for name in filter(None, (request.out, request.report)):
        console.print(f"wrote {name}", highlight=False, soft_wrap=True, markup=False)
    return 0


def _open(request: Curation, phases: ShownPhases) -> Candidates:
    with phases.timed("look at files") as progress:
        candidates = open_input(
            # shards may run in other folders
            request.input if request.shards == 1 else os.path.abspath(request.input),
            request.features,
            column=request.column,
            id_column=request.id_column,
            source_column=request.source_column,
            image_size=request.image_size,
            channels=request.channels,
            skip_bad=request.skip_bad,
            progress=progress,
        )
    if request.files and not isinstance(candidates, Images):
        raise UserError(f"files: found {request.files!r}, but the input is no folder of images")
    return candidates


@contextmanager
def _ray(shards: int) -> Iterator[None]:
    """Have a Ray where more than one shard needs it."""
    if shards == 1:
        yield
        return
    import ray

    cluster.connect()
    try:
        yield
    finally:
        ray.shutdown()
