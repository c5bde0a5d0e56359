"""Offers: what each source puts into the pool, and what a training set is selected from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from actors.pool.schema import FRESH, REAL
from actors.selection.quota import bounds
from orchestrator.paradigms import AccumulateSubsample

if TYPE_CHECKING:
    from orchestrator.config import Experiment, OwnSet


class Part(NamedTuple):
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
class Offer:
    """What a training set is selected from.

    Attributes:
        parts: of the pool.
        strata: (first part, end, rows drawn) of the draw; without any every published row is a
            candidate.
        candidates: how many rows are candidates.
        rows: how many of them are selected.
    """

    parts: tuple[Part, ...]
    strata: tuple[tuple[int, int, int], ...]
    candidates: int
    rows: int

    def by_source(self) -> dict[str, float]:
        """Return how many candidates each source has, on average over draws."""
        counts: defaultdict[str, float] = defaultdict(float)
        for first, end, drawn in self.strata or [(0, len(self.parts), self.candidates)]:
            here = self.parts[first:end]
            total = sum(part.published for part in here)
            for part in here:
                counts[part.source] += part.published * drawn / total
        return dict(counts)


def real_part(experiment: Experiment) -> Part:
    """Return what there is before the first iteration."""
    rows = experiment.dataset.rows
    return Part(REAL, 0, rows, rows)


def arriving(experiment: Experiment, iteration: int, fresh: int) -> list[Part]:
    """Return what joins the pool after an iteration: samples by weight, then fresh rows."""
    published = published_rows(
        {name: one.sampling.rows for name, one in experiment.generators.items()},
        experiment.weights,
    )
    parts = [
        Part(name, iteration, one.sampling.rows, published[name])
        for name, one in experiment.generators.items()
    ]
    return [*parts, Part(FRESH, iteration, fresh, fresh)] if fresh else parts


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


def make_offer(
    experiment: Experiment,
    generations: Sequence[Sequence[Part]],
    own: OwnSet | None,
    ratio: float | None,
) -> Offer:
    """Return what a training set is selected from.

    Args:
        own: of the generator, if it has a training set of its own.
        ratio: rows selected / candidate rows.

    Raises:
        ValueError: "field: what"; there are too few rows.
    """
    parts = tuple(part for generation in generations for part in generation)
    everything = sum(part.published for part in parts)
    paradigm = experiment.paradigm
    if own and own.rows:
        rows = own.rows
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
            strata = ((0, len(parts), wanted),)
    candidates = sum(drawn for _, _, drawn in strata) if strata else everything
    _enough(candidates, rows, "training_sets: selects" if own else "dataset.rows: selects")
    return Offer(parts, strata, candidates, rows)


def _equal_shares(
    generations: Sequence[Sequence[Part]], wanted: int
) -> tuple[tuple[int, int, int], ...]:
    """Return a stratum per generation; the first ones take what does not divide."""
    strata, first = [], 0
    for number, generation in enumerate(generations):
        share = wanted // len(generations) + (number < wanted % len(generations))
        there = sum(part.published for part in generation)
        _enough(there, share, f"paradigm.draw: equal_share of generation {number} is")
        strata.append((first, first + len(generation), share))
        first += len(generation)
    return tuple(strata)


def _enough(there: int, wanted: int, what: str) -> None:
    if wanted > there:
        raise ValueError(f"{what} {wanted} rows; allowed are up to {there}, what there is")


def check_limits(experiment: Experiment, offer: Offer) -> None:
    """Raise ValueError when quotas and caps cannot be kept."""
    if experiment.quota or experiment.cap:
        available = {source: int(rows + 0.5) for source, rows in offer.by_source().items()}
        bounds(available, offer.rows, experiment.quota, experiment.cap)
