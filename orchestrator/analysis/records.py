"""Records: every number of a run or a sweep, with where it came from."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from actors.metrics.base import Measure
from orchestrator.analysis.cards import card_of, main_card
from orchestrator.analysis.statistics import Interval, mean_interval
from orchestrator.analysis.words import Key
from orchestrator.outcome import Outcome, Sweep

# what tells arms that are repeats of each other apart, at the end of their names
NUMBER = re.compile(r"[-_. ]*(seed)?[-_. ]*[0-9]+$")


@dataclass(frozen=True)
class Record:
    """One number.

    Attributes:
        series: the arm of a run, or the point of a sweep; arms that differ in their seed only are
            one.
        card: what another number must share to be compared with this one.
        arm: of the run.
        trial: its id, in a sweep.
        point: where in a sweep.
    """

    series: str
    generator: str
    iteration: int
    seed: int
    measure: Measure
    card: str
    arm: str
    trial: str = ""
    point: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return self.measure.metric, self.measure.subject


@dataclass(frozen=True)
class Summary:
    """One number, or the mean of several that differ in their seeds only.

    Attributes:
        record: the first of them.
        interval: over the seeds.
        values: by seed.
    """

    record: Record
    interval: Interval
    values: dict[int, float]

    @property
    def low(self) -> float | None:
        """End of the interval over the seeds, or where there is one, of the measure itself."""
        return self.interval.low if self.interval.n > 1 else self.record.measure.low

    @property
    def high(self) -> float | None:
        """End of the interval over the seeds, or where there is one, of the measure itself."""
        return self.interval.high if self.interval.n > 1 else self.record.measure.high


def point_of(trial: Outcome) -> str:
    """Return the name of a trial's point, without its seed; members of a population by number."""
    name = trial.name.rpartition(", seed ")[0] or trial.name
    if trial.id.startswith("member-"):
        return f"{name} (member {trial.id.split('-')[1]})"
    return name


def arms_in_series(arms: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the series of each arm: arms that differ in their seed only are repeats of one."""
    alike: dict[str, list[str]] = {}
    for arm, configuration in arms.items():
        rest = {name: value for name, value in configuration.items() if name != "seed"}
        alike.setdefault(json.dumps(rest, sort_keys=True), []).append(arm)
    series: dict[str, str] = {}
    for names in alike.values():
        seeds = {arms[arm].get("seed") for arm in names}
        stems = {NUMBER.sub("", arm) for arm in names}
        stem = stems.pop() if len(stems) == 1 else ""
        stem = stem or names[0]
        repeats = len(seeds) == len(names) > 1 and stem not in series.values()
        series |= {arm: stem if repeats else arm for arm in names}
    return series


def outcomes(work: Outcome | Sweep) -> Iterator[tuple[str, dict[str, Any], int, Outcome]]:
    """Yield (series, or nothing for the arms of a run, point, seed, outcome)."""
    if isinstance(work, Outcome):
        yield "", {}, work.seed, work
        return
    for trial in work.trials:
        if trial.arms:
            # JSON has sorted the axes by name
            point = {axis: trial.point[axis] for axis in work.axes if axis in trial.point}
            yield point_of(trial), point, trial.seed, trial


def records(work: Outcome | Sweep) -> list[Record]:
    """Return every number of a run or a sweep."""
    return [
        record
        for series, point, _, outcome in outcomes(work)
        for record in records_of(outcome, series, point)
    ]


def records_of(
    outcome: Outcome,
    series: str = "",
    point: dict[str, Any] | None = None,
    iteration: int | None = None,
) -> list[Record]:
    """Return every number of a run or a trial.

    Args:
        series: point of a sweep; none for a run, whose series are its arms.
        point: where in a sweep.
        iteration: the only one to be taken.
    """
    names = arms_in_series(outcome.arms)
    return [
        Record(
            series or names.get(result.arm, result.arm),
            result.generator,
            result.iteration,
            configuration.get("seed", outcome.seed),
            measure,
            card_of(measure, configuration),
            result.arm,
            outcome.id,
            point or {},
        )
        for result in outcome.results
        if iteration in (None, result.iteration)
        for configuration in [outcome.arms.get(result.arm, {})]
        for measure in result.measures
    ]


def summaries(records: list[Record]) -> list[Summary]:
    """Return the mean over seeds of numbers of one measure whose cards are equal.

    Numbers without a value are left out.
    """
    groups: dict[tuple[str, str, int, str], list[Record]] = {}
    for record in records:
        if record.measure.value is not None:
            where = (record.series, record.generator, record.iteration, record.card)
            groups.setdefault(where, []).append(record)
    return [
        Summary(group[0], mean_interval(list(values.values())), values)
        for group in groups.values()
        for values in [{record.seed: record.measure.known_value for record in group}]
    ]


def usual_card(records: list[Record]) -> str:
    """Return the card that most of some records have."""
    return main_card([record.card for record in records])


def keys(records: list[Record]) -> list[Key]:
    """Return the measures there are, in the order they came."""
    return list(dict.fromkeys(record.key for record in records))


def by_generator(records: list[Record]) -> dict[str, list[Record]]:
    """Return the records of each generator; of all, under no name, where they are the same.

    They are where generators share a training set.
    """
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.generator, []).append(record)
    seen = [
        {(r.series, r.iteration, r.seed): (r.card, r.measure.value) for r in group}
        for group in groups.values()
    ]
    shared = records[0].measure.subject == "training_set" if records else False
    if len(groups) == 1 or (shared and all(values == seen[0] for values in seen)):
        return {"": next(iter(groups.values()))}
    return groups


def last_iteration(records: list[Record]) -> int:
    """Return the last iteration that something was measured at."""
    return max((record.iteration for record in records), default=0)
