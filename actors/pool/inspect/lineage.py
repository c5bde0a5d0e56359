"""Lineage: which model made a sample, what that was trained on, and the real rows behind it all."""

import json
from dataclasses import dataclass
from graphlib import TopologicalSorter

import numpy as np

from actors.errors import UserError
from actors.pool import shards
from actors.pool.inspect.contents import Contents, Finished
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
class Ancestry:
    """How a training set leads back to real rows, as means over its rows x.

    Attributes:
        real: 1 for a real or fresh x, else that of what its model was trained on. It falls below 1
            only by what comes from external models.
        unknown: the rest: what comes from external models, of whose training nothing is known.
        generations: how many models lie between x and real rows: 0 for a real or fresh x, 1 for
            that of an external model, else one more than in what its model was trained on.
    """

    real: float
    unknown: float
    generations: float


@dataclass(frozen=True)
class TrainingSet:
    """A stored training set: its parts by source and iteration, real rows first.

    Attributes:
        path: its select step.
    """

    path: str
    rows: int
    parts: tuple[Part, ...]
    ancestry: Ancestry


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
    found: dict[str, TrainingSet] = {}
    for path in TopologicalSorter(graph).static_order():
        rows = sum(part.rows for part in parts[path])
        found[path] = TrainingSet(path, rows, tuple(parts[path]), ancestry(parts[path], found))
    return dict(reversed(found.items()))


def ancestry(parts: list[Part], before: dict[str, TrainingSet]) -> Ancestry:
    """Return how a training set leads back to real rows, from the training sets before it."""
    rows = sum(part.rows for part in parts)
    real = unknown = generations = 0.0
    for part in parts:
        share = part.rows / rows
        if part.is_real:
            real += share
        elif part.trained_on is None:
            unknown += share
            generations += share
        else:
            behind = before[part.trained_on].ancestry
            real += share * behind.real
            unknown += share * behind.unknown
            generations += share * (1 + behind.generations)
    return Ancestry(real, unknown, generations)


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
