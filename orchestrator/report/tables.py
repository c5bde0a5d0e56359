"""Tables of the page: first and last values, the points of a sweep, every number with its card."""

import json
from collections.abc import Iterator
from typing import Any

from actors.metrics.base import Measure
from actors.plots.page import Table
from orchestrator.analysis import words
from orchestrator.analysis.cards import spelled
from orchestrator.analysis.ranking import Standing, rank
from orchestrator.analysis.records import Record, Summary, outcomes
from orchestrator.analysis.statistics import Interval, is_apart, paired
from orchestrator.outcome import Outcome, Sweep
from orchestrator.report.axes import Axis
from orchestrator.report.panels import Panel

# more arms or points than these are not shown at a glance
MOST_ROWS = 60


def at_a_glance(panels: list[Panel]) -> list[Table]:
    """Return first and last values of the main measures; of equal cards side by side."""
    columns: list[str] = []
    cells: dict[str, dict[str, str]] = {}
    for panel in panels:
        if panel.is_main():
            columns.append(f"{panel.short} ({panel.unit})")
            by_series: dict[str, list[Summary]] = {}
            for summary in sorted(panel.summaries, key=lambda s: s.record.iteration):
                by_series.setdefault(summary.record.series, []).append(summary)
            for series, line in by_series.items():
                cells.setdefault(series, {})[columns[-1]] = _first_to_last(line[0], line[-1])
    if not cells or len(cells) > MOST_ROWS:
        return []
    rows = [[series, *(row.get(c, "") for c in columns)] for series, row in cells.items()]
    marked = any("*" in cell for row in rows for cell in row)
    note = "* the two were measured on other numbers of rows." * marked
    return [Table(["first → last iteration", *columns], rows, 1, note=note)]


def _first_to_last(first: Summary, last: Summary) -> str:
    text = words.number(last.interval.mean, 3)
    if first is not last:
        text = f"{words.number(first.interval.mean, 3)} → {text}"
    return text + " *" * (first.record.card != last.record.card)


def ranking(sweep: Sweep) -> Iterator[Table]:
    """Yield the points of a sweep by each objective, the best first, and what is not compared."""
    for objective, goal in sweep.objectives.items():
        ranked = rank(sweep, objective)
        name = words.in_full(words.key_of(objective))
        head = [
            f"point, best {name} first ({goal})",
            "mean",
            "95 % t-interval",
            "seeds",
            "difference to the first, paired over seeds (95 %)",
        ]
        rows = [_place(place, ranked.places[0]) for place in ranked.places[:MOST_ROWS]]
        if rows:
            yield Table(head, rows, 1)
        apart = [[point, why] for point, why in ranked.apart.items()][:MOST_ROWS]
        if apart:
            yield Table([f"not compared by {name}", "because"], apart)


def _place(place: Standing, first: Standing) -> list[str]:
    difference = None if place is first else paired(place.values, first.values)
    return [
        place.name,
        words.number(place.interval.mean),
        _ends(place.interval, 4),
        str(place.interval.n),
        _with_ends(difference) if difference else "",
    ]


def _ends(interval: Interval, digits: int) -> str:
    if interval.low is None or interval.high is None:
        return ""
    return f"{words.number(interval.low, digits)} to {words.number(interval.high, digits)}"


def _with_ends(interval: Interval) -> str:
    ends = _ends(interval, 3)
    return words.number(interval.mean, 3) + (f" ({ends})" if ends else "")


