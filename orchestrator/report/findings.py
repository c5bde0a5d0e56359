"""What a run or a sweep found, in sentences made of its numbers."""

from dataclasses import dataclass

from orchestrator.outcome import Outcome, Sweep
from orchestrator.report import words
from orchestrator.report.axes import axes_of
from orchestrator.report.curves import best, curve_axis, spelled
from orchestrator.report.records import (
    Record,
    Summary,
    by_generator,
    last_iteration,
    main_card,
    summaries,
)
from orchestrator.report.statistics import Interval, mean_interval

ENTROPY = ("entropy", "training_set")
MOST_TOLD = 4  # arms in a sentence


def finding(found: Outcome | Sweep, numbers: list[Record]) -> str:
    """Return what came out, in one or two sentences."""
    if not numbers:
        return "Nothing has been measured yet."
    return _of_run(numbers) if isinstance(found, Outcome) else _of_sweep(found, numbers)


def _of_run(numbers: list[Record]) -> str:
    for key in (ENTROPY, ("generalization_score", "samples"), ("frechet_distance", "samples")):
        mine = [record for record in numbers if record.key == key]
        for generator, group in by_generator(mine).items() if mine else ():
            if told := _ranked(key, generator, summaries(group)):
                return f"{told} {_quality(numbers)}".rstrip()
    return f"{len({r.series for r in numbers})} arms, {last_iteration(numbers)} iterations."


def _quality(numbers: list[Record]) -> str:
    """Return the last Fréchet distance of every arm: entropy alone would praise noise."""
    mine = [record for record in numbers if record.key == ("frechet_distance", "samples")]
    told = []
    for generator, group in by_generator(mine).items() if mine else ():
        last = min(
            max(r.iteration for r in group if r.series == arm) for arm in {r.series for r in group}
        )
        main = main_card(group)
        own = [s for s in summaries(group) if s.record.iteration == last and s.record.card == main]
        if not 1 < len(own) <= MOST_TOLD:
            continue
        values = ", ".join(
            f"{words.number(s.interval.mean, 3)} under {s.record.series}" for s in own
        )
        told.append(f"{generator}: {values}" if generator else values)
    if not told:
        return ""
    return f"Fréchet distance then (lower is nearer to real data): {'; '.join(told)}."


def _ranked(key: words.Key, generator: str, shown: list[Summary]) -> str | None:
    """Return how the arms compare at the last iteration that all of them have."""
    arms: dict[str, dict[int, Summary]] = {}
    for one in shown:
        arms.setdefault(one.record.series, {})[one.record.iteration] = one
    if not arms:
        return None
    last = max(set.intersection(*(set(own) for own in arms.values())), default=0)
    if not last:
        return None
    first_arm = next(iter(arms))
    unit = shown[0].record.measure["unit"]
    of = f" ({generator})" if generator else ""
    told = f"Under {first_arm}, {words.short(key)}{of} {_moved(arms[first_arm], last, unit)}"
    rivals = {
        arm: own[last]
        for arm, own in arms.items()
        if arm != first_arm and own[last].record.card == arms[first_arm][last].record.card
    }
    if not rivals:
        more = (
            "; the other arms were measured on other sets, and are not compared"
            if len(arms) > 1
            else ""
        )
        return f"{told}{more}."
    sign = -1 if words.BETTER.get(key[0]) == "min" else 1
    top = max(rivals, key=lambda arm: sign * rivals[arm].interval.mean)
    here, there = arms[first_arm][last].interval.mean, rivals[top].interval.mean
    if here == there:
        return f"{told}; {top} came to the same."
    gap = words.number(abs(there - here), 3)
    way = "above" if there > here else "below"
    among = f" of the {len(rivals)} other arms that can be compared" if len(rivals) > 1 else ""
    best_word = " is the best" + among + "," if among else " ends"
    overlap = _overlap(arms[first_arm][last], rivals[top])
    return f"{told}; {top}{best_word} {gap} {unit} {way} it{overlap}."


