"""What an arm gains and what it costs: every metric that has a good side, beside the first arm."""

from dataclasses import dataclass

from actors.metrics.groups import metrics
from orchestrator.analysis import words
from orchestrator.analysis.arms import Comparison, compare_by
from orchestrator.analysis.records import Record, by_generator
from orchestrator.analysis.statistics import is_apart


@dataclass(frozen=True)
class Verdict:
    """How an arm differs from the first one at the last iteration of both.

    Attributes:
        seeds: the fewest that a difference is paired over.
        better: short names of metrics that are clearly better for every generator.
        worse: of those that are clearly worse for every generator.
        unclear: of the others.
    """

    arm: str
    first: str
    iteration: int
    seeds: int
    better: list[str]
    worse: list[str]
    unclear: list[str]

    def __str__(self) -> str:
        sides = {
            "Better": self.better,
            "Worse": self.worse,
            "No clear difference": self.unclear,
        }
        said = " ".join(f"{side}: {'; '.join(names)}." for side, names in sides.items() if names)
        beside = f"{self.arm} beside {self.first} at iteration {self.iteration}"
        return f"{beside}, paired over {self.seeds} seeds. {said}"


def verdicts(records: list[Record]) -> list[Verdict]:
    """Return how each arm of a run differs from the first, where there are seeds enough to say."""
    arms = list(dict.fromkeys(record.series for record in records))
    return [
        verdict
        for arm in arms[1:]
        if (verdict := _verdict([r for r in records if r.series in (arms[0], arm)]))
    ]


def _verdict(records: list[Record]) -> Verdict | None:
    first, arm = dict.fromkeys(record.series for record in records)
    sides: dict[str, list[str]] = {"better": [], "worse": [], "unclear": []}
    all_of: list[Comparison] = []
    for metric in metrics().values():
        key = metric.name, metric.subjects[0]
        if metric.goal is None or not (mine := [r for r in records if r.key == key]):
            continue
        groups = by_generator(mine).items()
        every = [compare_by(key, name, group) for name, group in groups]
        compared = [comparison for comparison in every if comparison and len(comparison.arms) > 1]
        named = {_side(comparison, arm) for comparison in compared}
        if compared and None not in named:
            all_of += compared
            side = named.pop() if len(named) == 1 else "unclear"
            sides[str(side)].append(words.short(key))
    if not all_of:
        return None
    seeds = min(lead.n for comparison in all_of for lead in comparison.leads.values() if lead)
    return Verdict(arm, first, max(c.iteration for c in all_of), seeds, **sides)


def _side(comparison: Comparison, arm: str) -> str | None:
    """Return on which side of the other arm one is; None with too few seeds to say."""
    best = comparison.arms[0].record.series
    (lead,) = comparison.leads.values()
    apart = is_apart(lead)
    if apart is None:
        return None
    return ("better" if best == arm else "worse") if apart else "unclear"
