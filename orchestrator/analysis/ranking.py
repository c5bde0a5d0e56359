"""Ranking: which point of a sweep is best by an objective, among those that may be compared."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from orchestrator.analysis import words
from orchestrator.analysis.cards import differing
from orchestrator.analysis.records import Record, point_of, records_of
from orchestrator.analysis.statistics import Interval, mean_interval, paired
from orchestrator.outcome import Outcome, Sweep


@dataclass(frozen=True)
class Standing:
    """A point of a sweep with an objective.

    Attributes:
        values: means over generators, by seed.
        interval: over the seeds.
        iteration: at which it was measured, its last.
        cards: of all its values.
    """

    name: str
    point: dict[str, Any]
    values: dict[int, float]
    interval: Interval
    iteration: int
    cards: tuple[str, ...]


@dataclass(frozen=True)
class Ranking:
    """The points of a sweep by one objective.

    Attributes:
        places: points that may be compared, the best first; none where there are fewer than two.
        apart: the other points, with why they are not among them.
    """

    objective: str
    goal: str
    places: list[Standing] = field(default_factory=list)
    apart: dict[str, str] = field(default_factory=dict)

    @property
    def best(self) -> Standing | None:
        """The first of those that may be compared."""
        return self.places[0] if self.places else None

    @property
    def lead(self) -> Interval | None:
        """The paired difference of the best to the next, over the seeds of both."""
        return paired(self.places[0].values, self.places[1].values) if self.places else None


def by_point(sweep: Sweep) -> dict[str, list[Outcome]]:
    """Return the trials of each point, by its name."""
    points: dict[str, list[Outcome]] = {}
    for trial in sweep.trials:
        points.setdefault(point_of(trial), []).append(trial)
    return points


def last_records(trials: Sequence[Outcome], objective: str) -> list[Record]:
    """Return what an objective is made of: one measure of some trials at their last iteration."""
    last = max((trial.last_iteration for trial in trials), default=0)
    return [
        record
        for trial in trials
        for record in records_of(trial, point_of(trial), trial.point, last)
        if words.metric_name(*record.key) == objective
    ]


def values_of(records: list[Record]) -> dict[int, float]:
    """Return the mean over generators for each seed that has every value."""
    by_seed: dict[int, list[float | None]] = {}
    for record in records:
        by_seed.setdefault(record.seed, []).append(record.measure.value)
    return {
        seed: float(np.mean([v for v in values if v is not None]))
        for seed, values in by_seed.items()
        if None not in values
    }


def rank(sweep: Sweep, objective: str) -> Ranking:
    """Return the points by an objective, those that ran to their end with every seed.

    Points are compared at one iteration and equal cards; of several sets of points that could be,
    the largest is ranked, and the first of several.
    """
    goal = sweep.objectives.get(objective) or words.goal(objective) or "min"
    apart: dict[str, str] = {}
    standings = []
    for name, trials in by_point(sweep).items():
        records = last_records(trials, objective)
        values = values_of(records)
        if unended := sorted({t.status for t in trials if t.status != "finished"}):
            apart[name] = "/".join(unended)
        elif missing := sorted(set(sweep.seeds) - values.keys()):
            apart[name] = f"no value with seed {', '.join(map(str, missing))}"
        else:
            cards = tuple(sorted({record.card for record in records}))
            interval = mean_interval(list(values.values()))
            iteration = records[0].iteration
            standings.append(Standing(name, trials[0].point, values, interval, iteration, cards))
    comparable = [(place.iteration, place.cards) for place in standings]
    main = max(dict.fromkeys(comparable), key=comparable.count, default=None)
    places = [place for place in standings if (place.iteration, place.cards) == main]
    if len(places) < 2:
        apart |= dict.fromkeys((place.name for place in places), "nothing to compare it with")
    apart |= {
        place.name: _difference(place, places[0]) for place in standings if place not in places
    }
    sign = 1 if goal == "min" else -1
    places = sorted(places, key=lambda place: sign * place.interval.mean) if len(places) > 1 else []
    return Ranking(objective, goal, places, apart)


def _difference(standing: Standing, usual: Standing) -> str:
    """Return in what a point differs from those that are compared."""
    if standing.iteration != usual.iteration:
        return f"ended at iteration {standing.iteration}"
    fields = differing(json.loads(standing.cards[0]), json.loads(usual.cards[0]))
    return fields or "several cards"


def front(rankings: list[Ranking]) -> list[str]:
    """Return the points that no other is as good as in every objective and better in one."""
    costs: dict[str, list[float]] = {}
    for ranking in rankings:
        sign = 1 if ranking.goal == "min" else -1
        for standing in ranking.places:
            costs.setdefault(standing.name, []).append(sign * standing.interval.mean)
    complete = {name: cost for name, cost in costs.items() if len(cost) == len(rankings)}
    return [
        name
        for name, cost in complete.items()
        if not any(
            other != cost and all(a <= b for a, b in zip(other, cost, strict=True))
            for other in complete.values()
        )
    ]
