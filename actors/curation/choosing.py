"""Running a selection method, in this process or sharded over Ray."""

import numpy as np

from actors.data.feature_source import FeatureSource, Progress
from actors.errors import UserError
from actors.selection import Method, Selection, greedy
from actors.selection.greedy import Greedy
from actors.selection.selection import Reasons


def choose(
    method: Method,
    features: np.ndarray,
    n: int,
    seed: int,
    quality: np.ndarray | None = None,
    progress: Progress | None = None,
) -> Selection:
    """Choose n of the (N, d) rows; greedy calls `progress` with its picks so far."""
    if isinstance(method, Greedy):
        return greedy(features, n, seed=seed, progress=progress)
    return method.select(features, n, seed, quality)


def choose_sharded(
    method: Method,
    source: FeatureSource,
    n: int,
    seed: int,
    shards: int,
    progress: Progress | None = None,
) -> tuple[Selection, Reasons]:
    """Choose n rows of a source with `shards` Ray actors that read a range of rows each.

    Raises:
        UserError: only greedy has this form.
    """
    if not isinstance(method, Greedy):
        raise UserError(
            f"shards: found {shards}, but selection.kind is {method.kind}; allowed is 1"
        )
    from actors.selection.sharded import greedy_sharded

    selection = greedy_sharded(source, n, seed=seed, shards=shards, progress=progress)
    if selection.reasons is None:
        raise AssertionError("a sharded selection comes with its reasons")
    return selection, selection.reasons
