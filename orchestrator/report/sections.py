"""The parts of the page that have figures."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from orchestrator.analysis import words
from orchestrator.analysis.records import Record, records
from orchestrator.outcome import Outcome, Sweep
from orchestrator.report import tables
from orchestrator.report.axes import axes_of
from orchestrator.report.crossings import crossings
from orchestrator.report.curves import curve_axis, curves
from orchestrator.report.differences import differences
from orchestrator.report.figure import Figure
from orchestrator.report.lines import lines
from orchestrator.report.origins import matrices, shares
from orchestrator.report.scatter import scatters
from orchestrator.report.styles import styles

# more lines than this in a panel are not told apart
MOST_LINES = 16


@dataclass(frozen=True)
class Section:
    """A part of the page: figures, then HTML; folded away when it is not for every reader."""

    title: str
    intro: str = ""
    figures: list[Figure] = field(default_factory=list)
    body: str = ""
    folded: bool = False


def sections(found: Outcome | Sweep) -> Iterator[Section]:
    """Yield the parts that have figures, where there is data for them."""
    numbers = records(found)
    names = list(dict.fromkeys(record.series for record in numbers))
    drawn = styles(names)
    if isinstance(found, Sweep):
        yield from _of_sweep(found, numbers)
    if len(names) <= MOST_LINES:
        panels = list(lines(numbers, drawn))
        what = "point" if isinstance(found, Sweep) else "arm"
        yield Section(
            "Over the iterations",
            f"One line per {what}. Iteration 1 trains on real data, each later one on what was "
            "selected from the samples.",
            [figure for key, figure in panels if key in words.MAIN],
        )
        others = [figure for key, figure in panels if key not in words.MAIN]
        yield Section("Every other measure", "", others, folded=True)
    elif names:
        yield Section(
            "Over the iterations",
            body=f"<p>{len(names)} are too many for lines; their numbers are below.</p>",
        )
    yield Section(
        "Does entropy follow generalization?",
        "The paper's claim: the entropy of a training set follows log GS of the generator trained "
        "on it, and variance does not. One point per generator and iteration, whose number is "
        "beside it; only points of equal cards are pooled.",
        list(scatters(numbers, drawn)),
    )
    if len(names) <= MOST_LINES:
        yield Section("Sources of the training sets", "", list(shares(found)))
        yield Section(
            "Contamination",
            "How much of each training set was made by which generator, and when.",
            list(matrices(found)),
            folded=True,
        )


def _of_sweep(sweep: Sweep, numbers: list[Record]) -> Iterator[Section]:
    yield Section("Points, the best first", body=tables.ranking(sweep))
    axes = axes_of(sweep)
    groups = []
    if axis := curve_axis(axes):
        beside = differences(numbers, axis, sweep.objectives)
        yield Section(f"Beside each other, along {axis.field}", body=beside)
        panels = list(curves(numbers, axis, sweep.objectives))
        groups.append((f"Along {axis.field}", "Every measure at the last iteration.", panels))
    if len(axes) == 2:
        title = f"{axes[0].field} x {axes[1].field}"
        groups.append((title, "Measures at the last iteration.", list(crossings(numbers, axes))))
    for title, intro, panels in groups:
        main = [
            f
            for key, f in panels
            if key in words.MAIN or words.metric_name(*key) in sweep.objectives
        ]
        others = [f for key, f in panels if f not in main]
        yield Section(title, intro, main)
        yield Section(f"{title}: every other measure", "", others, folded=True)


def figures(found: Outcome | Sweep) -> list[Figure]:
    """Return every figure of a page."""
    return [figure for section in sections(found) for figure in section.figures]
