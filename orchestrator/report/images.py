"""Pictures of samples over the iterations, the arms below each other."""

import base64
import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from actors.plots.images import evenly
from actors.plots.page import Section, Strip
from actors.pool.storage import Storage
from orchestrator.analysis.records import outcomes
from orchestrator.outcome import Outcome, Sweep

MOST_ARMS, MOST_ITERATIONS = 5, 4
# a larger PNG is put into the page as JPEG
PNG_BYTES, QUALITY = 120_000, 85
TITLES = {
    "samples": ("Samples over the iterations", "The first samples of each generator."),
    "nearest": (
        "Samples beside their nearest training image",
        "The samples that are nearest to the training set (left) with their nearest training image "
        "(right) and the distance; copies show memorization.",
    ),
    "projection": (
        "Real and generated rows on two principal components",
        "How much of the real data the samples still cover.",
    ),
}


def pictures(outcome: Outcome | Sweep, storage: Storage) -> Iterator[Section]:
    """Yield a section for each kind of picture."""
    for kind, (title, intro) in TITLES.items():
        strips = list(_strips(outcome, storage, kind))
        yield Section(title, intro, strips=strips, folded=kind != "samples")


def _strips(outcome: Outcome | Sweep, storage: Storage, kind: str) -> Iterator[Strip]:
    """Yield the pictures of a kind for each generator; of a sweep, those of the first seeds.

    Of all kinds but samples the first and the last iteration are shown.
    """
    # paths by generator, by arm or point, and by iteration
    paths: dict[str, dict[str, dict[int, str]]] = {}
    seeds: dict[str, int] = {}
    for series, _, seed, run in outcomes(outcome):
        if series and seeds.setdefault(series, seed) != seed:
            continue
        for result in run.results:
            if kind in result.pictures:
                arms = paths.setdefault(result.generator, {})
                by_iteration = arms.setdefault(series or result.arm, {})
                by_iteration[result.iteration] = result.pictures[kind]
    for generator, arms in paths.items():
        rows = [
            [
                (f"{arm}, iteration {n}", as_uri(storage, by_iteration[n]))
                for n in evenly(np.array(sorted(by_iteration)), _most(kind)).tolist()
                if storage.exists(by_iteration[n])
            ]
            for arm, by_iteration in list(arms.items())[:MOST_ARMS]
        ]
        left_out = list(arms)[MOST_ARMS:]
        note = f"Not shown: {', '.join(left_out)}." if left_out else ""
        yield Strip(kind, generator, rows, note)


def _most(kind: str) -> int:
    return MOST_ITERATIONS if kind == "samples" else 2


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
