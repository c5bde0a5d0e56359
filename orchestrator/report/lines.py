"""A measure as lines: over the iterations, or along one axis of a sweep that is a number."""

from collections.abc import Callable
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from actors.plots.figure import Figure
from actors.plots.style import GROUND, Style, styles
from orchestrator.analysis import words
from orchestrator.analysis.records import Summary
from orchestrator.analysis.statistics import Optimum, optimum
from orchestrator.report.axes import FEWEST, Axis
from orchestrator.report.panels import Panel

SPREAD = 0.24  # of an iteration, over which the arms' markers lie side by side


def over_iterations(panel: Panel, styles: dict[str, Style]) -> Figure:
    """Return a line per series over the iterations."""
    series = list(dict.fromkeys(summary.record.series for summary in panel.summaries))
    shift = {name: SPREAD * ((at + 0.5) / len(series) - 0.5) for at, name in enumerate(series)}

    def draw(axes: Axes) -> None:
        _draw_lines(
            axes,
            panel,
            styles,
            lambda summary: summary.record.series,
            lambda summary: summary.record.iteration + shift[summary.record.series],
        )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=9, min_n_ticks=1))

    empty = [
        f"{record.series} {record.iteration}"
        for record in panel.records
        if record.measure.value is None
    ]
    missing = f"no value (minus infinity, or not taken) at {', '.join(dict.fromkeys(empty))}"
    notes = [panel.intervals(), panel.not_comparable(), missing * bool(empty)]
    labels, legend = ("iteration", panel.label), {k: v for k, v in styles.items() if k in series}
    return panel.figure(draw, labels, notes, legend=legend)


def along(panel: Panel, axis: Axis, objectives: dict[str, str]) -> Figure:
    """Return a line per combination of the other axes; the optimum of each is marked."""
    drawn = styles(dict.fromkeys(axis.line(record.point) for record in panel.records))
    goal = objectives.get(words.metric_name(*panel.key)) or words.goal(panel.key[0])
    optima = _optima(panel, axis, "max" if goal == "max" else "min") if goal else {}

    def draw(axes: Axes) -> None:
        _draw_lines(
            axes,
            panel,
            drawn,
            lambda summary: axis.line(summary.record.point),
            lambda summary: axis.place(summary.record.point),
        )
        for name, (summary, best) in optima.items():
            here = axis.place(summary.record.point), summary.interval.mean
            axes.plot(*here, "o", ms=13, mfc="none", mec=drawn[name].colour, mew=1.4)
            sides = {axis.values[0]: "left", axis.values[-1]: "right"}
            side = sides.get(summary.record.point[axis.field], "center")
            text = "optimum" if best.interior else "best, at the edge"
            axes.annotate(text, here, (0, -17), ha=side, fontsize=8, textcoords="offset points")
        axes.margins(x=0.09, y=0.2)

    several = len(drawn) > 1
    notes = [
        panel.intervals(),
        *(
            f"{name}: " * several + _spelled(axis, summary, best, goal)
            for name, (summary, best) in optima.items()
        ),
        panel.not_comparable(),
    ]
    return panel.figure(
        draw,
        (axis.field, panel.label),
        notes,
        at_last=True,
        suffix=f"-by-{axis.field}",
        legend=drawn if several else {},
    )


def _draw_lines(
    axes: Axes,
    panel: Panel,
    styles: dict[str, Style],
    line_of: Callable[[Summary], str],
    place_of: Callable[[Summary], float],
) -> None:
    """Draw lines of equal cards, with intervals; what is not comparable hollow and dotted."""
    lines: dict[tuple[str, bool, str], list[Summary]] = {}
    for summary in sorted(panel.summaries, key=place_of):
        is_main = panel.is_comparable(summary)
        lines.setdefault((line_of(summary), is_main, summary.record.card), []).append(summary)
    for (name, is_main, _), line in lines.items():
        style = styles[name]
        axes.plot(
            [place_of(summary) for summary in line],
            [summary.interval.mean for summary in line],
            color=style.colour,
            marker=style.marker,
            markersize=4.5,
            markerfacecolor=style.colour if is_main else GROUND,
            linestyle=style.dash if is_main else (0, (1, 3)),
            linewidth=1.5 if is_main else 1,
            zorder=3 if is_main else 2,
        )
        for summary in line:
            if summary.low is not None and summary.high is not None:
                ends = summary.low, summary.high
                axes.vlines(place_of(summary), *ends, color=style.colour, lw=1.2, alpha=0.65)
    axes.grid(axis="y", alpha=0.15)


def _optima(
    panel: Panel, axis: Axis, goal: Literal["min", "max"]
) -> dict[str, tuple[Summary, Optimum]]:
    """Return the optimum of every line of comparable points."""
    lines: dict[str, list[Summary]] = {}
    for summary in sorted(panel.summaries, key=lambda s: axis.place(s.record.point)):
        if panel.is_comparable(summary):
            lines.setdefault(axis.line(summary.record.point), []).append(summary)
    optima = {}
    for name, line in lines.items():
        if len(line) >= FEWEST:
            places = [axis.place(summary.record.point) for summary in line]
            best = optimum(places, [summary.values for summary in line], goal)
            optima[name] = line[best.position], best
    return optima


def _spelled(axis: Axis, summary: Summary, best: Optimum, goal: str | None) -> str:
    """Return where an optimum is."""
    word = "lowest" if goal == "min" else "highest"
    inside = "inside the range" if best.interior else "at the edge of the range"
    apart = {
        True: "clearly better than its neighbours by paired differences over seeds",
        False: "not clearly better than a neighbour by paired differences over seeds",
        None: "too few seeds to compare it with its neighbours",
    }[best.separated]
    return f"{word} at {axis.field} {summary.record.point[axis.field]}, {inside}, {apart}"
