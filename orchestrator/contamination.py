"""Contamination: how much of a training set was made by which source at which iteration."""

import csv
import io

from rich.console import Console
from rich.table import Table

from orchestrator.results import Result

# source and iteration
Origin = tuple[str, int]
# by iteration, the share of every origin in the training set
Shares = dict[int, dict[Origin, float]]
# of more origins the sources alone are columns of the terminal, as they would not fit
ORIGIN_COLUMNS = 8


def origins(result: Result) -> dict[Origin, float]:
    """Return the share of every origin in a training set: selected rows / rows, real ones first."""
    shares = {
        (row["value"][0], row["value"][1]): row["selected_share"]
        for row in result.shares
        if row["by"] == "origin"
    }
    return {origin: shares[origin] for origin in in_order(shares)}


def in_order(every: dict[Origin, float] | set[Origin]) -> list[Origin]:
    """Return origins by iteration, so that real rows come first, and source."""
    return sorted(every, key=lambda origin: (origin[1], origin[0]))


def training_sets(results: list[Result]) -> dict[tuple[str, str], Shares]:
    """Return the shares by arm and generator; generator is empty where all of an arm are alike."""
    by_arm: dict[str, dict[str, Shares]] = {}
    for result in results:
        if shares := origins(result):
            by_generator = by_arm.setdefault(result.arm, {})
            by_generator.setdefault(result.generator, {})[result.iteration] = shares
    sets: dict[tuple[str, str], Shares] = {}
    for arm, by_generator in by_arm.items():
        first, *others = by_generator.values()
        if all(shares == first for shares in others):
            sets[arm, ""] = first
        else:
            sets |= {(arm, generator): shares for generator, shares in by_generator.items()}
    return sets


def as_csv(results: list[Result]) -> str:
    """Return one line per training set and origin."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["arm", "generator", "iteration", "made_by", "made_at_iteration", "share"])
    for result in results:
        for (source, made), share in origins(result).items():
            where = (result.arm, result.generator, result.iteration)
            writer.writerow([*where, source, made, f"{share:.6g}"])
    return out.getvalue()


def print_contamination(console: Console, results: list[Result]) -> None:
    """Print who made the training sets of the last iteration, if there is more than one maker."""
    sets = training_sets(results)
    last = max((iteration for shares in sets.values() for iteration in shares), default=0)
    final = {name: shares[last] for name, shares in sets.items() if last in shares}
    every = in_order({origin for shares in final.values() for origin in shares})
    if len(every) < 2:
        return
    by_iteration = len(every) <= ORIGIN_COLUMNS
    columns: dict[str, list[Origin]] = {}
    for source, made in every:
        name = f"{source} {made}".removesuffix(" 0") if by_iteration else source
        columns.setdefault(name, []).append((source, made))
    when = "" if by_iteration else ", at any iteration"
    table = Table("arm", title=f"Who made the training sets of iteration {last}{when}")
    for name in columns:
        table.add_column(name, justify="right")
    for names, shares in final.items():
        cells = [sum(shares.get(origin, 0) for origin in group) for group in columns.values()]
        table.add_row(", ".join(filter(None, names)), *(f"{share:.1%}" for share in cells))
    console.print(table)
