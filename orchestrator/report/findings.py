"""What a run or a sweep found, in sentences made of its numbers."""

from orchestrator.analysis import words
from orchestrator.analysis.arms import Comparison, compare, compare_by
from orchestrator.analysis.ranking import Ranking, rank
from orchestrator.analysis.records import (
    Record,
    by_generator,
    last_iteration,
    summaries,
)
from orchestrator.analysis.sentences import MOST_NAMED, best_of, compared
from orchestrator.outcome import Outcome, Sweep
from orchestrator.report.axes import axes_of
from orchestrator.report.curves import curve_axis, line_name


def finding(found: Outcome | Sweep, numbers: list[Record]) -> str:
    """Return what came out, in a few sentences."""
    if not numbers:
        return "Nothing has been measured yet."
    return _of_run(numbers) if isinstance(found, Outcome) else _of_sweep(found)


def _of_run(numbers: list[Record]) -> str:
    told = []
    for one in compare(numbers):
        told += [*_moved(numbers, one), compared(one)]
    if told:
        return " ".join([*told, *_quality(numbers)])
    series, last = {r.series for r in numbers}, last_iteration(numbers)
    return f"{len(series)} arm{'s' * (len(series) > 1)}, {last} iteration{'s' * (last > 1)}."


def _quality(numbers: list[Record]) -> list[str]:
    """Return the last Fréchet distance of every arm: entropy alone would praise noise."""
    key = ("frechet_distance", "samples")
    mine = [record for record in numbers if record.key == key]
    told = []
    for generator, group in by_generator(mine).items() if mine else ():
        found = compare_by(key, generator, group)
        if found and 1 < len(found.arms) <= MOST_NAMED:
            values = ", ".join(
                f"{words.number(one.interval.mean, 3)} in {one.record.series}" for one in found.arms
            )
            told.append(f"{generator}: {values}" if generator else values)
    if not told:
        return []
    return [f"Fréchet distance then (lower is nearer to real data): {'; '.join(told)}."]


def _moved(numbers: list[Record], found: Comparison) -> list[str]:
    """Return how the first arm of a run came to where it is."""
    mine = [r for r in numbers if r.key == found.key and found.generator in ("", r.generator)]
    first = mine[0].series
    own = {s.record.iteration: s for s in summaries(mine) if s.record.series == first}
    start, end = own[min(own)], own[found.iteration]
    if start is end or start.record.card != end.record.card:
        return []
    way = "fell" if end.interval.mean < start.interval.mean else "rose"
    values = [words.number(one.interval.mean, 3) for one in (start, end)]
    return [
        f"In {first}, {words.short(found.key)} {way} from {values[0]} to {values[1]} "
        f"{end.record.measure.unit} between iterations {min(own)} and {found.iteration}."
    ]


def _of_sweep(sweep: Sweep) -> str:
    told = []
    for objective in sweep.objectives:
        ranking = rank(sweep, objective)
        text = best_of(ranking)
        told.append(text[0].upper() + text[1:] + _place(sweep, ranking) + ".")
    return " ".join(told)


def _place(sweep: Sweep, ranking: Ranking) -> str:
    """Return whether the best point lies inside the range that its line was measured on."""
    axis = curve_axis(axes_of(sweep))
    if axis is None or ranking.best is None:
        return ""
    best = ranking.best.point
    line = [
        axis.place(one.point)
        for one in ranking.places
        if line_name(one.point, axis) == line_name(best, axis)
    ]
    inside = min(line) < axis.place(best) < max(line)
    return f"; it lies {'inside' if inside else 'at the edge of'} the range of {axis.field}"
