"""Tables of the page: at a glance, points of a sweep, every number with its card, the paper."""

import html
import json
from collections.abc import Iterable
from typing import Any

from actors.metrics.measures import Measure
from orchestrator.analysis import words
from orchestrator.analysis.cards import spelled
from orchestrator.analysis.ranking import Standing, rank
from orchestrator.analysis.records import (
    Record,
    arms_in_series,
    by_generator,
    outcomes,
    summaries,
)
from orchestrator.analysis.statistics import Interval, paired
from orchestrator.outcome import Outcome, Sweep
from orchestrator.report.paper import NUMBERS, closest, ours

# more arms or points than this are not told at a glance
MOST_ROWS = 60


def table(head: list[str], rows: Iterable[Iterable[str]], numbers: int = 1) -> str:
    """Return an HTML table; cells after the first `numbers` columns are numbers."""
    cells = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=n' if at >= numbers else ''}>{html.escape(cell)}</td>"
            for at, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>'
        "</div>"
    )


def at_a_glance(found: list[Record]) -> str:
    """Return first and last values of the main measures; of equal cards side by side."""
    keys = [key for key in words.MAIN if any(r.key == key for r in found)]
    columns: list[str] = []
    cells: dict[str, dict[str, str]] = {}
    for key in keys:
        for generator, group in by_generator([r for r in found if r.key == key]).items():
            of = f", {generator}" if generator else ""
            unit = group[0].measure.unit
            column = f"{words.short(key)}{of} ({unit})"
            columns.append(column)
            shown = summaries(group)
            for series in dict.fromkeys(one.record.series for one in shown):
                own = [one for one in shown if one.record.series == series]
                own.sort(key=lambda one: one.record.iteration)
                first, last = own[0], own[-1]
                text = words.number(last.interval.mean, 3)
                if first is not last:
                    text = f"{words.number(first.interval.mean, 3)} → {text}"
                if first.record.card != last.record.card:
                    text += " *"
                cells.setdefault(series, {})[column] = text
    if not cells or len(cells) > MOST_ROWS:
        return ""
    rows = [[series, *(own.get(c, "") for c in columns)] for series, own in cells.items()]
    marked = any("*" in cell for row in rows for cell in row)
    note = "<p class=note>* the two were measured on other numbers of rows.</p>" * marked
    return table(["first → last iteration", *columns], rows) + note


def ranking(sweep: Sweep) -> str:
    """Return the points of a sweep by each objective, the best first, and what is not compared."""
    parts = []
    for objective, goal in sweep.objectives.items():
        found = rank(sweep, objective)
        first = next(iter(found.places), None)
        rows = [
            [
                one.name,
                words.number(one.interval.mean),
                _ends(one.interval, 4),
                str(one.interval.n),
                "" if one is first or first is None else _difference(one, first),
            ]
            for one in found.places[:MOST_ROWS]
        ]
        name = words.NAMES.get(objective, objective.replace("_", " "))
        head = [
            f"point, best {name} first ({goal})",
            "mean",
            "95 % t-interval",
            "seeds",
            "difference to the first, paired over seeds (95 %)",
        ]
        if rows:
            parts.append(table(head, rows))
        if found.apart:
            apart = [[point, why] for point, why in list(found.apart.items())[:MOST_ROWS]]
            parts.append(table([f"not compared by {name}", "because"], apart, 9))
    return "".join(parts)


def _ends(found: Interval, digits: int) -> str:
    if found.low is None or found.high is None:
        return ""
    return f"{words.number(found.low, digits)} to {words.number(found.high, digits)}"


def _difference(one: Standing, first: Standing) -> str:
    found = paired(one.values, first.values)
    if found is None:
        return ""
    ends = _ends(found, 3)
    return words.number(found.mean, 3) + (f" ({ends})" if ends else "")


def every_number(found: list[Record]) -> str:
    """Return all numbers with their cards, a card told once for those that share it."""
    cards = list(dict.fromkeys(record.card for record in found))
    units = {record.card: record.measure.unit for record in found}
    told = []
    for place, card in enumerate(cards, 1):
        one = json.loads(card)
        text = spelled(one) + _weights(one["extractor"])
        dataset = " ".join(str(value) for value in one["dataset"].values() if value)
        unit = units[card]
        told.append([str(place), one["metric"], one["subject"], unit, text, dataset])
    head = ["card", "metric", "subject", "unit", "measured on", "data set"]
    numbers: dict[tuple[str, str, int, str], list[Record]] = {}
    for record in found:
        where = (record.series, record.generator, record.seed, record.card)
        numbers.setdefault(where, []).append(record)
    place_of = {card: str(place) for place, card in enumerate(cards, 1)}
    rows = [
        [
            series,
            generator,
            str(seed),
            group[0].measure.metric,
            place_of[card],
            "; ".join(_told(r.iteration, r.measure) for r in group),
        ]
        for (series, generator, seed, card), group in numbers.items()
    ]
    every = table(
        ["series", "generator", "seed", "metric", "card", "iteration: value (95 % interval)"],
        rows,
        9,
    )
    return f"<h3>Cards</h3>{table(head, told, 9)}<h3>Numbers</h3>{every}"


def _weights(extractor: str | dict[str, Any] | None) -> str:
    """Return by what weights features were made, those of each seed its own where it is fitted."""
    if isinstance(extractor, dict):
        return f", fitted to {extractor['fitted_rows']} real rows of each seed"
    return f", weights {extractor[:12]}" if extractor else ""


def _told(iteration: int, measure: Measure) -> str:
    text = f"{iteration}: {words.number(measure.value)}"
    if measure.low is not None:
        text += f" ({words.number(measure.low)} to {words.number(measure.high)})"
    return text + (f" [{measure.note}]" if measure.note else "")


def paper(found: Outcome | Sweep, numbers: list[Record]) -> str:
    """Return the paper's numbers, ours beside them where they may be compared."""
    configurations = {
        series or arms_in_series(outcome.arms)[arm]: configuration
        for series, _, _, outcome in outcomes(found)
        for arm, configuration in outcome.arms.items()
    }
    if not configurations:
        return ""
    rows = []
    for published in NUMBERS:
        series, why = closest(published, configurations)
        theirs = ", ".join(f"{n}: {value:g}" for n, value in published.values.items())
        values = {} if why else ours(published, numbers, series, configurations[series])
        if values:
            beside = ", ".join(
                f"{n}: " + " / ".join(words.number(v) for v in found) for n, found in values.items()
            )
            beside += f" ({series})"
        else:
            beside = f"not comparable, because: {'; '.join(why)}" if why else "not measured yet"
        rows.append([published.what, theirs, beside])
    head = ["the paper (CIFAR-10)", "iteration: its value", "here"]
    return table(head, rows, 9)
