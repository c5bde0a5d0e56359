"""The sections of the page that have figures and tables."""

from collections.abc import Iterator

from actors.errors import UserError
from actors.plots.figure import Figure
from actors.plots.page import Section
from actors.plots.style import styles
from orchestrator.analysis.records import Record, records
from orchestrator.oracle import predictions, selections
from orchestrator.outcome import Outcome, Sweep
from orchestrator.report import tables
from orchestrator.report.axes import FEWEST, axes_of, curve_axis
from orchestrator.report.heat import crossing
from orchestrator.report.lines import along, over_iterations
from orchestrator.report.oracle import measured_courses, oracle
from orchestrator.report.origins import matrices, named_sets, shares_of_sources
from orchestrator.report.panels import Panel, last_panels, panels
from orchestrator.report.scatter import scatters

# more lines than these in a panel look alike
MOST_LINES = 16


def sections(outcome: Outcome | Sweep, numbers: list[Record]) -> Iterator[Section]:
    """Yield the sections of what was measured."""
    measured = panels(numbers)
    drawn = styles(dict.fromkeys(record.series for record in numbers))
    few = len(drawn) <= MOST_LINES
    sets = named_sets(outcome) if few else {}
    yield Section("", tables=tables.at_a_glance(measured))
    if isinstance(outcome, Sweep):
        yield from _of_sweep(outcome, numbers)
    kind = "point" if isinstance(outcome, Sweep) else "arm"
    intro = (
        f"One line per {kind}. Iteration 1 trains on real data, each later one on what was "
        "selected from the samples."
    )
    others = "Every other measure"
    if few:
        lines = [(panel, over_iterations(panel, drawn)) for panel in measured]
        yield from _split("Over the iterations", intro, others, lines, {})
    else:
        text = f"{len(drawn)} are too many for lines; their numbers are below."
        yield Section("Over the iterations", text=text)
    yield Section(
        "Does entropy follow generalization?",
        "The paper's claim: the entropy of a training set follows log GS of the generator trained "
        "on it, and variance does not. One point per generator and iteration, whose number is "
        "beside it; only points of equal cards are pooled.",
        figures=scatters(numbers, drawn),
    )
    if isinstance(outcome, Outcome):
        yield _closed_form(outcome)
    yield Section("Sources of the training sets", figures=shares_of_sources(sets))
    yield Section(
        "Contamination",
        "How much of each training set was made by which generator, and when.",
        figures=matrices(sets),
        folded=True,
    )


def _of_sweep(sweep: Sweep, numbers: list[Record]) -> Iterator[Section]:
    yield Section("Points, the best first", tables=list(tables.ranking(sweep)))
    axes, measured = axes_of(sweep), last_panels(numbers)
    if axis := curve_axis(axes):
        beside = tables.differences(measured, axis, sweep.objectives)
        yield Section(f"Beside each other, along {axis.field}", tables=beside)
        curves = [
            (panel, along(panel, axis, sweep.objectives))
            for panel in measured
            if len({s.record.point[axis.field] for s in panel.summaries}) >= FEWEST
        ]
        title, intro = f"Along {axis.field}", "Every measure at the last iteration."
        yield from _split(title, intro, f"{title}: every other measure", curves, sweep.objectives)
    if len(axes) == 2:
        cells = [(panel, crossing(panel, *axes)) for panel in measured]
        title, intro = f"{axes[0].field} x {axes[1].field}", "Measures at the last iteration."
        yield from _split(title, intro, f"{title}: every other measure", cells, sweep.objectives)


def _split(
    title: str,
    intro: str,
    others: str,
    figures: list[tuple[Panel, Figure]],
    objectives: dict[str, str],
) -> Iterator[Section]:
    """Yield the figures of the main measures and objectives, then the others, folded."""
    main, rest = (
        [figure for panel, figure in figures if panel.is_main(objectives) is is_main]
        for is_main in (True, False)
    )
    yield Section(title, intro, figures=main)
    yield Section(others, figures=rest, folded=True)


def _closed_form(run: Outcome) -> Section:
    title = "Dispersion beside the closed form"
    try:
        figures, courses = oracle(run), measured_courses(run)
    except UserError as error:
        return Section(title, text=f"Not drawn, as the configuration is not valid here: {error}")
    lines = "\n".join([*predictions(courses), *selections(courses)])
    return Section(title, figures=figures, text=lines)


def figures(outcome: Outcome | Sweep) -> list[Figure]:
    """Return every figure of a page."""
    return [figure for section in sections(outcome, records(outcome)) for figure in section.figures]
