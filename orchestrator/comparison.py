"""The comparison of arms on the terminal, after a run."""

from rich.console import Console
from rich.table import Table

from actors.metrics.groups import metrics
from orchestrator.analysis.arms import compare
from orchestrator.analysis.records import by_generator, records, summaries
from orchestrator.analysis.sentences import compared, correlations
from orchestrator.analysis.verdicts import verdicts
from orchestrator.outcome import Outcome

# the columns of more generators would not fit: each has a row
GENERATOR_COLUMNS = 2
# of longer runs some iterations are printed; the report has them all
MOST_ITERATIONS = 10


def print_comparison(console: Console, outcome: Outcome) -> None:
    """Print measures per iteration and arm, and how the arms compare.

    Arms that differ in their seed only are one, with the means over their seeds.
    """
    numbers = records(outcome)
    last = max(record.iteration for record in numbers)
    printed = {*range(1, last + 1, -(-last // MOST_ITERATIONS)), last}
    generators = list(dict.fromkeys(record.generator for record in numbers))
    shown = {
        (metric.name, metric.subjects[0]): metric for metric in metrics().values() if metric.column
    }
    of_sets = {
        key: f"training-set\n{metric.column}"
        for key, metric in shown.items()
        if key[1] != "samples"
    }
    of_samples = {key: metric.column for key, metric in shown.items() if key not in of_sets}
    headings = of_sets | of_samples
    shared = all(len(by_generator([r for r in numbers if r.key == key])) <= 1 for key in of_sets)
    wide = shared and len(generators) <= GENERATOR_COLUMNS
    # by iteration, arm and generator: the cells by column
    rows: dict[tuple[int, str, str], dict[str, str]] = {}
    for summary in summaries(numbers):
        record = summary.record
        if record.iteration in printed and record.key in headings:
            name = headings[record.key]
            of_generator = wide and record.key in of_samples
            row = (record.iteration, record.series, "" if wide else record.generator)
            column = f"{name}\n{record.generator}" if of_generator else name
            text = f"{summary.interval.mean:.2f}" + "*" * bool(record.measure.at_floor)
            cells = rows.setdefault(row, {})
            if text not in cells.setdefault(column, text).split(" / "):
                # seeds with several cards have a mean for each
                cells[column] += f" / {text}"
    columns = list(of_samples.values())
    if wide:
        columns = [f"{name}\n{generator}" for name in columns for generator in generators]
    table = Table(title="Training sets and what the generators made of them")
    names = ["it.", "arm", *of_sets.values(), *["generator"] * (not wide), *columns]
    for name in names:
        table.add_column(name, justify="left" if name in ("arm", "generator") else "right")
    before = (0, "")
    for (iteration, arm, generator), cells in sorted(rows.items(), key=lambda item: item[0][0]):
        if before[0] not in (0, iteration):
            table.add_section()
        same = (iteration, arm) == before
        table.add_row(
            "" if iteration == before[0] else str(iteration),
            "" if same else arm,
            *("" if same and shared else cells.get(name, "") for name in of_sets.values()),
            *[generator] * (not wide),
            *(cells.get(column, "") for column in columns),
        )
        before = (iteration, arm)
    console.print(table)
    legend = "\n".join(f"{shown[key].column}: {shown[key].legend}." for key in of_samples)
    console.print(
        f"{legend} All in {numbers[0].measure.features} space.", style="dim", highlight=False
    )
    if any(cell.endswith("*") for cells in rows.values() for cell in cells.values()):
        console.print("* some rows have a copy in the training set, which lowers this entropy")
    if sentence := correlations(numbers):
        console.print(sentence, highlight=False, soft_wrap=True)
    for comparison in compare(numbers):
        console.print(compared(comparison), highlight=False, soft_wrap=True, style="bold")
    for verdict in verdicts(numbers):
        console.print(str(verdict), highlight=False, soft_wrap=True)
