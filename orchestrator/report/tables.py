"""Tables of the page: at a glance, points of a sweep, every number with its card, the paper."""

import html
import json
from collections.abc import Iterable
from typing import Any

from orchestrator.outcome import Outcome, Sweep
from orchestrator.report import words
from orchestrator.report.findings import standings
from orchestrator.report.paper import NUMBERS, closest, ours
from orchestrator.report.records import (
    Record,
    by_generator,
    outcomes,
    summaries,
)

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
            unit = group[0].measure["unit"]
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


def ranking(sweep: Sweep, found: list[Record]) -> str:
    """Return the points of a sweep by each objective, the best first."""
    parts = []
    for metric, goal in sweep.objectives.items():
        ranked = standings(found, metric, goal)[:MOST_ROWS]
        if ranked:
            rows = [
                [
                    one.name + ("" if one.comparable else " *"),
                    words.number(one.interval.mean),
                    ""
                    if one.interval.low is None or one.interval.high is None
                    else f"{words.number(one.interval.low)} to {words.number(one.interval.high)}",
                    str(one.interval.n),
                ]
                for one in ranked
            ]
            name = words.NAMES.get(metric, metric.replace("_", " "))
            head = [f"point, best {name} first ({goal})", "mean", "95 % t-interval", "seeds"]
            parts.append(table(head, rows))
            if any(not one.comparable for one in ranked):
                parts.append(
                    "<p class=note>* measured on other sets than the rest, and last for that "
                    "reason.</p>"
                )
    return "".join(parts)


def every_number(found: list[Record]) -> str:
    """Return all numbers with their cards, a card told once for those that share it."""
    cards = list(dict.fromkeys(record.card for record in found))
    units = {record.card: record.measure["unit"] for record in found}
    spelled = []
    for place, card in enumerate(cards, 1):
        one = json.loads(card)
        extractor = one["extractor"]
        text = words.spelled(one) + (f", weights {extractor[:12]}" if extractor else "")
        dataset = " ".join(str(value) for value in one["dataset"].values() if value)
        unit = units[card]
        spelled.append([str(place), one["metric"], one["subject"], unit, text, dataset])
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
            group[0].measure["metric"],
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
    return f"<h3>Cards</h3>{table(head, spelled, 9)}<h3>Numbers</h3>{every}"


def _told(iteration: int, measure: dict[str, Any]) -> str:
    text = f"{iteration}: {words.number(measure['value'])}"
    if measure["low"] is not None:
        text += f" ({words.number(measure['low'])} to {words.number(measure['high'])})"
    return text + (f" [{measure['note']}]" if measure.get("note") else "")


def paper(found: Outcome | Sweep, numbers: list[Record]) -> str:
    """Return the paper's numbers, ours beside them where they may be compared."""
    configurations = {
        series or arm: configuration
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
