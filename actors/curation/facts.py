"""A curation as plain values: its configuration, notes and figures."""

import dataclasses
import math
from typing import Any

from actors.curation.curation import Curated
from actors.data.inputs import Candidates
from actors.features.images import Images


def describe(
    configuration: dict[str, Any], seed: int, candidates: Candidates, curated: Curated
) -> dict[str, Any]:
    """Return what JSON and a table's metadata say of a curation; what is not finite is null."""
    figures = dataclasses.asdict(curated.figures)
    entropy = {name: figures.pop(name) for name in ("before", "after")}
    return finite(
        {
            "configuration": configuration,
            "seed": seed,
            "notes": curated.selection.notes,
            "figures": figures,
            "entropy": entropy,
            "images": str(candidates.reading) if isinstance(candidates, Images) else None,
            "input": list(candidates.notes),
            "skipped": list(candidates.skipped),
        }
    )


def finite(value: Any) -> Any:
    """Return a value with None in the place of every NaN and infinity."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
