"""The closing table of a sweep."""

import json

from rich.console import Console
from rich.table import Table

from actors.metrics.equal_rows import AT_EQUAL_N
from orchestrator.analysis.cards import main_card
from orchestrator.analysis.ranking import by_point, front, last_records, rank, values_of
from orchestrator.analysis.records import Record
from orchestrator.analysis.sentences import best_of
from orchestrator.analysis.statistics import mean_interval
from orchestrator.analysis.words import COLUMNS, plain
from orchestrator.outcome import Sweep
from orchestrator.sweep.config import named


def print_table(console: Console, sweep: Sweep) -> None:
    """Print every point with its measures at the last iteration, means and 95 % intervals.

    Measures that were taken on equally many rows also are shown at those.
    """
    points = by_point(sweep)
    wanted = [*COLUMNS, *(name for name in sweep.objectives if name not in COLUMNS)]
    cells = {
        name: {point: last_records(trials, name) for point, trials in points.items()}
        for name in dict.fromkeys(_at_equal_n(name, sweep) for name in wanted)
    }
    usual = {
        name: main_card(cards) for name, records in cells.items() if (cards := _cards(records))
    }
    table = Table(
        *(axis.rsplit(".", 1)[-1] for axis in sweep.axes),
        "seeds",
        "it.",
        *(_heading(name, usual.get(name)) for name in cells),
        "status",
        title="Points at their last iteration: mean and 95 % interval over seeds",
    )
    marked = False
    for point, trials in points.items():
        ended = {trial.status for trial in trials}
        shown = [cells[name][point] for name in cells]
        other = [
            any(r.card != usual[n] for r in records)
            for n, records in zip(cells, shown, strict=True)
        ]
        marked |= any(other)
        table.add_row(
            *(named({axis: trials[0].point[axis]}).partition("=")[2] for axis in sweep.axes),
            str(len(trials)),
            str(max((r.iteration for records in shown for r in records), default=0)),
            *(interval(records) + " *" * mark for records, mark in zip(shown, other, strict=True)),
            "failed" if "failed" in ended else "/".join(sorted(ended)),
        )
    console.print(table)
    if marked:
        console.print("* measured on other sets than most, and not compared with those")
    for point, trials in points.items():
        errors = dict.fromkeys(trial.error for trial in trials if trial.error)
        for error in errors:
            console.print(f"{point}: {error}", style="red", markup=False, highlight=False)


def _at_equal_n(name: str, sweep: Sweep) -> str:
    """Return the name of a measure on equally many rows, where it was taken on those."""
    equal = name + AT_EQUAL_N
    return equal if last_records(sweep.trials, equal) else name


def _cards(cells: dict[str, list[Record]]) -> list[str]:
    return [record.card for records in cells.values() for record in records]


def _heading(name: str, card: str | None) -> str:
    heading = COLUMNS.get(plain(name), plain(name))
    if plain(name) == name or card is None:
        return heading
    known = json.loads(card)
    rows = known["reference_n"] if known["reference"] == "training_set" else known["n"]
    return f"{heading}\non {rows:,} rows"


def interval(records: list[Record]) -> str:
    """Return the mean over seeds with half the width of its 95 % t-interval."""
    values = list(values_of(records).values())
    if not values:
        return ""
    over = mean_interval(values)
    if over.high is None:
        return f"{over.mean:.2f}"
    return f"{over.mean:.2f} ± {over.high - over.mean:.2f}"


def best_line(sweep: Sweep) -> str | None:
    """Return which point is best by each objective, and of several which are worth a choice."""
    rankings = [rank(sweep, objective) for objective in sweep.objectives]
    lines = [best_of(ranking) for ranking in rankings]
    if len(rankings) > 1 and (points := front(rankings)):
        lines.append("no other is better in all: " + " | ".join(points))
    return "\n".join(lines) or None


def sharing_line(sweep: Sweep) -> str | None:
    """Return how much the trials shared."""
    if not sweep.shared.get("steps"):
        return None
    steps, done = int(sweep.shared["steps"]), int(sweep.shared["done"])
    return (
        f"shared: {done} steps were done for the {steps} that the trials have, "
        f"which saved {sweep.shared['seconds_saved']:.0f} s of work"
    )
