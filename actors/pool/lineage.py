"""Lineage: which model made a sample, what that was trained on, and the real rows behind it all."""

import json
from dataclasses import dataclass
from graphlib import TopologicalSorter

import numpy as np

from actors.errors import UserError
from actors.pool import shards
from actors.pool.contents import Contents, Finished
from actors.pool.schema import FRESH, REAL
from actors.pool.selections import FILE
from actors.pool.storage import Storage


@dataclass(frozen=True)
class Part:
    """The rows of one sample step in a training set.

    Attributes:
        sample: the sample step.
        rows: how many of its rows are selected.
        trained_on: select step of the model that made it; None for real rows and external models.
    """

    sample: Finished
    rows: int
    trained_on: str | None

    @property
    def is_real(self) -> bool:
        return self.sample.source in (REAL, FRESH)


@dataclass(frozen=True)
class RealShare:
    """The share of real rows behind a training set.

    Attributes:
        known: what is known to come from real rows, in [0, 1].
        unknown: what comes from external models, of whose training nothing is known.
    """

    known: float
    unknown: float


@dataclass(frozen=True)
class TrainingSet:
    """A stored training set: its parts by source and iteration, real rows first.

    Attributes:
        path: its select step.
    """

    path: str
    rows: int
    parts: tuple[Part, ...]
    real: RealShare


def trained_on(contents: Contents, sample: Finished) -> tuple[Finished, str] | None:
    """Return the train step of a sample step and its select step; None where it has none.

    Raises:
        UserError: the train step is not in the store any more.
    """
    checkpoint = sample.reads("checkpoint")
    if checkpoint is None:
        return None
    train = _stored(contents, checkpoint)
    selected = train.reads("training_set")
    assert selected is not None
    return train, selected


def behind(storage: Storage, contents: Contents, sample: Finished) -> dict[str, TrainingSet]:
    """Return every training set behind a sample step, by select step, the latest first.

    Their real shares are r(D) = sum over the rows x of D of r(x) / |D|, where r(x) is 1 for a real
    or fresh row, and else r of the training set of the model that made x.

    Raises:
        UserError: a step behind it is not in the store any more.
    """
    made = trained_on(contents, sample)
    if made is None:
        return {}
    parts: dict[str, list[Part]] = {}
    graph: dict[str, set[str]] = {}
    left = [made[1]]
    while left:
        path = left.pop()
        if path not in graph:
            parts[path] = _parts(storage, contents, path)
            graph[path] = {part.trained_on for part in parts[path] if part.trained_on}
            left += sorted(graph[path])
    shares: dict[str, RealShare] = {}
    found = {}
    for path in TopologicalSorter(graph).static_order():
        shares[path] = real_share(parts[path], shares)
        rows = sum(part.rows for part in parts[path])
        found[path] = TrainingSet(path, rows, tuple(parts[path]), shares[path])
    return dict(reversed(found.items()))


def real_share(parts: list[Part], before: dict[str, RealShare]) -> RealShare:
    """Return the real share of a training set from those of the training sets before it."""
    known = unknown = 0.0
    for part in parts:
        if part.is_real:
            known += part.rows
        elif part.trained_on is None:
            unknown += part.rows
        else:
            known += part.rows * before[part.trained_on].known
            unknown += part.rows * before[part.trained_on].unknown
    rows = sum(part.rows for part in parts)
    return RealShare(known / rows, unknown / rows)


def _parts(storage: Storage, contents: Contents, select: str) -> list[Part]:
    """Return how many rows a selection took from each sample step, none left out but the empty."""
    _stored(contents, select)
    table = shards.read_table(storage, f"{select}/{FILE}")
    samples = json.loads(table.schema.metadata[b"candidates"])["samples"]
    steps = [_stored(contents, path) for path in samples]
    ends = np.cumsum([step.rows for step in steps])
    of_step = np.searchsorted(ends, table.column("position").to_numpy(), side="right")
    counts = np.bincount(of_step, minlength=len(steps)).tolist()
    parts = []
    for step, rows in zip(steps, counts, strict=True):
        if rows:
            made = trained_on(contents, step)
            parts.append(Part(step, rows, made[1] if made else None))
    return sorted(parts, key=lambda part: (not part.is_real, part.sample.iteration or 0))


def _stored(contents: Contents, path: str) -> Finished:
    if path not in contents.finished:
        raise UserError(f"lineage: {path} is not in the store any more; run again to have it back")
    return contents.finished[path]
