"""Choosing among the candidates of an input, with the reason for every row."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from actors.curation.figures import Figures, measure, row_keys
from actors.data.feature_source import Candidates, FeatureSource, Progress, Rows, blocks, check_ids
from actors.errors import UserError
from actors.features.memory import load
from actors.selection import Method, Selection
from actors.selection.selection import Reasons, explain

Chosen = tuple[FeatureSource, np.ndarray, Selection]


class Phases:
    """Keeps the seconds per phase; shows nothing."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timed(self, name: str, total: int | None = None) -> Iterator[Progress]:
        """Time a phase; yields what to call with how much of `total` is done."""
        started = time.monotonic()
        try:
            with self.shown(name, total) as progress:
                yield progress
        finally:
            self.seconds[name] = self.seconds.get(name, 0) + time.monotonic() - started

    @contextmanager
    def shown(self, name: str, total: int | None) -> Iterator[Progress]:
        """Yield what shows progress; overridden where there is somebody to show it to."""
        yield lambda done: None


@dataclass(frozen=True)
class Curated:
    """A selection among candidates, why each is in it or not, and what it is worth.

    Attributes:
        ids: (N,) names of the candidates.
        origins: (N,) where they came from, if known.
        features: the candidates' features, to be read again.
        reasons: None where they were not asked for.
    """

    ids: pa.Array
    origins: pa.Array | None
    features: FeatureSource
    selection: Selection
    reasons: Reasons | None
    figures: Figures


def curate(
    candidates: Candidates,
    method: Method,
    n: int,
    *,
    seed: int,
    shards: int = 1,
    reasons: bool = True,
    phases: Phases | None = None,
) -> Curated:
    """Choose n of the candidates.

    Args:
        shards: Ray actors that the rows are spread over; 1 is this process, without Ray.
        reasons: whether to find the kept row that covers each of the others.
        phases: keeps the time of each phase and shows progress.

    Raises:
        UserError: ids repeat, values are missing or not finite, or the method cannot do this.
    """
    phases = phases or Phases()
    ids, origins = candidates.ids(), candidates.origins()
    check_ids(ids)
    if shards > 1:
        chosen = _on_ray(candidates, method, n, seed, shards, reasons, phases)
    else:
        chosen = _here(candidates, method, n, seed, reasons, phases)
    features, keys, selection = chosen
    floor = candidates.space.floor
    with phases.timed("measure"):
        figures = measure(features, keys, origins, selection, seed, floor)
    return Curated(ids, origins, features, selection, selection.reasons, figures)


def _here(
    candidates: Candidates, method: Method, n: int, seed: int, reasons: bool, phases: Phases
) -> Chosen:
    """Choose in this process, with all features in one array."""
    quality = candidates.numbers(method.needed_column) if method.needed_column else None
    with phases.timed("read", candidates.rows) as progress:
        array = load(candidates, progress)
    with phases.timed("select", n) as progress:
        selection = method.select(array, n, seed, quality, progress, reasons=reasons)
    if reasons and selection.reasons is None:
        with phases.timed("explain", len(array)) as progress:
            explained = explain(array, selection.positions, progress)
        selection = replace(selection, reasons=explained)
    with phases.timed("find duplicates"):
        keys = row_keys(blocks(Rows(array)), candidates.rows)
    return Rows(array), keys, selection


def _on_ray(
    candidates: Candidates,
    method: Method,
    n: int,
    seed: int,
    shards: int,
    reasons: bool,
    phases: Phases,
) -> Chosen:
    """Choose with Ray actors; this process holds no more than a block of features."""
    if method.over_shards is None:
        raise UserError(
            f"shards: found {shards}, but selection.kind is {method.kind}; allowed is 1"
        )
    with phases.timed("read", candidates.rows) as progress:
        keys = row_keys(blocks(candidates, progress), candidates.rows)
    with phases.timed("select", n) as progress:
        selection = method.over_shards(
            candidates, n, seed=seed, shards=shards, reasons=reasons, progress=progress
        )
    return candidates, keys, selection
