"""The comparison of arms on the terminal, after a run."""

import math
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from actors.evaluation.correlation import correlation
from actors.evaluation.measures import CARD
from orchestrator.results import Result

# more generators than this are told in rows, as their columns would not fit
GENERATOR_COLUMNS = 2
# of longer runs some iterations are told, the reports have them all
MOST_ITERATIONS = 10


def print_comparison(console: Console, results: list[Result]) -> None:
    """Print measures per iteration and arm, and which arm kept more entropy."""
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
    left_out, previous = False, 0
    for (iteration, arm), by_generator in rows.items():
        if previous not in (0, iteration):
            table.add_section()
        start = ["" if iteration == previous else str(iteration), arm]
        if wide:
            entropy, duplicates = _entropy(by_generator)
            left_out |= duplicates
            table.add_row(*start, entropy, *_measures(by_generator, generators))
        else:
            for name in filter(by_generator.__contains__, generators):
                entropy, duplicates = _entropy({name: by_generator[name]} if own else by_generator)
                left_out |= duplicates
                told = entropy if own or start[1] else ""
                table.add_row(*start, told, name, *_measures(by_generator, [name]))
                start = ["", ""]
        previous = iteration
    console.print(table)
    console.print(
        "GS: generalization score, mean distance of samples to their training set (falls with "
        "memorization).\nFréchet: distance of samples to held-out real rows (lower is better). "
        f"Both in {results[0].measures[0]['features']} space.",
        style="dim",
        highlight=False,
    )
    if left_out:
        console.print("* rows with an exact duplicate are left out of this entropy")
    if correlated := correlations(results):
        console.print(correlated, highlight=False, soft_wrap=True)
    for verdict in verdicts(results):
        console.print(verdict, highlight=False, style="bold")


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


def verdicts(results: list[Result]) -> list[str]:
    """Return the sentences that rank the arms, one for each generator where they differ."""
    if not own_training_sets(results):
        return [found] if (found := kept_more_entropy(results)) else []
    by_generator: dict[str, list[Result]] = {}
    for result in results:
        by_generator.setdefault(result.generator, []).append(result)
    return [
        f"{name}: {found}"
        for name, own in by_generator.items()
        if (found := kept_more_entropy(own))
    ]


def correlations(results: list[Result]) -> str | None:
    """Return how entropy and variance of the training sets go with log GS over the run, in words.

    Shi et al. 2025 find that entropy follows it and variance does not. None for fewer than four
    distinct points.
    """
    scores = [(r, r.measure("generalization_score")) for r in results]
    told = []
    for metric in ("entropy", "variance"):
        points = {
            (float(card["value"]), math.log(score["value"]))
            for r, score in scores
            for card in [r.measure(metric, "training_set")]
            if score and score["value"] and card and card["value"] is not None
        }
        if min(len(points), 2 * len({value for value, _ in points})) < 4:
            return None  # too few, or all the same
        pairs = np.array(sorted(points))
        found = correlation(pairs[:, 0], pairs[:, 1])
        low, high = found.interval or (math.nan, math.nan)
        told.append(f"{metric} {found.r:.2f} ({low:.2f} to {high:.2f})")
    return f"Correlation with log GS over {len(points)} points, 95 % intervals: {', '.join(told)}."


def _entropy(by_generator: dict[str, Result]) -> tuple[str, bool]:
    """Return the entropy of the training set, and whether duplicates are left out of it."""
    # the same for every generator that was trained
    cards = [result.measure("entropy", "training_set") for result in by_generator.values()]
    card = next(filter(None, cards), None)
    duplicates = bool(card and card["zero_distances"])
    return _value(card) + "*" * duplicates, duplicates


def _measures(by_generator: dict[str, Result], names: list[str]) -> list[str]:
    metrics = ("generalization_score", "frechet_distance")
    return [_measure(by_generator.get(name), metric) for metric in metrics for name in names]


def kept_more_entropy(results: list[Result]) -> str | None:
    """Return one sentence that ranks the arms by the entropy of their last training set.

    None where there is nothing to compare: fewer than two arms have trained a generator.
    """
    arms: dict[str, dict[int, dict[str, object]]] = {}
    for result in results:
        if card := result.measure("entropy", "training_set"):
            arms.setdefault(result.arm, {})[result.iteration] = card
    common = set.intersection(*(set(cards) for cards in arms.values())) if arms else set()
    if len(arms) < 2 or not common:
        return None
    last = max(common)
    cards = {arm: by_iteration[last] for arm, by_iteration in arms.items()}
    if len({str([card.get(name) for name in CARD]) for card in cards.values()}) > 1:
        sizes = ", ".join(f"{arm} {card['n']:,} rows" for arm, card in cards.items())
        return f"The entropies at iteration {last} cannot be compared: {sizes}."
    values = {
        arm: -float("inf") if card["value"] is None else float(str(card["value"]))
        for arm, card in cards.items()
    }
    order = sorted(values, key=lambda arm: values[arm], reverse=True)
    if values[order[0]] == values[order[1]]:
        return f"The arms have the same entropy at iteration {last}."
    rest = ", ".join(f"{_number(values[arm])} in {arm}" for arm in order[1:])
    return (
        f"{order[0]} kept more entropy: {_number(values[order[0]])} nats in its training set of "
        f"iteration {last}, against {rest}."
    )


def _measure(result: Result | None, metric: str) -> str:
    return "" if result is None else _value(result.measure(metric))


def _value(card: dict[str, Any] | None) -> str:
    return "" if card is None else _number(card["value"])


def _number(value: float | None) -> str:
    return "-inf" if value is None else f"{value:.2f}"
