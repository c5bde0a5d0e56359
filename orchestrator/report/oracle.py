"""The figures of the closed-form oracle: dispersion over iterations, beside what is predicted."""

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter

from actors.generators import GENERATORS, Family
from actors.plots.figure import Figure
from actors.plots.style import INK, Style, styles
from orchestrator import config
from orchestrator.analysis.records import arms_in_series
from orchestrator.oracle import Course, courses, selections
from orchestrator.outcome import Outcome

LABELS = {
    "variance": "variance (share of iteration 1)",
    "entropy": "entropy (nats, iteration 1 at 0)",
}
PREDICTED = "predicted, with its 95 % band"


def measured_courses(outcome: Outcome) -> list[Course]:
    """Return what there is to compare with the closed form, or with arms that select at random."""
    arms = {
        arm: config.validate(fields, whole=False)
        for arm, fields in outcome.arms.items()
        if all(_has_density(generator) for generator in fields["generators"].values())
    }
    measured = courses(arms, outcome.results)
    compares = selections(measured) or any(course.predicted for course in measured)
    return measured if compares else []


def _has_density(generator: dict[str, Any]) -> bool:
    return GENERATORS.get(generator.get("kind", ""), Family).has_density


def oracle(outcome: Outcome) -> list[Figure]:
    """Return a figure each of variance and entropy: every arm as measured, and each prediction.

    There is none where nothing compares.
    """
    measured = measured_courses(outcome)
    series = arms_in_series(outcome.arms)
    names = styles(dict.fromkeys(series[result.arm] for result in outcome.results))
    drawn = {course.arm: (course, names[series[course.arm]]) for course in measured}
    shown = {series[arm] for arm in drawn}
    legend = {name: style for name, style in names.items() if name in shown}
    if any(course.predicted for course in measured):
        legend[PREDICTED] = Style("ink", "")
    return [
        Figure(
            f"oracle-{metric}",
            f"{metric.capitalize()} of the training sets",
            "Values of arms that have a closed form are points, those of others lines.",
            partial(_draw, metric=metric, drawn=[*drawn.values()]),
            ("iteration", label),
            [row for course in measured for row in _rows(course, metric)],
            legend,
            (5, 4),
        )
        for metric, label in LABELS.items()
        if measured
    ]


def _draw(axes: Axes, metric: str, drawn: list[tuple[Course, Style]]) -> None:
    bands = {}
    for course, style in drawn:
        values = _scaled(course, metric, course.values[metric])
        line = "" if course.predicted else style.dash
        look: dict[str, Any] = {"ls": line, "marker": style.marker, "c": style.colour}
        iterations = np.arange(1, len(values) + 1)
        axes.plot(iterations, values, ms=3, lw=1, alpha=0.75, **look)
        if band := course.predicted.get(metric):
            ends = [_scaled(course, metric, v) for v in (band.low, band.high, band.mean)]
            bands[tuple(np.round(ends[2], 9))] = ends
    for low, high, mean in bands.values():
        iterations = np.arange(1, len(mean) + 1)
        axes.fill_between(iterations, low, high, color=INK, alpha=0.15, lw=0)
        axes.plot(iterations, mean, color=INK, lw=1.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if metric == "variance":
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        axes.yaxis.set_minor_formatter(NullFormatter())


def _scaled(course: Course, metric: str, values: np.ndarray) -> np.ndarray:
    """Return values as they are drawn, so that arms with different first rows share a band."""
    if metric == "variance":
        return values / course.values[metric][0]
    band = course.predicted.get(metric)
    return values - (band.mean[0] if band else course.values[metric][0])


def _rows(course: Course, metric: str) -> list[dict[str, Any]]:
    band = course.predicted.get(metric)
    return [
        {
            "series": course.arm,
            "iteration": at + 1,
            "value": value,
            "predicted": band.mean[at] if band else "",
            "low": band.low[at] if band else "",
            "high": band.high[at] if band else "",
        }
        for at, value in enumerate(course.values[metric])
    ]
