"""Selecting training sets: which candidates, and in which order."""

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from actors.config import Resources
from actors.data.feature_source import pick
from actors.distances.neighbours import nearest_before
from actors.features.memory import load
from actors.pool import selections
from actors.pool.pixels import Pixels
from actors.pool.shards import Gather
from actors.pool.step import Report, Step
from actors.pool.storage import File, Storage
from actors.seeds import derive_seed
from actors.selection import METHODS, Method, Selection, explain, greedy
from actors.selection.draw import Stratum, draw_candidates
from actors.selection.quota import bounds, within
from actors.selection.trim import untrimmed


class Stored:
    """The candidates of a step as a feature source; pickled it holds no rows.

    Attributes:
        positions: of the candidates among the rows of the steps; None if every row is one.
    """

    def __init__(self, storage: Storage, step: Step, positions: np.ndarray | None) -> None:
        self.positions = positions
        self._storage = storage
        self._step = step

    def __getstate__(self) -> dict[str, Any]:
        return {"positions": self.positions, "_storage": self._storage, "_step": self._step}

    @cached_property
    def rows(self) -> int:
        """Number of candidates."""
        if self.positions is not None:
            return len(self.positions)
        return sum(selections.sizes(self._storage, self._step.inputs["samples"]))

    @property
    def dimension(self) -> int:
        """Number of features of a row."""
        return int(self._gather.shape[0])

    @property
    def mapped(self) -> None:
        """None: they lie in many files."""
        return None

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return candidates start to stop."""
        rows = np.arange(start, stop) if self.positions is None else self.positions[start:stop]
        return self._gather[rows]

    @cached_property
    def _gather(self) -> Gather | Pixels:
        return selections.gather(self._storage, self._step.inputs["features"], "features")


def order(storage: Storage, step: Step, report: Report) -> list[File]:
    """Store the step's candidates in the order of a nested method; return the file's record."""
    source, settings = _candidates(storage, step), step.settings
    # a store that others fill as well may ask for fewer rows than there are
    n = min(settings["rows"], source.rows)

    def progress(picked: int) -> None:
        report(picked / n, f"{picked:,}/{n:,} rows")

    method, shards = _method(step), settings["workers"]
    if shards > 1:
        assert method.over_shards is not None
        resources = Resources(cpus=settings["cpus"], gpus=settings["gpus"])
        ranked = method.over_shards(
            source,
            n,
            seed=step.seed,
            shards=shards,
            resources=resources,
            reasons=False,
            progress=progress,
        )
    else:
        features = load(source)
        ranked = method.select(features, n, step.seed, progress=progress, device=_device(step))
    return [selections.write_order(storage, step.path, ranked)]


def select(storage: Storage, step: Step, report: Report) -> list[File]:
    """Store the selection among the step's candidates; return the records of its files."""
    candidates = _candidates(storage, step)
    chosen, positions = _chosen(storage, step, candidates), candidates.positions
    if positions is not None:
        chosen = Selection(positions[chosen.positions], chosen.distances)
    return selections.write(
        storage,
        step.path,
        chosen,
        samples=step.inputs["samples"],
        features=step.inputs["features"],
        candidates=positions,
    )


def _chosen(storage: Storage, step: Step, candidates: Stored) -> Selection:
    """Return the selection, as positions among the candidates."""
    rows, limited = step.config["rows"], "limits" in step.config
    if "order" in step.inputs:
        ranked = Selection(*selections.read_order(storage, step.inputs["order"][0]))
        needed = candidates.rows if limited else rows
        if len(ranked.positions) < needed:
            # it was stored for a smaller selection
            features = load(candidates)
            device = _device(step)
            ranked = greedy(features, needed, seed=step.seed, begun=ranked, device=device)
        return (
            _within_limits(storage, step, candidates, ranked)
            if limited
            else ranked.at(np.arange(rows))
        )
    method = _method(step)
    # what is uniform looks at no features
    features = np.empty((candidates.rows, 0)) if method.uniform else load(candidates)
    chosen = method.select(features, rows, step.seed, device=_device(step))
    if not limited:
        return chosen
    # behind the method's own choice come the rows that are farthest from it
    features = load(candidates) if method.uniform else features
    distances = explain(features, chosen.positions, device=_device(step)).distances
    distances[chosen.positions] = np.inf
    behind = np.argsort(-distances, kind="stable")[rows:]
    ranked = Selection(np.concatenate([chosen.positions, behind]))
    return _within_limits(storage, step, candidates, ranked)


def _within_limits(
    storage: Storage, step: Step, candidates: Stored, ranked: Selection
) -> Selection:
    rows, limits = step.config["rows"], step.config["limits"]
    sizes = selections.sizes(storage, step.inputs["samples"])
    sources = np.repeat(step.config["sources"], sizes)
    if candidates.positions is not None:
        sources = sources[candidates.positions]
    names, counts = np.unique(sources, return_counts=True)
    available = dict(zip(names.tolist(), counts.tolist(), strict=True))
    allowed = bounds(available, rows, limits["quota"], limits["cap"])
    chosen = ranked.at(within(sources[ranked.positions], rows, allowed))
    if chosen.distances is None:
        return chosen
    # those of the order are to rows that may not be in the selection
    distances = nearest_before(pick(candidates, chosen.positions))
    distances[:1] = np.nan
    return replace(chosen, distances=distances)


def _device(step: Step) -> str:
    return "cuda" if step.settings["gpus"] else "cpu"


def _method(step: Step) -> Method:
    kind = METHODS[step.config["selection"]["kind"]]
    return kind.model_validate(step.config["selection"])


def _candidates(storage: Storage, step: Step) -> Stored:
    """Return the candidates that are drawn, without the most isolated where the method trims."""
    drawn, trim = Stored(storage, step, _drawn(step)), _method(step).trim
    if not trim:
        return drawn
    left = untrimmed(torch.from_numpy(load(drawn)).to(_device(step)), trim)
    return Stored(storage, step, left if drawn.positions is None else drawn.positions[left])


def _drawn(step: Step) -> np.ndarray | None:
    """Return the positions of the rows that are drawn; None if every row of the steps is."""
    if "candidates" not in step.config:
        return None
    drawn = step.config["candidates"]
    strata = [Stratum(*stratum) for stratum in drawn["strata"]]
    return draw_candidates(
        drawn["sizes"], drawn["published"], strata, derive_seed(step.seed, "draw")
    )
