"""Lines of a sweep beside each other, e.g. random selection beside greedy at every ratio."""

from collections.abc import Iterator

from orchestrator.analysis import words
from orchestrator.analysis.records import Record, Summary, by_generator, last_iteration, summaries
from orchestrator.analysis.statistics import is_apart, paired
from orchestrator.report.axes import Axis
from orchestrator.report.curves import line_name
from orchestrator.report.tables import table


def differences(found: list[Record], axis: Axis, objectives: dict[str, str]) -> str:
    """Return a table of the paired differences between lines at every place of the axis.

    Nothing where there is one line. Measures whose cards differ between lines are left out.
    """
    rows = list(_rows([r for r in found if r.iteration == last_iteration(found)], axis, objectives))
    if not rows:
        return ""
    head = ["measure", "difference of", *(f"{axis.field} {value}" for value in axis.values)]
    note = (
        "<p class=note>Means of the differences per seed, with the 95 % interval of the paired "
        "t-test. With three seeds and more, ! marks those whose interval excludes zero; with fewer "
        "there is no verdict.</p>"
    )
    return table(head, rows, 2) + note


def _rows(last: list[Record], axis: Axis, objectives: dict[str, str]) -> Iterator[list[str]]:
    keys = dict.fromkeys(r.key for r in last)
    for key in keys:
        if key not in words.MAIN and words.metric_name(*key) not in objectives:
            continue
        for generator, group in by_generator([r for r in last if r.key == key]).items():
            lines: dict[str, dict[float, list[Summary]]] = {}
            for one in summaries(group):
                own = lines.setdefault(line_name(one.record.point, axis), {})
                own.setdefault(axis.place(one.record.point), []).append(one)
            first, *others = lines
            of = f", {generator}" if generator else ""
            for other in others:
                cells = [
                    _cell(lines[other].get(float(value), []), lines[first].get(float(value), []))
                    for value in axis.values
                ]
                if any(cells):
                    yield [f"{words.short(key)}{of}", f"{other} \N{MINUS SIGN} {first}", *cells]


def _cell(some: list[Summary], base: list[Summary]) -> str:
    """Return a paired difference; nothing where values have several cards, or other ones."""
    if len(some) != 1 or len(base) != 1 or some[0].record.card != base[0].record.card:
        return ""
    found = paired(some[0].values, base[0].values)
    if found is None:
        return ""
    text = words.number(found.mean, 3)
    if found.low is not None and found.high is not None:
        text += f" ({words.number(found.low, 3)} to {words.number(found.high, 3)})"
    return text + " !" * bool(is_apart(found))
