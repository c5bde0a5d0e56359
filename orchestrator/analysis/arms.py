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
        return {one.record.series: paired(first.values, one.values) for one in others}


def compare(found: list[Record]) -> list[Comparison]:
    """Return the comparisons of the arms of a run, by the first main metric that has some."""
    for key in words.MAIN:
        mine = [record for record in found if record.key == key]
        groups = by_generator(mine).items() if mine else ()
        compared = [one for name, group in groups if (one := compare_by(key, name, group))]
        if any(len(one.arms) > 1 for one in compared):
            return compared
    return []


def compare_by(key: Key, generator: str, found: list[Record]) -> Comparison | None:
    """Return how arms compare by one measure; None for fewer than two arms at one iteration."""
    arms: dict[str, dict[int, list[Summary]]] = {}
    for one in summaries(found):
        record = one.record
        arms.setdefault(record.series, {}).setdefault(record.iteration, []).append(one)
    last = max(set.intersection(*(set(own) for own in arms.values())), default=0) if arms else 0
    if len(arms) < 2 or not last:
        return None
    # an arm whose seeds have several cards is not compared
    there = {arm: own[last] for arm, own in arms.items()}
    cards = [own[0].record.card for own in there.values() if len(own) == 1]
    usual = max(dict.fromkeys(cards), key=cards.count, default=None)
    alike = [own[0] for own in there.values() if len(own) == 1 and own[0].record.card == usual]
    sign = 1 if words.goal(key[0]) == "min" else -1
    alike.sort(key=lambda one: sign * one.interval.mean)
    names = {one.record.series for one in alike}
    apart = {arm: own[0] for arm, own in there.items() if arm not in names}
    return Comparison(key, generator, last, alike, apart)
