"""Contamination: how much of a training set was made by which source at which iteration."""

import csv
import io
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from orchestrator.results import Result

# source and iteration
Origin = tuple[str, int]


@dataclass(frozen=True)
class Contamination:
    """The share of every origin in the training sets.

    Attributes:
        shares: by (arm, generator, iteration), then by origin: selected rows / rows.
    """

    shares: dict[tuple[str, str, int], dict[Origin, float]]

    @property
    def origins(self) -> list[Origin]:
        """Every origin, real rows first and then as they came."""
        every = {origin for shares in self.shares.values() for origin in shares}
        return sorted(every, key=lambda origin: (origin[1], origin[0]))


def contamination(results: list[Result]) -> Contamination:
    """Return the contamination matrix of a run."""
    return Contamination(
        {
            (result.arm, result.generator, result.iteration): {
                (row["value"][0], row["value"][1]): row["selected_share"]
                for row in result.shares
                if row["by"] == "origin"
            }
            for result in results
            if result.shares
        }
    )


def as_csv(matrix: Contamination) -> str:
    """Return one line per training set and origin."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["arm", "generator", "iteration", "made_by", "made_at_iteration", "share"])
    for (arm, generator, iteration), shares in matrix.shares.items():
        for source, made in sorted(shares, key=lambda origin: (origin[1], origin[0])):
            share = f"{shares[source, made]:.6g}"
            writer.writerow([arm, generator, iteration, source, made, share])
    return out.getvalue()


# more origins than this are told by source alone, as their columns would not fit
ORIGIN_COLUMNS = 8


def print_contamination(console: Console, matrix: Contamination) -> None:
    """Print who made the training sets of the last iteration, if there is more than one maker."""
    last = max((iteration for _, _, iteration in matrix.shares), default=0)
    final = {key[:2]: shares for key, shares in matrix.shares.items() if key[2] == last}
    origins = [one for one in matrix.origins if any(one in shares for shares in final.values())]
    if len(origins) < 2:
        return
    by_iteration = len(origins) <= ORIGIN_COLUMNS
    title = f"Who made the training sets of iteration {last}"
    table = Table("arm", title=title if by_iteration else f"{title}, at any iteration")
    columns: dict[str, list[Origin]] = {}
    for source, made in origins:
        name = f"{source} {made}".removesuffix(" 0") if by_iteration else source
        columns.setdefault(name, []).append((source, made))
    for name in columns:
        table.add_column(name, justify="right")
    for (arm, generator), shares in final.items():
        alone = all(final[key] == shares for key in final if key[0] == arm)
        if alone and generator != next(key[1] for key in final if key[0] == arm):
            continue
        cells = [sum(shares.get(one, 0) for one in group) for group in columns.values()]
        name = arm if alone else f"{arm}, {generator}"
        table.add_row(name, *(f"{share:.1%}" for share in cells))
    console.print(table)
