"""What a curation leaves: a table, or a folder with the table, its figures and the kept images."""

import dataclasses
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from actors.curation import report
from actors.curation.curation import Curated, Phases
from actors.curation.table import candidate_table, write_parquet
from actors.data.feature_source import Candidates, Progress
from actors.features.images import Images
from actors.pool.atomic import atomic_output

TABLE = "selection.parquet"
SUMMARY = "curation.json"
IMAGES = "images"
METADATA = ("configuration", "seed", "notes", "entropy")

Placing = Literal["link", "copy"]


def is_table(out: str) -> bool:
    """Whether an output is one table, not a folder."""
    return out.lower().endswith(".parquet")


def write(
    out: str,
    page: str | None,
    summary: dict[str, Any],
    candidates: Candidates,
    curated: Curated,
    placing: Placing,
    phases: Phases,
) -> None:
    """Write a new table or folder, and a report where one is named; all of it or nothing.

    Args:
        summary: what `describe` says of this curation.
        placing: of kept images in a folder.

    Raises:
        UserError: something of that name is there.
    """
    with ExitStack() as stack:
        target = stack.enter_context(atomic_output("out", out))
        if page:
            drawn = stack.enter_context(atomic_output("report", page))
            with phases.timed("report"):
                report.write(drawn, Path(page).suffix.lower(), summary, candidates, curated)
        metadata = {key: json.dumps(summary[key]) for key in METADATA}
        tables = candidate_table(curated.ids, curated.origins, curated.selection, curated.reasons)
        if is_table(out):
            with phases.timed("write"):
                write_parquet(target, tables, metadata)
            return
        target.mkdir()
        with phases.timed("write"):
            write_parquet(target / TABLE, tables, metadata)
            text = json.dumps(summary, indent=1, allow_nan=False)
            (target / SUMMARY).write_text(text + "\n", encoding="utf-8")
        if isinstance(candidates, Images):
            kept = curated.ids.take(curated.selection.positions).to_pylist()
            with phases.timed("place images", len(kept)) as progress:
                place(
                    target / IMAGES,
                    os.path.realpath(out),
                    candidates.root,
                    kept,
                    placing,
                    progress,
                )


def place(
    folder: Path, final: str, root: str, names: Sequence[str], placing: Placing, progress: Progress
) -> None:
    """Link or copy images below a folder, in their own subfolders.

    Args:
        folder: where to; links are relative.
        final: the name that its parent will have.
        root: folder that the names are relative to.
    """
    origin = os.path.relpath(os.path.realpath(root), final)
    for done, name in enumerate(names, 1):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if placing == "copy":
            shutil.copy2(os.path.join(root, name), target)
        else:
            up = [".."] * (name.count("/") + 1)
            target.symlink_to(os.path.join(*up, origin, name))
        progress(done)


def describe(
    configuration: dict[str, Any], seed: int, candidates: Candidates, curated: Curated
) -> dict[str, Any]:
    """Return what JSON and a table's metadata say of a curation; what is not finite is null."""
    figures = dataclasses.asdict(curated.figures)
    entropy = {name: figures.pop(name) for name in ("before", "after")}
    summary = {
        "configuration": configuration,
        "seed": seed,
        "notes": curated.selection.notes,
        "figures": figures,
        "entropy": entropy,
        "images": str(candidates.reading) if isinstance(candidates, Images) else None,
        "input": candidates.notes,
        "skipped": candidates.skipped,
    }
    # NaN and infinity are no JSON
    return json.loads(json.dumps(summary), parse_constant=lambda _: None)
