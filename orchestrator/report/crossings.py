"""Two axes of a sweep against each other, e.g. method x paradigm, at the last iteration."""

from collections.abc import Iterator
from functools import partial

import numpy as np
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
from orchestrator.report.axes import Axis
from orchestrator.report.figure import Figure
from orchestrator.report.heat import draw_heat
from orchestrator.report.told import drawn_intervals, rows_of


def crossings(found: list[Record], axes: list[Axis]) -> Iterator[tuple[words.Key, Figure]]:
    """Yield a figure per measure and generator."""
    last = [record for record in found if record.iteration == last_iteration(found)]
    for key in keys(last):
        for generator, group in by_generator([r for r in last if r.key == key]).items():
            if shown := summaries(group):
                yield key, _figure(key, generator, group, shown, axes)


def _figure(
    key: words.Key, generator: str, group: list[Record], shown: list[Summary], axes: list[Axis]
) -> Figure:
    main = usual_card(group)
    others = sum(one.record.card != main for one in shown)
    parts = [
        f"iteration {shown[0].record.iteration}, {group[0].measure.unit}, " + spelled_text(main),
        words.better(key[0]),
        drawn_intervals(shown).removeprefix("bars: "),
        f"{others} cells without a colour were measured on other sets (*) and cannot be compared"
        if others
        else "",
    ]
    of = f", {generator}" if generator else ""
    down, across = axes
    return Figure(
        f"{key[0]}-{key[1]}-{down.field}-x-{across.field}" + f"-{generator}" * bool(generator),
        f"{words.name(key)}{of}",
        "; ".join(part for part in parts if part) + ".",
        partial(_draw, shown=shown, main=main, down=down, across=across),
        [{**one.record.point, **row} for one, row in zip(shown, rows_of(shown, main), strict=True)],
        size=(max(3.9, 1.3 + 1.15 * len(across.values)), 0.9 + 0.55 * len(down.values)),
    )


def _draw(canvas: Canvas, shown: list[Summary], main: str, down: Axis, across: Axis) -> None:
    values = np.full((len(down.values), len(across.values)), np.nan)
    texts = [[""] * len(across.values) for _ in down.values]
    for one in shown:
        row = down.values.index(one.record.point[down.field])
        column = across.values.index(one.record.point[across.field])
        text = words.number(one.interval.mean, 3)
        if one.record.card == main:
            values[row, column] = one.interval.mean
        elif texts[row][column]:
            continue  # of the several that a cell may hold, those that are comparable are shown
        else:
            text += "*"
        if one.low is not None and one.high is not None:
            text += f"\n{words.number(one.low, 3)} to {words.number(one.high, 3)}"
        texts[row][column] = text
    axes = canvas.subplots()
    columns, rows = ([str(value) for value in axis.values] for axis in (across, down))
    draw_heat(axes, values, texts, columns, rows, size=7.5)
    axes.set_xlabel(across.field)
    axes.set_ylabel(down.field)