def _overlap(one: Summary, other: Summary) -> str:
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return " (one seed, no interval)"
    apart = one.high < other.low or other.high < one.low
    kind = "over seeds" if one.interval.n > 1 else "of one seed, for the rows drawn,"
    return f" (95 % intervals {kind} {'lie apart' if apart else 'overlap'})"


def _moved(own: dict[int, Summary], last: int, unit: str) -> str:
    first = min(own)
    end = words.number(own[last].interval.mean, 3)
    if first == last or own[first].record.card != own[last].record.card:
        return f"is {end} {unit} at iteration {last}"
    start = words.number(own[first].interval.mean, 3)
    way = "fell" if own[last].interval.mean < own[first].interval.mean else "rose"
    return f"{way} from {start} to {end} {unit} between iterations {first} and {last}"


@dataclass(frozen=True)
class Standing:
    """A point of a sweep with an objective: its mean over generators, then over seeds."""

    point: dict[str, object]
    name: str
    interval: Interval
    comparable: bool


def standings(numbers: list[Record], metric: str, goal: str) -> list[Standing]:
    """Return the points of a sweep that have come to the last iteration, the best first.

    Those that were measured on other sets than most come last.
    """
    last = last_iteration(numbers)
    mine = [
        r
        for r in numbers
        if r.iteration == last
        and r.key in ((metric, "samples"), (metric, "training_set"))
        and r.measure["value"] is not None
    ]
    # of a measure of both, that of the training sets comes first
    if any(r.key[1] == "training_set" for r in mine):
        mine = [r for r in mine if r.key[1] == "training_set"]
    if not mine:
        return []
    main = main_card(mine)
    found = []
    for name in dict.fromkeys(r.series for r in mine):
        own = [r for r in mine if r.series == name]
        seeds = [
            sum(values) / len(values)
            for seed in dict.fromkeys(r.seed for r in own)
            for values in [[r.measure["value"] for r in own if r.seed == seed]]
        ]
        comparable = all(r.card == main for r in own)
        found.append(Standing(own[0].point, name, mean_interval(seeds), comparable))
    sign = 1 if goal == "min" else -1
    return sorted(found, key=lambda one: (not one.comparable, sign * one.interval.mean))


def _of_sweep(sweep: Sweep, numbers: list[Record]) -> str:
    metric, goal = next(iter(sweep.objectives.items()), ("frechet_distance", "min"))
    ranked = [one for one in standings(numbers, metric, goal) if one.comparable]
    if not ranked:
        return f"No trial has measured {metric.replace('_', ' ')} yet."
    top = ranked[0]
    word = "Lowest" if goal == "min" else "Highest"
    name = words.NAMES.get(metric, metric.replace("_", " "))
    told = (
        f"{word} {words.lowered(name)} at iteration "
        f"{last_iteration(numbers)}: {top.name}, {told_interval(top.interval)}"
    )
    if len(ranked) > 1:
        second = ranked[1]
        told += f"; next {second.name}, {words.number(second.interval.mean)}"
        if top.interval.low is not None and second.interval.low is not None:
            assert top.interval.high is not None
            assert second.interval.high is not None
            apart = (
                top.interval.high < second.interval.low or second.interval.high < top.interval.low
            )
            told += " (their 95 % intervals lie apart)" if apart else " (95 % intervals overlap)"
    axis = curve_axis(axes_of(sweep))
    mine = [
        r
        for r in numbers
        if r.key == (metric, "samples") and r.iteration == last_iteration(numbers)
    ]
    if axis and mine:
        for generator, group in by_generator(mine).items():
            for line, (at, optimum) in best(summaries(group), axis, main_card(group), goal).items():
                of = ", ".join(one for one in (generator, line if line != "all" else "") if one)
                where = spelled(str(at.record.point[axis.field]), optimum, axis)
                told += f". {of}: {where}" if of else f". {where[0].upper()}{where[1:]}"
    return told + "."


def told_interval(found: Interval) -> str:
    """Return a mean with its interval and the number of seeds."""
    if found.low is None or found.high is None:
        return f"{words.number(found.mean)} (one seed)"
    low, high = words.number(found.low), words.number(found.high)
    return f"{words.number(found.mean)} (95 % {low} to {high}, {found.n} seeds)"
