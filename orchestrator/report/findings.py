"""What a run or a sweep found, in sentences made of its numbers."""

from orchestrator.analysis import words
from orchestrator.analysis.arms import Comparison, compare, compare_by
from orchestrator.analysis.ranking import Ranking, rank
from orchestrator.analysis.records import Record, by_generator, last_iteration, summaries
from orchestrator.analysis.sentences import MOST_NAMED, best_of, compared
from orchestrator.analysis.verdicts import verdicts
from orchestrator.outcome import Outcome, Sweep
from orchestrator.report.axes import axes_of, curve_axis


def finding(outcome: Outcome | Sweep, records: list[Record]) -> str:
    """Return what came out, in a few sentences."""
    if not records:
        return "Nothing has been measured yet."
    if isinstance(outcome, Outcome):
        return _of_run(records)
    sentences = []
    for objective in outcome.objectives:
        ranking = rank(outcome, objective)
        text = best_of(ranking)
        sentences.append(text[0].upper() + text[1:] + _place(outcome, ranking) + ".")
    return " ".join(sentences)


def _of_run(records: list[Record]) -> str:
    sentences = []
    for comparison in compare(records):
        sentences += [*_moved(records, comparison), compared(comparison)]
    if sentences:
        return " ".join([*sentences, *_quality(records), *map(str, verdicts(records))])
    series, last = {record.series for record in records}, last_iteration(records)
    return f"{len(series)} arm{'s' * (len(series) > 1)}, {last} iteration{'s' * (last > 1)}."


def _quality(records: list[Record]) -> list[str]:
    """Return the last Fréchet distance of every arm: entropy alone would praise noise."""
    key = ("frechet_distance", "samples")
    distances = [record for record in records if record.key == key]
    phrases = []
    for generator, group in by_generator(distances).items() if distances else ():
        comparison = compare_by(key, generator, group)
        if comparison and 1 < len(comparison.arms) <= MOST_NAMED:
            values = ", ".join(
                f"{words.number(arm.interval.mean, 3)} in {arm.record.series}"
                for arm in comparison.arms
            )
            phrases.append(f"{generator}: {values}" if generator else values)
    text = f"Fréchet distance then (lower is nearer to real data): {'; '.join(phrases)}."
    return [text] * bool(phrases)


def _moved(records: list[Record], comparison: Comparison) -> list[str]:
    """Return how the first arm of a run came to where it is."""
    key, generator = comparison.key, comparison.generator
    measured = [r for r in records if r.key == key and generator in ("", r.generator)]
    first = measured[0].series
    line = {s.record.iteration: s for s in summaries(measured) if s.record.series == first}
    start, end = line[min(line)], line[comparison.iteration]
    if start is end or start.record.card != end.record.card:
        return []
    way = "fell" if end.interval.mean < start.interval.mean else "rose"
    values = [words.number(summary.interval.mean, 3) for summary in (start, end)]
    return [
        f"In {first}, {words.short(key)} {way} from {values[0]} to {values[1]} "
        f"{end.record.measure.unit} between iterations {min(line)} and {comparison.iteration}."
    ]


def _place(sweep: Sweep, ranking: Ranking) -> str:
    """Return whether the best point lies inside the range that its line was measured on."""
    axis = curve_axis(axes_of(sweep))
    if axis is None or ranking.best is None:
        return ""
    best = ranking.best.point
    line = [
        axis.place(standing.point)
        for standing in ranking.places
        if axis.line(standing.point) == axis.line(best)
    ]
    inside = min(line) < axis.place(best) < max(line)
    return f"; it lies {'inside' if inside else 'at the edge of'} the range of {axis.field}"
