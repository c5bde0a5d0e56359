"""The figure of the closed-form oracle: dispersion over iterations, beside what is predicted."""

from typing import Any

import numpy as np
from matplotlib.figure import FigureBase
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter

from actors.generators import GENERATORS, Family
from actors.plots.figure import Figure
from actors.plots.style import INK, Style, styles
from orchestrator import config
from orchestrator.analysis.records import arms_in_series
from orchestrator.oracle import UNITS, Course, courses, selections
from orchestrator.outcome import Outcome

LABELS = {
    "variance": "variance (share of iteration 1)",
    "entropy": "entropy (nats, iteration 1 at 0)",
}
PREDICTED = "predicted, with its 95 % band"


def measured_courses(outcome: Outcome) -> list[Course]:
    """Return what there is to compare with the closed form, or with arms that select at random."""
    arms = {
        arm: config.validate(configuration, whole=False)
        for arm, configuration in outcome.arms.items()
        if all(_has_density(one) for one in configuration["generators"].values())
    }
    measured = courses(arms, outcome.results)
    if selections(measured) or any(course.predicted for course in measured):
        return measured
    return []


def _has_density(generator: dict[str, Any]) -> bool:
    return GENERATORS.get(generator.get("kind", ""), Family).has_density


def oracle(outcome: Outcome) -> Figure | None:
    """Return every arm as it was measured and each prediction; None where nothing compares."""
    measured = measured_courses(outcome)
    if not measured:
        return None
    series = arms_in_series(outcome.arms)
    names = styles(dict.fromkeys(series[result.arm] for result in outcome.results))

    def draw(canvas: FigureBase) -> None:
        panels = dict(zip(LABELS, canvas.subplots(1, 2), strict=True))
        for metric, axes in panels.items():
            bands = {}
            for course in measured:
                if band := course.predicted.get(metric):
                    ends = [_scaled(course, metric, v) for v in (band.low, band.high, band.mean)]
                    bands[tuple(np.round(ends[2], 9))] = ends
            for low, high, mean in bands.values():
                iterations = np.arange(1, len(mean) + 1)
                axes.fill_between(iterations, low, high, color=INK, alpha=0.15, lw=0)
                axes.plot(iterations, mean, color=INK, lw=1.5)
            for course in measured:
                style = names[series[course.arm]]
                values = _scaled(course, metric, course.values[metric])
                dash = "" if course.predicted else style.dash
                look = {"ls": dash, "marker": style.marker, "c": style.colour}
                axes.plot(np.arange(1, len(values) + 1), values, ms=3, lw=1, alpha=0.75, **look)
            axes.set_xlabel("iteration")
            axes.set_ylabel(LABELS[metric])
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        panels["variance"].set_yscale("log")
        panels["variance"].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panels["variance"].yaxis.set_major_formatter(FormatStrFormatter("%g"))
        panels["variance"].yaxis.set_minor_formatter(NullFormatter())

    legend = dict(names)
    if any(course.predicted for course in measured):
        legend[PREDICTED] = Style("ink", "")
    return Figure(
        "oracle",
        "Dispersion of the training sets",
        "Values of arms that have a closed form are points, those of others lines.",
        draw,
        [row for course in measured for row in _rows(course)],
        legend,
        size=(10, 4),
    )


def _scaled(course: Course, metric: str, values: np.ndarray) -> np.ndarray:
    """Return values as they are drawn, so that arms with different first rows share a band."""
    if metric == "variance":
        return values / course.values[metric][0]
    band = course.predicted.get(metric)
    return values - (band.mean[0] if band else course.values[metric][0])


def _rows(course: Course) -> list[dict[str, Any]]:
    rows = []
    for metric in UNITS:
        band = course.predicted.get(metric)
        for at, value in enumerate(course.values[metric]):
            predicted = (band.mean[at], band.low[at], band.high[at]) if band else ("", "", "")
            row = {"series": course.arm, "iteration": at + 1, "metric": metric, "value": value}
            rows.append(row | dict(zip(("predicted", "low", "high"), predicted, strict=True)))
    return rows
