"""A measure at the last iteration against one axis of a sweep that is a number, as the ratio is."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Literal

from matplotlib.figure import Figure as Canvas

from orchestrator.analysis import words
from orchestrator.analysis.cards import spelled_text
from orchestrator.analysis.records import (
    Record,
    Summary,
    by_generator,
    keys,
    last_iteration,
    summaries,
    usual_card,
)
from orchestrator.analysis.statistics import Optimum, optimum
from orchestrator.report.axes import Axis
from orchestrator.report.figure import Figure
from orchestrator.report.lines import draw_line
from orchestrator.report.styles import Style, styles
from orchestrator.report.told import aside, drawn_intervals, rows_of
from orchestrator.sweep.config import named

FEWEST = 3  # places along the axis, for a curve to have an inside
MOST_LINES = 7


def curve_axis(axes: list[Axis]) -> Axis | None:
    """Return the axis that curves are drawn along: the only number among few combinations."""
    numbers = [axis for axis in axes if axis.is_number and len(axis.values) >= FEWEST]
    if len(numbers) != 1:
        return None
    combinations = 1
    for axis in axes:
        combinations *= 1 if axis is numbers[0] else len(axis.values)
    return numbers[0] if combinations <= MOST_LINES else None


def line_name(point: dict[str, Any], axis: Axis) -> str:
    """Return what the line of a point is called: the point without its place along the axis."""
    return named({k: v for k, v in point.items() if k != axis.field}) or "all"


def curves(
    found: list[Record], axis: Axis, objectives: dict[str, str]
) -> Iterator[tuple[words.Key, Figure]]:
    """Yield a figure per measure and generator; objectives have their optimum marked."""
    last = [record for record in found if record.iteration == last_iteration(found)]
    names = list(dict.fromkeys(line_name(record.point, axis) for record in last))
    for key in keys(last):
        for generator, group in by_generator([r for r in last if r.key == key]).items():
            shown = summaries(group)
            if shown and len({s.record.point[axis.field] for s in shown}) >= FEWEST:
                goal = objectives.get(words.metric_name(*key)) or words.goal(key[0])
                yield key, _figure(key, generator, group, shown, axis, goal, styles(names))


def optima_of(
    shown: list[Summary], axis: Axis, main: str, goal: str | None
) -> dict[str, tuple[Summary, Optimum]]:
    """Return the optimum of every line, among points of the main card."""
    if goal is None:
        return {}
    return {
        name: (line[found.position], found)
        for name in dict.fromkeys(line_name(s.record.point, axis) for s in shown)
        if len(line := on_line(shown, axis, main, name)) >= FEWEST
        for found in [
            optimum(
                [axis.place(s.record.point) for s in line], [s.values for s in line], _goal(goal)
            )
        ]
    }


def _goal(goal: str) -> Literal["min", "max"]:
    return "max" if goal == "max" else "min"


def on_line(shown: list[Summary], axis: Axis, card: str, name: str) -> list[Summary]:
    """Return the points of one line and card, along the axis."""
    line = [s for s in shown if s.record.card == card and line_name(s.record.point, axis) == name]
    return sorted(line, key=lambda s: axis.place(s.record.point))


def spelled(place: str, found: Optimum, axis: Axis, goal: str | None) -> str:
    """Return where the optimum is."""
    word = "lowest" if goal == "min" else "highest"
    inside = "inside the range" if found.interior else "at the edge of the range"
    apart = {
        True: ", clearly better than its neighbours by paired differences over seeds",
        False: ", not clearly better than a neighbour by paired differences over seeds",
        None: ", too few seeds to tell it from its neighbours",
    }[found.separated]
    return f"{word} at {axis.field} {place}, {inside}{apart}"


def _figure(
    key: words.Key,
    generator: str,
    group: list[Record],
    shown: list[Summary],
    axis: Axis,
    goal: str | None,
    drawn: dict[str, Style],
) -> Figure:
    main = usual_card(group)
    optima = optima_of(shown, axis, main, goal)
    several = len(drawn) > 1
    told = [
        f"{name}: " * several + spelled(str(top.record.point[axis.field]), found, axis, goal)
        for name, (top, found) in optima.items()
    ]
    iteration = shown[0].record.iteration
    parts = [
        f"iteration {iteration}, {spelled_text(main)}",
        words.better(key[0]),
        drawn_intervals(shown),
        *told,
        aside(group, main),
    ]
    of = f", {generator}" if generator else ""
    label = f"{words.axis(key)} ({group[0].measure.unit})"
    rows: list[dict[str, Any]] = [
        {**one.record.point, **row} for one, row in zip(shown, rows_of(shown, main), strict=True)
    ]
    return Figure(
        f"{key[0]}-{key[1]}-by-{axis.field}" + f"-{generator}" * bool(generator),
        f"{words.name(key)}{of}, by {axis.field}",
        "; ".join(part for part in parts if part) + ".",
        partial(_draw, shown=shown, main=main, axis=axis, styles=drawn, label=label, optima=optima),
        rows,
        drawn if several else {},
    )


def _draw(
    canvas: Canvas,
    shown: list[Summary],
    main: str,
    axis: Axis,
    styles: dict[str, Style],
    label: str,
    optima: dict[str, tuple[Summary, Optimum]],
) -> None:
    axes = canvas.subplots()
    for name, style in styles.items():
        for card in dict.fromkeys(s.record.card for s in shown):
            if line := on_line(shown, axis, card, name):
                places = [axis.place(s.record.point) for s in line]
                draw_line(axes, places, line, style, card == main)
        if name in optima:
            top, found = optima[name]
            place = axis.place(top.record.point)
            axes.plot(place, top.interval.mean, "o", ms=13, mfc="none", mec=style.colour, mew=1.4)
            side = {axis.values[0]: "left", axis.values[-1]: "right"}.get(
                top.record.point[axis.field], "center"
            )
            word = "optimum" if found.interior else "best, at the edge"
            axes.annotate(
                word,
                (place, top.interval.mean),
                (0, -17),
                textcoords="offset points",
                ha=side,
                fontsize=8,
            )
    axes.margins(x=0.09, y=0.2)
    axes.set_xlabel(axis.field)
    axes.set_ylabel(label)
    axes.grid(axis="y", alpha=0.15)
