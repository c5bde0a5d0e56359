"""The figure of the closed-form oracle: dispersion over iterations, beside what is predicted."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter

from orchestrator.config import Experiment
from orchestrator.oracle import Course, courses, selections
from orchestrator.results import Result

DPI = 130
# colours that are told apart with any colour vision (Okabe and Ito 2008)
RANDOM = "#0072B2"
OTHERS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "os^Dv<>P"
# with more arms than this the legend has their selections alone
NAMED = 6


def draw_oracle(
    arms: dict[str, Experiment], results: list[Result]
) -> Callable[[Path], None] | None:
    """Return what writes the figure as PNG; None where no arm has anything to be compared with."""
    found = courses(arms, results)
    if not selections(found) and not any(course.predicted for course in found):
        return None
    return lambda file: figure(found).savefig(file, format="png", dpi=DPI)


def figure(found: list[Course]) -> Figure:
    """Return the figure: every arm as it was measured, and the first prediction of each kind."""
    drawn = Figure(figsize=(10, 4.4), layout="constrained")
    panels = dict(zip(("variance", "entropy"), drawn.subplots(1, 2), strict=True))
    drawn.suptitle("Dispersion of the training sets", fontsize="medium")
    for metric, axes in panels.items():
        _bands(axes, metric, found)
        _measured(axes, metric, found)
        axes.set_xlabel("iteration")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
    panels["variance"].set_yscale("log")
    panels["variance"].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panels["variance"].yaxis.set_major_formatter(FormatStrFormatter("%g"))
    panels["variance"].yaxis.set_minor_formatter(NullFormatter())
    panels["variance"].set_ylabel("variance (share of iteration 1)")
    panels["entropy"].set_ylabel("entropy (nats, iteration 1 at 0)")
    handles, labels = panels["variance"].get_legend_handles_labels()
    known = dict(zip(labels, handles, strict=True)) | dict(
        zip(*reversed(panels["entropy"].get_legend_handles_labels()), strict=True)
    )
    drawn.legend(known.values(), known, loc="outside lower center", ncols=6, frameon=False)
    return drawn


def _shown(course: Course, metric: str, values: np.ndarray) -> np.ndarray:
    """Return values as they are drawn, so that arms with different first rows share a band."""
    if metric == "variance":
        return values / course.values[metric][0]
    start = course.predicted.get(metric)
    first = start.mean[0] if start else course.values[metric][0]
    return values - first


def _bands(axes: Axes, metric: str, found: list[Course]) -> None:
    seen = set()
    for course in found:
        if (band := course.predicted.get(metric)) is None:
            continue
        mean, low, high = (_shown(course, metric, e) for e in (band.mean, band.low, band.high))
        kind = tuple(np.round(mean, 9))
        if kind in seen:
            continue
        seen.add(kind)
        iterations = np.arange(1, len(mean) + 1)
        axes.fill_between(iterations, low, high, color="0.85", label="95 % band", lw=0)
        axes.plot(iterations, mean, color="black", lw=1.5, label="predicted")


def _measured(axes: Axes, metric: str, found: list[Course]) -> None:
    kinds = list(dict.fromkeys(c.selection for c in found if c.selection != "random"))
    replicates: dict[str, int] = {}
    for course in found:
        number = replicates[course.selection] = replicates.get(course.selection, -1) + 1
        values = _shown(course, metric, course.values[metric])
        random = course.selection == "random"
        colour = RANDOM if random else OTHERS[kinds.index(course.selection) % len(OTHERS)]
        axes.plot(
            np.arange(1, len(values) + 1),
            values,
            MARKERS[number % len(MARKERS)],
            ls="none" if course.predicted else "-",
            ms=3.5 if random else 2.5,
            lw=1,
            color=colour,
            alpha=0.75,
            label=course.arm if len(found) <= NAMED else course.selection,
        )
