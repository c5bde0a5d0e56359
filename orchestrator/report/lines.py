"""Measures over the iterations: one panel per measure and generator, one line per arm."""

from collections.abc import Iterator
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from orchestrator.analysis import words
from orchestrator.analysis.cards import spelled_text
from orchestrator.analysis.records import (
    Record,
    Summary,
    by_generator,
    keys,
    summaries,
    usual_card,
)
from orchestrator.report.figure import Figure
from orchestrator.report.styles import Style
from orchestrator.report.told import aside, drawn_intervals, rows_of

SPREAD = 0.24  # of an iteration, over which the arms' markers lie side by side


def lines(found: list[Record], styles: dict[str, Style]) -> Iterator[tuple[words.Key, Figure]]:
    """Yield the panels of a run or a sweep, the main measures first."""
    order = keys(found)
    for key in sorted(order, key=lambda k: (k not in words.MAIN, *_place(k, order))):
        groups = by_generator([record for record in found if record.key == key])
        for generator, group in groups.items():
            if shown := summaries(group):
                yield key, _panel(key, generator, group, shown, styles)


def _place(key: words.Key, order: list[words.Key]) -> tuple[int]:
    return (words.MAIN.index(key) if key in words.MAIN else order.index(key),)


def _panel(
    key: words.Key,
    generator: str,
    group: list[Record],
    shown: list[Summary],
    styles: dict[str, Style],
) -> Figure:
    main = usual_card(group)
    better = words.better(key[0])
    parts = [better, drawn_intervals(shown), aside(group, main)]
    empty = [r for r in group if r.measure.value is None]
    if empty:
        where = ", ".join(dict.fromkeys(f"{r.series} {r.iteration}" for r in empty))
        parts.append(f"no value (minus infinity, or not taken) at {where}")
    used = {s.record.series for s in shown}
    of = f", {generator}" if generator else ""
    return Figure(
        f"{key[0]}-{key[1]}" + f"-{generator}" * bool(generator),
        words.name(key) + of,
        "; ".join(part for part in (spelled_text(main), *parts) if part) + ".",
        partial(draw, shown=shown, main=main, styles=styles, label=_label(key, group[0])),
        rows_of(shown, main),
        {name: style for name, style in styles.items() if name in used},
    )


def _label(key: words.Key, record: Record) -> str:
    return f"{words.axis(key)} ({record.measure.unit})"


def draw(
    canvas: Canvas, shown: list[Summary], main: str, styles: dict[str, Style], label: str
) -> None:
    """Draw lines of equal cards; what is not of the main card hollow and dotted."""
    axes = canvas.subplots()
    names = list(dict.fromkeys(one.record.series for one in shown))
    for place, name in enumerate(names):
        shift = SPREAD * ((place + 0.5) / len(names) - 0.5)
        for card in dict.fromkeys(s.record.card for s in shown if s.record.series == name):
            line = [s for s in shown if (s.record.series, s.record.card) == (name, card)]
            line.sort(key=lambda s: s.record.iteration)
            places = [s.record.iteration + shift for s in line]
            draw_line(axes, places, line, styles[name], card == main)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=9))
    axes.set_xlabel("iteration")
    axes.set_ylabel(label)
    axes.grid(axis="y", alpha=0.15)


def draw_line(
    axes: Axes, places: list[float], line: list[Summary], style: Style, is_main: bool
) -> None:
    """Draw one line with intervals where it has them."""
    axes.plot(
        places,
        [one.interval.mean for one in line],
        color=style.colour,
        marker=style.marker,
        markersize=4.5,
        markerfacecolor=style.colour if is_main else "#ffffff",
        linestyle=style.dash if is_main else (0, (1, 3)),
        linewidth=1.5 if is_main else 1,
        zorder=3 if is_main else 2,
    )
    for place, one in zip(places, line, strict=True):
        if one.low is not None and one.high is not None:
            axes.vlines(place, one.low, one.high, color=style.colour, linewidth=1.2, alpha=0.65)
