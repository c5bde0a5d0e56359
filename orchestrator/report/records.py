"""Records: every number of a run or a sweep, with where it came from."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from actors.evaluation.measures import CARD
from orchestrator.outcome import Outcome, Sweep
from orchestrator.report.statistics import Interval, mean_interval
from orchestrator.report.words import Key

# what of a data set may differ between numbers that are compared; the card has the numbers of rows
NOT_OF_CARD = ("rows", "reference_rows")


@dataclass(frozen=True)
class Record:
    """One number.

    Attributes:
        series: the arm of a run, or the point of a sweep.
        card: what another number must share to be compared with this one.
        point: where in a sweep.
    """

    series: str
    generator: str
    iteration: int
    seed: int
    measure: dict[str, Any]
    card: str
    point: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return self.measure["metric"], self.measure["subject"]


@dataclass(frozen=True)
class Summary:
    """One number, or the mean of several that differ in their seeds only.

    Attributes:
        record: the first of them.
        interval: over the seeds, or where there is one seed, of the measure itself.
    """

    record: Record
    interval: Interval

    @property
    def low(self) -> float | None:
        return self.interval.low if self.interval.n > 1 else self.record.measure["low"]

    @property
    def high(self) -> float | None:
        return self.interval.high if self.interval.n > 1 else self.record.measure["high"]


def point_name(point: dict[str, Any]) -> str:
    """Return what a point of a sweep is called, e.g. "ratio 0.4, kind greedy"."""
    lasts = [axis.rsplit(".", 1)[-1] for axis in point]
    return ", ".join(
        f"{axis_name(axis, lasts)} {value:.4g}"
        if isinstance(value, float)
        else f"{axis_name(axis, lasts)} {value}"
        for axis, value in point.items()
    )


def axis_name(axis: str, lasts: list[str]) -> str:
    """Return the last part of a dotted path, with the one before where that is not enough."""
    parts = axis.split(".")
    enough = lasts.count(parts[-1]) < 2 and parts[-1] not in ("kind", "rows", "steps")
    return parts[-1] if enough else " ".join(parts[-2:]).removesuffix(" kind")


def outcomes(found: Outcome | Sweep) -> Iterator[tuple[str, dict[str, Any], int, Outcome]]:
    """Yield (series, or nothing for the arms of a run, point, seed, outcome)."""
    if isinstance(found, Outcome):
        yield "", {}, found.seed, found
        return
    for trial in found.trials:
        if trial.outcome:
            # JSON has sorted the axes by name
            point = {axis: trial.point[axis] for axis in found.axes if axis in trial.point}
            yield point_name(point), point, trial.seed, trial.outcome


def records(found: Outcome | Sweep) -> list[Record]:
    """Return every number of a run or a sweep."""
    return [
        Record(
            series or result.arm,
            result.generator,
            result.iteration,
            seed,
            measure,
            card_of(measure, outcome.arms.get(result.arm, {})),
            point,
        )
        for series, point, seed, outcome in outcomes(found)
        for result in outcome.results
        for measure in result.measures
    ]


def card_of(measure: dict[str, Any], configuration: dict[str, Any]) -> str:
    """Return a card as text: equal texts may be compared."""
    dataset = configuration.get("dataset", {})
    card = {name: measure.get(name) for name in CARD}
    card["dataset"] = {k: v for k, v in dataset.items() if k not in NOT_OF_CARD}
    return json.dumps(card, sort_keys=True)


def main_card(found: list[Record]) -> str:
    """Return the card that most numbers have; the first of several."""
    cards = [record.card for record in found]
    return max(dict.fromkeys(cards), key=cards.count)


def summaries(found: list[Record]) -> list[Summary]:
    """Return the mean over seeds of numbers of one measure whose cards are equal.

    Numbers without a value are left out.
    """
    groups: dict[tuple[str, str, int, str], list[Record]] = {}
    for record in found:
        if record.measure["value"] is not None:
            where = (record.series, record.generator, record.iteration, record.card)
            groups.setdefault(where, []).append(record)
    return [
        Summary(group[0], mean_interval([record.measure["value"] for record in group]))
        for group in groups.values()
    ]


def keys(found: list[Record]) -> list[Key]:
    """Return the measures there are, in the order they came."""
    return list(dict.fromkeys(record.key for record in found))


def by_generator(found: list[Record]) -> dict[str, list[Record]]:
    """Return the records of each generator; of all, under no name, where they are the same.

    They are where generators share a training set.
    """
    groups: dict[str, list[Record]] = {}
    for record in found:
        groups.setdefault(record.generator, []).append(record)
    seen = [
        {(r.series, r.iteration, r.seed): (r.card, r.measure["value"]) for r in group}
        for group in groups.values()
    ]
    shared = found[0].measure["subject"] == "training_set" if found else False
    if len(groups) == 1 or (shared and all(one == seen[0] for one in seen)):
        return {"": next(iter(groups.values()))}
    return groups


def last_iteration(found: list[Record]) -> int:
    """Return the last iteration that something was measured at."""
    return max((record.iteration for record in found), default=0)
