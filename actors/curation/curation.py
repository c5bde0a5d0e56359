"""Choosing among the candidates of an input, with the reason for every row."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from actors.curation.choosing import choose, choose_sharded
from actors.curation.duplicates import row_keys
from actors.curation.figures import Figures, measure
from actors.curation.stages import Stages
from actors.data.feature_source import FeatureSource, Rows, blocks
from actors.data.inputs import Candidates, check_ids
from actors.features.memory import load
from actors.selection import Method, Selection
from actors.selection.reasons import explain
from actors.selection.selection import Reasons


@dataclass(frozen=True)
class Curated:
    """A selection among candidates, why each is in it or not, and what it is worth.

    Attributes:
        ids: (N,) names of the candidates.
        origins: (N,) where they came from, if known.
        features: the candidates' features, to be read again.
    """

    ids: pa.Array
    origins: pa.Array | None
    features: FeatureSource
    selection: Selection
    reasons: Reasons
    figures: Figures


def curate(
    candidates: Candidates,
    method: Method,
    n: int,
    *,
    seed: int,
    shards: int = 1,
    stages: Stages | None = None,
) -> Curated:
    """Choose n of the candidates.

    Args:
        shards: Ray actors that the rows are spread over; 1 is this process, without Ray.
        stages: keeps the time of each stage and shows progress.

    Raises:
        UserError: ids repeat, values are missing or not finite, or the method cannot do this.
    """
    stages = stages or Stages()
    ids, origins = candidates.ids(), candidates.origins()
    check_ids(ids)
    if shards > 1:
        features, keys, selection, reasons = _on_ray(candidates, method, n, seed, shards, stages)
    else:
        features, keys, selection, reasons = _here(candidates, method, n, seed, stages)
    with stages.stage("measure"):
        figures = measure(features, keys, origins, selection, reasons, seed, candidates.space.floor)
    return Curated(ids, origins, features, selection, reasons, figures)


Chosen = tuple[FeatureSource, np.ndarray, Selection, Reasons]


def _here(candidates: Candidates, method: Method, n: int, seed: int, stages: Stages) -> Chosen:
    """Choose in this process, with all features in one array."""
    quality = candidates.numbers(method.needed_column) if method.needed_column else None
    with stages.stage("read", candidates.rows) as progress:
        array = load(candidates, progress)
    with stages.stage("select", n) as progress:
        selection = choose(method, array, n, seed, quality, progress)
    with stages.stage("explain"):
        reasons = explain(array, selection.positions)
    with stages.stage("find duplicates"):
        keys = row_keys(blocks(Rows(array)), candidates.rows)
    return Rows(array), keys, selection, reasons


def _on_ray(
    candidates: Candidates, method: Method, n: int, seed: int, shards: int, stages: Stages
) -> Chosen:
    """Choose with Ray actors; this process holds no more than a block of features."""
    with stages.stage("read", candidates.rows) as progress:
        keys = row_keys(blocks(candidates, progress), candidates.rows)
    with stages.stage("select", n) as progress:
        selection, reasons = choose_sharded(method, candidates, n, seed, shards, progress)
    return candidates, keys, selection, reasons
