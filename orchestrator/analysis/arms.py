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
        compared = [found for name, group in groups if (found := compare_by(key, name, group))]
        if any(len(comparison.arms) > 1 for comparison in compared):
            return compared
    return []


def compare_by(key: Key, generator: str, records: list[Record]) -> Comparison | None:
    """Return how arms compare by one measure; None for fewer than two arms at one iteration."""
    arms: dict[str, dict[int, list[Summary]]] = {}
    for summary in summaries(records):
        record = summary.record
        arms.setdefault(record.series, {}).setdefault(record.iteration, []).append(summary)
    shared = set.intersection(*map(set, arms.values())) if len(arms) > 1 else set()
    if not shared:
        return None
    last = max(shared)
    there = {arm: by_iteration[last] for arm, by_iteration in arms.items()}
    # an arm whose seeds have several cards is not compared
    single = [found[0] for found in there.values() if len(found) == 1]
    cards = [summary.record.card for summary in single]
    usual = max(dict.fromkeys(cards), key=cards.count, default=None)
    alike = [summary for summary in single if summary.record.card == usual]
    sign = 1 if words.goal(key[0]) == "min" else -1
    alike.sort(key=lambda summary: sign * summary.interval.mean)
    names = {summary.record.series for summary in alike}
    apart = {arm: found[0] for arm, found in there.items() if arm not in names}
    return Comparison(key, generator, last, alike, apart)
