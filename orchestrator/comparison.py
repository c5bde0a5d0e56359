"""The comparison of arms on the terminal, after a run."""

from rich.console import Console
from rich.table import Table

from actors.metrics.measures import Measure
from orchestrator.analysis.arms import compare
from orchestrator.analysis.records import records
from orchestrator.analysis.sentences import compared, correlations
from orchestrator.outcome import Outcome
from orchestrator.results import Result

METRICS = {"GS": "generalization_score", "Fréchet": "frechet_distance"}
# the columns of more generators would not fit: each has a row
GENERATOR_COLUMNS = 2
# of longer runs some iterations are printed; the report has them all
MOST_ITERATIONS = 10


def print_comparison(console: Console, outcome: Outcome) -> None:
    """Print measures per iteration and arm, and how the arms compare."""
    results = outcome.results
    generators = list(dict.fromkeys(result.generator for result in results))
    shared = share_training_sets(results)
    wide = shared and len(generators) <= GENERATOR_COLUMNS
    table = Table(title="Training sets and what the generators made of them")
    table.add_column("it.", justify="right")
    table.add_column("arm")
    table.add_column("training-set\nentropy (nats)", justify="right")
    if not wide:
        table.add_column("generator")
    for metric in METRICS:
        for name in generators if wide else [""]:
            table.add_column(f"{metric}\n{name}".rstrip(), justify="right")
    copies = False
    for iteration, arms in by_iteration(results).items():
        start = str(iteration)
        for arm, group in arms.items():
            by_name = {name: group[name] for name in generators if name in group}
            lines = [list(by_name)] if wide else [[name] for name in by_name]
            for number, line in enumerate(lines):
                sharing = list(by_name.values()) if shared else [by_name[line[0]]]
                entropy = "" if shared and number else _entropy(sharing)
                copies |= entropy.endswith("*")
                columns = [group.get(name) for name in (generators if wide else line)]
                values = [_value(r, metric) for metric in METRICS.values() for r in columns]
                names = [] if wide else line
                table.add_row(start, "" if number else arm, entropy, *names, *values)
                start = ""
        table.add_section()
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
    numbers = records(outcome)
    if text := correlations(numbers):
        console.print(text, highlight=False, soft_wrap=True)
    for comparison in compare(numbers):
        console.print(compared(comparison), highlight=False, soft_wrap=True, style="bold")


def by_iteration(results: list[Result]) -> dict[int, dict[str, dict[str, Result]]]:
    """Return results by iteration, arm and generator; of a long run of some iterations only."""
    last = max(result.iteration for result in results)
    shown = {*range(1, last + 1, -(-last // MOST_ITERATIONS)), last}
    groups: dict[int, dict[str, dict[str, Result]]] = {iteration: {} for iteration in sorted(shown)}
    for result in results:
        if result.iteration in shown:
            arms = groups[result.iteration]
            arms.setdefault(result.arm, {})[result.generator] = result
    return groups


def share_training_sets(results: list[Result]) -> bool:
    """Whether all generators of an arm that were trained were trained on the same rows."""
    sets: dict[tuple[str, int], Measure] = {}
    return all(
        sets.setdefault((result.arm, result.iteration), entropy) == entropy
        for result in results
        if (entropy := result.measure("entropy", "training_set"))
    )


def _entropy(results: list[Result]) -> str:
    """Return the entropy of a training set, marked where rows have copies in it."""
    entropies = [result.measure("entropy", "training_set") for result in results]
    entropy = next(filter(None, entropies), None)
    return _number(entropy) + "*" * bool(entropy and entropy.at_floor)


def _value(result: Result | None, metric: str) -> str:
    return _number(result.measure(metric)) if result else ""


def _number(measure: Measure | None) -> str:
    if measure is None:
        return ""
    return "none" if measure.value is None else f"{measure.value:.2f}"
