"""Candidates: what each source puts into the pool, and what a training set is selected from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from actors.pool.schema import FRESH, REAL
from actors.selection.quota import bounds
from actors.selection.trim import trimmed
from orchestrator.paradigms import AccumulateSubsample

if TYPE_CHECKING:
    from orchestrator.config import Experiment, OwnSet


class Arrival(NamedTuple):
    """What one source put into the pool at one iteration.

    Attributes:
        iteration: 0 for the first real rows.
        rows: rows stored.
        published: how many of them, the first ones, anybody can train on.
    """

    source: str
    iteration: int
    rows: int
    published: int


@dataclass(frozen=True)
class Candidates:
    """What a training set is selected from.

    Attributes:
        arrivals: the rows of the pool that come into question.
        strata: (first arrival, end, rows drawn) of the draw; without any every published row is a
            candidate.
        total: how many rows are candidates.
        rows: how many of them are selected.
    """

    arrivals: tuple[Arrival, ...]
    strata: tuple[tuple[int, int, int], ...]
    total: int
    rows: int

    @classmethod
    def all_of(cls, arrival: Arrival) -> Candidates:
        """Return the candidates of a training set that takes all rows of an arrival."""
        return cls((arrival,), (), arrival.rows, arrival.rows)

    def by_source(self) -> dict[str, float]:
        """Return how many candidates each source has, on average over draws."""
        counts: defaultdict[str, float] = defaultdict(float)
        for first, end, drawn in self.strata or [(0, len(self.arrivals), self.total)]:
            here = self.arrivals[first:end]
            total = sum(arrival.published for arrival in here)
            for arrival in here:
                counts[arrival.source] += arrival.published * drawn / total
        return dict(counts)


def real_rows(experiment: Experiment) -> Arrival:
    """Return what there is before the first iteration."""
    rows = experiment.dataset.rows
    return Arrival(REAL, 0, rows, rows)


def arrivals(experiment: Experiment, iteration: int, fresh: int) -> list[Arrival]:
    """Return what joins the pool after an iteration: samples by weight, then fresh rows."""
    published = published_rows(
        {name: generator.sampling.rows for name, generator in experiment.generators.items()},
        experiment.weights,
    )
    joined = [
        Arrival(name, iteration, generator.sampling.rows, published[name])
        for name, generator in experiment.generators.items()
    ]
    return [*joined, Arrival(FRESH, iteration, fresh, fresh)] if fresh else joined


def published_rows(rows: dict[str, int], weights: dict[str, float]) -> dict[str, int]:
    """Return how many rows of each source are published, as many as the weights allow.

    Args:
        rows: samples of each source.
        weights: how much of what is published each makes, on any scale; empty publishes all.
    """
    if not weights:
        return rows
    total = min(rows[name] / weight for name, weight in weights.items() if weight)
    return {name: int(total * weights[name] + 1e-9) for name in rows}


def candidates_for(
    experiment: Experiment,
    generations: Sequence[Sequence[Arrival]],
    training_set: OwnSet | None,
    ratio: float | None,
    trim: float = 0,
) -> Candidates:
    """Return what a training set is selected from.

    Args:
        training_set: of the generator, if it has one that others do not share.
        ratio: rows selected / candidate rows.
        trim: share of the candidates that is left out before anything is selected.

    Raises:
        ValueError: "field: what"; there are too few rows.
    """
    joined = tuple(arrival for generation in generations for arrival in generation)
    everything = sum(arrival.published for arrival in joined)
    paradigm = experiment.paradigm
    if training_set and training_set.rows:
        rows = training_set.rows
    elif paradigm.fixed_rows:
        rows = experiment.dataset.rows
    else:
        rows = everything if ratio is None else max(1, int(ratio * everything + 0.5))
    strata: tuple[tuple[int, int, int], ...] = ()
    if isinstance(paradigm, AccumulateSubsample):
        wanted = None if ratio is None else int(rows / ratio + 0.5)
        if paradigm.draw == "equal_share":
            strata = _equal_shares(generations, wanted or rows)
        elif wanted is not None and wanted != everything:
            _enough(everything, wanted, f"selection.ratio: {ratio:g} of them draws")
            strata = ((0, len(joined), wanted),)
    total = sum(drawn for _, _, drawn in strata) if strata else everything
    _enough(total, rows, "training_sets: selects" if training_set else "dataset.rows: selects")
    left = total - trimmed(total, trim)
    _enough(left, rows, f"selection.trim: {trim:g} leaves {left} of {total} candidates for")
    return Candidates(joined, strata, total, rows)


def _equal_shares(
    generations: Sequence[Sequence[Arrival]], wanted: int
) -> tuple[tuple[int, int, int], ...]:
    """Return a stratum per generation; the first ones take what does not divide."""
    strata, first = [], 0
    for number, generation in enumerate(generations):
        share = wanted // len(generations) + (number < wanted % len(generations))
        there = sum(arrival.published for arrival in generation)
        _enough(there, share, f"paradigm.draw: equal_share of generation {number} is")
        strata.append((first, first + len(generation), share))
        first += len(generation)
    return tuple(strata)


def _enough(there: int, wanted: int, what: str) -> None:
    if wanted > there:
        raise ValueError(f"{what} {wanted} rows; allowed are up to {there}, what there is")


def check_limits(experiment: Experiment, candidates: Candidates) -> None:
    """Raise ValueError when quotas and caps cannot be kept."""
    if experiment.quota or experiment.cap:
        available = {source: int(rows + 0.5) for source, rows in candidates.by_source().items()}
        bounds(available, candidates.rows, experiment.quota, experiment.cap)
