"""Selecting training sets: which candidates, and in which order."""

from dataclasses import replace

import numpy as np

from actors.distances.neighbours import nearest_before
from actors.pool import selections
from actors.pool.step import Report, Step
from actors.pool.storage import File, Storage
from actors.seeds import derive_seed
from actors.selection import METHODS, Method, Selection, explain
from actors.selection.draw import Stratum, draw_candidates
from actors.selection.quota import bounds, within


def order(storage: Storage, step: Step, report: Report) -> list[File]:
    """Store the step's candidates in the order of a nested method; return the file's record."""
    features = _features(storage, step)
    ranked = _method(step).select(features, len(features), step.seed)
    return [selections.write_order(storage, step.path, ranked)]


def select(storage: Storage, step: Step, report: Report) -> list[File]:
    """Store the selection among the step's candidates; return the records of its files."""
    candidates, chosen = _candidates(step), _chosen(storage, step)
    if candidates is not None:
        chosen = Selection(candidates[chosen.positions], chosen.distances)
    return selections.write(
        storage,
        step.path,
        chosen,
        samples=step.inputs["samples"],
        features=step.inputs["features"],
        candidates=candidates,
    )


def _chosen(storage: Storage, step: Step) -> Selection:
    """Return the selection, as positions among the candidates."""
    rows, limited = step.config["rows"], "limits" in step.config
    if "order" in step.inputs:
        ranked = Selection(*selections.read_order(storage, step.inputs["order"][0]))
        if limited:
            return _within_limits(storage, step, ranked)
        return ranked.at(np.arange(rows))
    method = _method(step)
    features = _features(storage, step, method)
    chosen = method.select(features, rows, step.seed)
    if not limited:
        return chosen
    # behind the method's own choice come the rows that are farthest from it
    distances = explain(_features(storage, step), chosen.positions).distances
    distances[chosen.positions] = np.inf
    behind = np.argsort(-distances, kind="stable")[rows:]
    return _within_limits(storage, step, Selection(np.concatenate([chosen.positions, behind])))


def _within_limits(storage: Storage, step: Step, ranked: Selection) -> Selection:
    rows, limits = step.config["rows"], step.config["limits"]
    sizes = selections.sizes(storage, step.inputs["samples"])
    sources = np.repeat(step.config["sources"], sizes)
    if (candidates := _candidates(step)) is not None:
        sources = sources[candidates]
    names, counts = np.unique(sources, return_counts=True)
    available = dict(zip(names.tolist(), counts.tolist(), strict=True))
    allowed = bounds(available, rows, limits["quota"], limits["cap"])
    chosen = ranked.at(within(sources[ranked.positions], rows, allowed))
    if chosen.distances is None:
        return chosen
    # those of the order are to rows that may not be in the selection
    distances = nearest_before(_features(storage, step)[chosen.positions])
    distances[:1] = np.nan
    return replace(chosen, distances=distances)


def _features(storage: Storage, step: Step, method: Method | None = None) -> np.ndarray:
    """Return the (N, d) features of the candidates; d is 0 for a method that ignores them."""
    candidates = _candidates(step)
    if method and method.uniform:
        total = sum(selections.sizes(storage, step.inputs["samples"]))
        return np.empty((total if candidates is None else len(candidates), 0), np.float32)
    features = selections.gather(storage, step.inputs["features"], "features")
    return features.all() if candidates is None else features[candidates]


def _method(step: Step) -> Method:
    kind = METHODS[step.config["selection"]["kind"]]
    return kind.model_validate(step.config["selection"])


def _candidates(step: Step) -> np.ndarray | None:
    """Return the positions of the candidates; None if every row of the steps is one."""
    if "candidates" not in step.config:
        return None
    drawn = step.config["candidates"]
    strata = [Stratum(*stratum) for stratum in drawn["strata"]]
    return draw_candidates(
        drawn["sizes"], drawn["published"], strata, derive_seed(step.seed, "draw")
    )
