"""The report of a curation: one picture (.png), or one page that holds everything (.html)."""

import json
from pathlib import Path
from typing import Any

from actors.curation.charts import figures
from actors.curation.curation import Curated
from actors.data.feature_source import Candidates
from actors.metrics.entropy import Entropy
from actors.plots import page
from actors.plots.figure import overview
from actors.plots.page import Page, Section, Table

SUFFIXES = (".html", ".png")
SHOWN_SOURCES = 12
UNITS = (
    "Distances are Euclidean, between features: vectors as given, or what the configuration has "
    "made of images."
)


def write(
    file: Path, suffix: str, summary: dict[str, Any], candidates: Candidates, curated: Curated
) -> None:
    """Write a report.

    Args:
        suffix: one of SUFFIXES.
        summary: what `describe` says of this curation.
    """
    configuration, skipped = summary["configuration"], summary["skipped"]
    name, kind = Path(configuration["input"]).name, configuration["selection"]["kind"]
    kept, rows = curated.figures.kept, curated.figures.rows
    title = f"{name}: {kept:,} of {rows:,} rows kept by {kind}, seed {summary['seed']}"
    drawn = figures(candidates, curated)
    if suffix == ".png":
        columns = [[f for f in drawn if f.is_wide is wide] for wide in (True, False)]
        file.write_bytes(overview(columns, title))
        return
    sections = [
        Section("", tables=[numbers(kind, curated)]),
        Section("What was kept", UNITS, figures=drawn),
        Section("What is not read, or not as it is", text="\n".join(summary["input"])),
        Section(f"Images that cannot be decoded: {len(skipped):,}", text="\n".join(skipped)),
        Section("Configuration", text=json.dumps(configuration, indent=1), folded=True),
    ]
    file.write_text(page.render(Page(title, sections)), encoding="utf-8")


def numbers(kind: str, curated: Curated) -> Table:
    """Return what a curation by a kind of selection is worth, for the page and the terminal."""
    measured = curated.figures
    before, after = measured.before, measured.after
    shares = list(measured.shares.items())
    if rest := shares[SHOWN_SOURCES:]:
        sums = sum(share for _, (share, _) in rest), sum(share for _, (_, share) in rest)
        shares = [*shares[:SHOWN_SOURCES], (f"{len(rest):,} more", sums)]
    distances = {
        "distance at the last pick": measured.last_pick,
        "largest distance to the nearest kept row": measured.covering,
    }
    of_kept = {name: value for name, value in distances.items() if value is not None}
    of_kept |= {f"{kind}: {n.replace('_', ' ')}": v for n, v in curated.selection.notes.items()}
    rows = [
        ["rows", f"{measured.rows:,}", f"{measured.kept:,}"],
        ["entropy (nats)", _nats(before), _nats(after)],
        ["exact duplicates", f"{measured.repeats:,}", f"{measured.kept_repeats:,}"],
        *([f"share of {name}", *(f"{share:.1%}" for share in both)] for name, both in shares),
        *([name, "", f"{value:.4g}"] for name, value in of_kept.items()),
    ]
    lines = ["distances are in feature units"]
    if before and after:
        same = before.n == measured.kept
        kept = "the kept rows" if same else f"{before.n:,} random kept rows"
        lines.append(
            f"entropy: of {before.n:,} random candidates, and of {kept}; "
            "more is more varied, compared at equal numbers of rows"
        )
        if before.at_floor or after.at_floor:
            lines.append(
                f"* {before.at_floor:,} random and {after.at_floor:,} kept rows have a copy in the "
                f"set, which counts as a distance of {after.floor:.2g}"
            )
    return Table(["", "candidates", "kept"], rows, 1, note="\n".join(lines))


def _nats(entropy: Entropy | None) -> str:
    return f"{entropy.nats:.2f}" + "*" * bool(entropy.at_floor) if entropy else "-"
