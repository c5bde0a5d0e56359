"""Pictures of samples over the iterations, the arms below each other."""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from actors.pool.storage import Storage
from orchestrator.analysis.records import outcomes
from orchestrator.outcome import Outcome, Sweep
from orchestrator.results import Result

MOST_ARMS, MOST_ITERATIONS = 5, 4
# a larger PNG is put into the page as JPEG
PNG_BYTES, QUALITY = 120_000, 85


@dataclass(frozen=True)
class Strip:
    """Pictures of one kind and generator: by arm, then by iteration, as data URIs."""

    kind: str
    generator: str
    pictures: dict[str, dict[int, str]]
    left_out: list[str]


def strips(found: Outcome | Sweep, storage: Storage, kind: str) -> Iterator[Strip]:
    """Yield the pictures of a kind for each generator; of a sweep, those of the first seeds.

    Args:
        kind: samples, nearest or projection; of all but samples the first and the last iteration
            are shown.
    """
    by_generator: dict[str, dict[str, dict[int, Result]]] = {}
    seen: dict[str, int] = {}
    for series, _, seed, outcome in outcomes(found):
        if series and seen.setdefault(series, seed) != seed:
            continue
        for result in outcome.results:
            if kind in result.pictures:
                arms = by_generator.setdefault(result.generator, {})
                arms.setdefault(series or result.arm, {})[result.iteration] = result
    for generator, arms in by_generator.items():
        names = list(arms)[:MOST_ARMS]
        most = MOST_ITERATIONS if kind == "samples" else 2
        pictures = {
            name: {
                n: as_uri(storage, arms[name][n].pictures[kind])
                for n in some(sorted(arms[name]), most)
                if storage.exists(arms[name][n].pictures[kind])
            }
            for name in names
        }
        yield Strip(kind, generator, pictures, list(arms)[MOST_ARMS:])


def some(iterations: list[int], most: int) -> list[int]:
    """Return at most so many, evenly spaced, the first and the last among them."""
    places = np.linspace(0, len(iterations) - 1, min(most, len(iterations)))
    return [iterations[place] for place in np.rint(places).astype(int)]


def as_uri(storage: Storage, path: str) -> str:
    """Return a stored PNG as a data URI, made smaller where it is large."""
    content = storage.local(path).read_bytes()
    kind = "png"
    if len(content) > PNG_BYTES:
        with Image.open(io.BytesIO(content)) as picture:
            out = io.BytesIO()
            picture.convert("RGB").save(out, format="JPEG", quality=QUALITY)
        content, kind = out.getvalue(), "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
