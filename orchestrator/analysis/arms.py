"""Arms of a run beside each other: at one iteration, of equal cards, by differences per seed."""

from dataclasses import dataclass

from orchestrator.analysis import words
from orchestrator.analysis.records import Record, Summary, by_generator, summaries
from orchestrator.analysis.statistics import Interval, paired
from orchestrator.analysis.words import Key


@dataclass(frozen=True)
class Comparison:
    """The arms of a run by one measure of one generator, or of all that share a training set.

    Attributes:
        generator: its name; empty where it is of all.
        iteration: the last that all arms have.
        arms: those that may be compared, the best first.
        apart: names of the others, with how they were measured.
    """

    key: Key
    generator: str
    iteration: int
    arms: list[Summary]
    apart: dict[str, Summary]

    @property
    def leads(self) -> dict[str, Interval | None]:
        """The paired differences of the first arm to each of the others, by their names."""
        first, *others = self.arms
        return {summary.record.series: paired(first.values, summary.values) for summary in others}


def compare(records: list[Record]) -> list[Comparison]:
    """Return the comparisons of the arms of a run, by the first main metric that has some."""
    for key in words.MAIN:
        mine = [record for record in records if record.key == key]
        groups = by_generator(mine).items() if mine else ()
        compared = [summary for name, group in groups if (summary := compare_by(key, name, group))]
        if any(len(summary.arms) > 1 for summary in compared):
            return compared
    return []


def compare_by(key: Key, generator: str, records: list[Record]) -> Comparison | None:
    """Return how arms compare by one measure; None for fewer than two arms at one iteration."""
    arms: dict[str, dict[int, list[Summary]]] = {}
    for summary in summaries(records):
        record = summary.record
        arms.setdefault(record.series, {}).setdefault(record.iteration, []).append(summary)
    last = (
        max(set.intersection(*(set(by_iteration) for by_iteration in arms.values())), default=0)
        if arms
        else 0
    )
    if len(arms) < 2 or not last:
        return None
    # an arm whose seeds have several cards is not compared
    there = {arm: by_iteration[last] for arm, by_iteration in arms.items()}
    cards = [
        by_iteration[0].record.card for by_iteration in there.values() if len(by_iteration) == 1
    ]
    usual = max(dict.fromkeys(cards), key=cards.count, default=None)
    alike = [
        by_iteration[0]
        for by_iteration in there.values()
        if len(by_iteration) == 1 and by_iteration[0].record.card == usual
    ]
    sign = 1 if words.goal(key[0]) == "min" else -1
    alike.sort(key=lambda summary: sign * summary.interval.mean)
    names = {summary.record.series for summary in alike}
    apart = {arm: by_iteration[0] for arm, by_iteration in there.items() if arm not in names}
    return Comparison(key, generator, last, alike, apart)
