"""The comparison of arms on the terminal, after a run."""

from rich.console import Console
from rich.table import Table

from actors.metrics.measures import Measure
from orchestrator.analysis.arms import compare
from orchestrator.analysis.records import records
from orchestrator.analysis.sentences import compared, correlations
from orchestrator.outcome import Outcome
from orchestrator.results import Result

# more generators than this are told in rows, as their columns would not fit
GENERATOR_COLUMNS = 2
# of longer runs some iterations are told, the reports have them all
MOST_ITERATIONS = 10


def print_comparison(console: Console, found: Outcome) -> None:
    """Print measures per iteration and arm, and how the arms compare."""
    results = found.results
    generators = list(dict.fromkeys(result.generator for result in results))
    own = own_training_sets(results)
    wide = len(generators) <= GENERATOR_COLUMNS and not own
    table = Table(title="Training sets and what the generators made of them")
    table.add_column("it.", justify="right")
    table.add_column("arm")
    table.add_column("training-set\nentropy (nats)", justify="right")
    if not wide:
        table.add_column("generator")
    for metric in ("GS", "Fréchet"):
        for name in generators if wide else [""]:
            table.add_column(f"{metric}\n{name}".rstrip(), justify="right")
    rows: dict[tuple[int, str], dict[str, Result]] = {}
    for result in shown(results):
        rows.setdefault((result.iteration, result.arm), {})[result.generator] = result
    copies, previous = False, 0
    for (iteration, arm), by_generator in rows.items():
        if previous not in (0, iteration):
            table.add_section()
        start = ["" if iteration == previous else str(iteration), arm]
        if wide:
            entropy, duplicates = _entropy(by_generator)
            copies |= duplicates
            table.add_row(*start, entropy, *_measures(by_generator, generators))
        else:
            for name in filter(by_generator.__contains__, generators):
                entropy, duplicates = _entropy({name: by_generator[name]} if own else by_generator)
                copies |= duplicates
                told = entropy if own or start[1] else ""
                table.add_row(*start, told, name, *_measures(by_generator, [name]))
                start = ["", ""]
        previous = iteration
    console.print(table)
    console.print(
        "GS: generalization score, mean distance of samples to their training set (falls with "
        "memorization).\nFréchet: distance of samples to held-out real rows (lower is better). "
        f"Both in {results[0].measures[0].features} space.",
        style="dim",
        highlight=False,
    )
    if copies:
        console.print("* some rows have a copy in the training set, which lowers this entropy")
    numbers = records(found)
    if correlated := correlations(numbers):
        console.print(correlated, highlight=False, soft_wrap=True)
    for one in compare(numbers):
        console.print(compared(one), highlight=False, soft_wrap=True, style="bold")


def shown(results: list[Result]) -> list[Result]:
    """Return the results that the table shows: of a long run some iterations, and the last."""
    last = max(result.iteration for result in results)
    iterations = {*range(1, last + 1, -(-last // MOST_ITERATIONS)), last}
    return sorted((r for r in results if r.iteration in iterations), key=lambda r: r.iteration)


def own_training_sets(results: list[Result]) -> bool:
    """Whether generators of an arm were trained on different rows."""
    seen: dict[tuple[str, int], object] = {}
    for result in results:
        card = result.measure("entropy", "training_set")
        if card and seen.setdefault((result.arm, result.iteration), card) != card:
            return True
    return False


def _entropy(by_generator: dict[str, Result]) -> tuple[str, bool]:
    """Return the entropy of the training set, and whether some rows have copies in it."""
    # the same for every generator that was trained
    cards = [result.measure("entropy", "training_set") for result in by_generator.values()]
    card = next(filter(None, cards), None)
    duplicates = bool(card and card.at_floor)
    return _value(card) + "*" * duplicates, duplicates


def _measures(by_generator: dict[str, Result], names: list[str]) -> list[str]:
    metrics = ("generalization_score", "frechet_distance")
    return [_measure(by_generator.get(name), metric) for metric in metrics for name in names]


def _measure(result: Result | None, metric: str) -> str:
    return "" if result is None else _value(result.measure(metric))


def _value(card: Measure | None) -> str:
    return "" if card is None else _number(card.value)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"
