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


def print_contamination(console: Console, matrix: Contamination) -> None:
    """Print who made the training sets of the last iteration, if there is more than one maker."""
    last = max((iteration for _, _, iteration in matrix.shares), default=0)
    final = {key: shares for key, shares in matrix.shares.items() if key[2] == last}
    origins = [one for one in matrix.origins if any(one in shares for shares in final.values())]
    if len(origins) < 2:
        return
    columns: dict[str, dict[Origin, float]] = {}
    for (arm, generator, _), shares in final.items():
        alone = all(final[key] == shares for key in final if key[0] == arm)
        columns[arm if alone else f"{arm}\n{generator}"] = shares
    table = Table("made by", "iteration", title=f"Who made the training sets of iteration {last}")
    for name in columns:
        table.add_column(name, justify="right")
    for source, made in origins:
        cells = [shares.get((source, made), 0) for shares in columns.values()]
        at = str(made) if made else "before"
        table.add_row(source, at, *(f"{share:.1%}" for share in cells))
    console.print(table)
