"""Lineage: which model made a sample, what that was trained on, and the real rows behind it all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

import numpy as np

from actors.errors import UserError
from actors.pool import selections
from actors.pool.inspect.contents import Contents
from actors.pool.manifest import StoredStep
from actors.pool.schema import FRESH, REAL


@dataclass(frozen=True)
class Group:
    """The rows of one sample step in a training set.

    Attributes:
        sample: the sample step.
        rows: how many of its rows are selected.
        trained_on: select step of the model that made it; None for real rows and external models.
    """

    sample: StoredStep
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
    """A stored training set: its rows by source and iteration, real rows first.

    Attributes:
        path: its select step.
    """

    path: str
    rows: int
    groups: Sequence[Group]
    ancestry: Ancestry


def model_of(contents: Contents, sample: StoredStep) -> StoredStep | None:
    """Return the train step of a sample step; None for real rows and external models.

    Raises:
        UserError: the train step is not in the store any more.
    """
    checkpoint = sample.input("checkpoint")
    return _stored(contents, checkpoint) if checkpoint else None


def behind(contents: Contents, sample: StoredStep) -> dict[str, TrainingSet]:
    """Return every training set behind a sample step, by select step, the latest first.

    Raises:
        UserError: a step behind it is not in the store any more.
    """
    groups: dict[str, list[Group]] = {}
    graph: dict[str, set[str]] = {}
    left = [path for path in [_trained_on(contents, sample)] if path]
    while left:
        path = left.pop()
        if path not in graph:
            groups[path] = _groups(contents, path)
            graph[path] = {group.trained_on for group in groups[path] if group.trained_on}
            left += sorted(graph[path])
    sets: dict[str, TrainingSet] = {}
    for path in TopologicalSorter(graph).static_order():
        rows = sum(group.rows for group in groups[path])
        sets[path] = TrainingSet(path, rows, groups[path], _ancestry(groups[path], rows, sets))
    return dict(reversed(sets.items()))


def _ancestry(groups: Sequence[Group], rows: int, before: Mapping[str, TrainingSet]) -> Ancestry:
    """Return how a training set leads back to real rows, from the training sets before it."""
    real = unknown = generations = 0.0
    for group in groups:
        share = group.rows / rows
        if group.is_real:
            real += share
        elif group.trained_on is None:
            unknown += share
            generations += share
        else:
            behind = before[group.trained_on].ancestry
            real += share * behind.real
            unknown += share * behind.unknown
            generations += share * (1 + behind.generations)
    return Ancestry(real, unknown, generations)


def _groups(contents: Contents, select: str) -> list[Group]:
    """Return how many rows a selection took from each sample step that it took any from."""
    stored = selections.read(contents.storage, _stored(contents, select).path)
    steps = [_stored(contents, path) for path in stored.samples]
    ends = np.cumsum([step.rows for step in steps])
    of_step = np.searchsorted(ends, stored.positions, side="right")
    counts = np.bincount(of_step, minlength=len(steps)).tolist()
    groups = [
        Group(step, rows, _trained_on(contents, step))
        for step, rows in zip(steps, counts, strict=True)
        if rows
    ]
    return sorted(groups, key=lambda group: (not group.is_real, group.sample.iteration or 0))


def _trained_on(contents: Contents, sample: StoredStep) -> str | None:
    train = model_of(contents, sample)
    return train.inputs["training_set"][0] if train else None


def _stored(contents: Contents, path: str) -> StoredStep:
    if path not in contents.finished:
        raise UserError(f"lineage: {path} is not in the store any more; run again to have it back")
    return contents.finished[path]