def differences(panels: list[Panel], axis: Axis, objectives: dict[str, str]) -> list[Table]:
    """Return the paired differences between lines of a sweep at every place of an axis.

    Random selection stands beside greedy at every ratio, for example. There is no table where there
    is one line. Measures whose cards differ between lines are left out.
    """
    rows = []
    for panel in panels:
        lines: dict[str, dict[float, list[Summary]]] = {}
        for summary in panel.summaries:
            line = lines.setdefault(axis.line(summary.record.point), {})
            line.setdefault(axis.place(summary.record.point), []).append(summary)
        first, *others = lines.items()
        for name, line in others if panel.is_main(objectives) else ():
            cells = [
                _difference(line.get(float(value), []), first[1].get(float(value), []))
                for value in axis.values
            ]
            if any(cells):
                rows.append([panel.short, f"{name} \N{MINUS SIGN} {first[0]}", *cells])
    head = ["measure", "difference of", *(f"{axis.field} {value}" for value in axis.values)]
    note = (
        "Means of the differences per seed, with the 95 % interval of the paired t-test. With "
        "three seeds and more, ! marks those whose interval excludes zero; with fewer there is no "
        "verdict."
    )
    return [Table(head, rows, 2, note=note)] * bool(rows)


def _difference(some: list[Summary], base: list[Summary]) -> str:
    """Return a paired difference; nothing where values have several cards, or other ones."""
    if len(some) != 1 or len(base) != 1 or some[0].record.card != base[0].record.card:
        return ""
    difference = paired(some[0].values, base[0].values)
    return _with_ends(difference) + " !" * bool(is_apart(difference)) if difference else ""


def events(outcome: Outcome | Sweep) -> Iterator[Table]:
    """Yield alarms, and trials that failed or were stopped early."""
    alarms = [
        [
            series or event["arm"],
            str(event["iteration"]),
            event["alarm"],
            event["cause"],
            " ".join(str(value) for value in event["action"].values()).replace("_", " "),
        ]
        for series, _, _, run in outcomes(outcome)
        for event in run.alarms
    ]
    if alarms:
        head = ["arm", "after iteration", "alarm", "cause", "action"]
        yield Table(head, alarms, title="Alarms")
    for status, title in (("failed", "Trials that failed"), ("stopped", "Trials stopped early")):
        trials = outcome.trials if isinstance(outcome, Sweep) else []
        rows = [
            [trial.name, str(trial.seed), str(trial.last_iteration), trial.error or ""]
            for trial in trials
            if trial.status == status
        ]
        if rows:
            yield Table(["trial", "seed", "iterations measured", "error"], rows, title=title)


def every_number(records: list[Record]) -> Iterator[Table]:
    """Yield the cards, and all numbers, each with the number of its card."""
    units = {record.card: record.measure.unit for record in records}
    places = {card: str(place) for place, card in enumerate(units, 1)}
    cards = []
    for card, unit in units.items():
        fields = json.loads(card)
        text = spelled(fields) + _weights(fields["extractor"])
        dataset = " ".join(str(value) for value in fields["dataset"].values() if value)
        cards.append([places[card], fields["metric"], fields["subject"], unit, text, dataset])
    numbers: dict[tuple[str, str, str, str, str], list[str]] = {}
    for record in records:
        where = (record.series, record.generator, str(record.seed), record.key[0])
        values = numbers.setdefault((*where, places[record.card]), [])
        values.append(f"{record.iteration}: {_value(record.measure)}")
    rows = [[*where, "; ".join(values)] for where, values in numbers.items()]
    if rows:
        head = ["card", "metric", "subject", "unit", "measured on", "data set"]
        yield Table(head, cards, title="Cards")
        head = ["series", "generator", "seed", "metric", "card", "iteration: value (95 % interval)"]
        yield Table(head, rows, title="Numbers")


def _weights(extractor: str | dict[str, Any] | None) -> str:
    """Return by what weights features were made; each seed has others where they are fitted."""
    if isinstance(extractor, dict):
        return f", fitted to {extractor['fitted_rows']} real rows of each seed"
    return f", weights {extractor[:12]}" if extractor else ""


def _value(measure: Measure) -> str:
    text = words.number(measure.value)
    if measure.low is not None:
        text += f" ({words.number(measure.low)} to {words.number(measure.high)})"
    return text + (f" [{measure.note}]" if measure.note else "")
