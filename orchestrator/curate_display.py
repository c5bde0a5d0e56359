"""What `curate` shows: progress with the time left, and a closing table."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from actors.curation.curation import Curated, Phases
from actors.curation.figures import Figures
from actors.data.feature_source import Progress as Tell
from actors.data.inputs import Candidates
from actors.metrics.entropy import Entropy

# seconds between lines of progress where there is no terminal
QUIET = 10
SHOWN_SOURCES = 12
SHOWN_SKIPPED = 5
# phases that took less are not named
SHOWN_SECONDS = 0.05


class ShownPhases(Phases):
    """Shows a bar per phase on a terminal, and plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    @contextmanager
    def shown(self, name: str, total: int | None) -> Iterator[Tell]:
        if self._console.is_terminal:
            with self._bar(name, total) as tell:
                yield tell
            return
        started = last = time.monotonic()

        def say(done: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last > QUIET:
                last = now
                of = f" of {total:,}" if total else ""
                left = f", {(now - started) * (total - done) / done:.0f} s left" if total else ""
                self._console.print(f"{name}: {done:,}{of}{left}", highlight=False)

        yield say
        self._console.print(f"{name}: {time.monotonic() - started:.1f} s", highlight=False)

    @contextmanager
    def _bar(self, name: str, total: int | None) -> Iterator[Tell]:
        columns = (MofNCompleteColumn(), TimeRemainingColumn()) if total else ()
        bar = Progress(
            TextColumn(f"{name:15s}"), BarColumn(), *columns, console=self._console, transient=True
        )
        with bar:
            task = bar.add_task(name, total=total)
            yield lambda done: bar.update(task, completed=done)


def print_closing(
    console: Console, kind: str, curated: Curated, candidates: Candidates, phases: Phases
) -> None:
    """Print what a curation is worth and what it cost."""
    figures = curated.figures
    table = Table("", "candidates", "kept", title="Curation")
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("rows", f"{figures.rows:,}", f"{figures.kept:,}")
    table.add_row("entropy (nats)", _nats(figures.before), _nats(figures.after))
    table.add_row("exact duplicates", f"{figures.repeats:,}", f"{figures.kept_repeats:,}")
    sources = list(figures.shares.items())
    for source, (before, after) in sources[:SHOWN_SOURCES]:
        table.add_row(f"share of {source}", f"{before:.1%}", f"{after:.1%}")
    if len(sources) > SHOWN_SOURCES:
        rest = [sum(share[side] for _, share in sources[SHOWN_SOURCES:]) for side in (0, 1)]
        name = f"share of {len(sources) - SHOWN_SOURCES:,} more"
        table.add_row(name, *(f"{share:.1%}" for share in rest))
    table.add_section()
    if figures.last_pick is not None:
        table.add_row("distance at the last pick", "", f"{figures.last_pick:.4g}")
    table.add_row("largest distance to the nearest kept row", "", f"{figures.covering:.4g}")
    for note, value in curated.selection.notes.items():
        table.add_row(f"{kind}: {note.replace('_', ' ')}", "", f"{value:.4g}")
    console.print(table)
    for line in (_explanation(figures), _cost(phases)):
        console.print(line, style="dim", highlight=False, soft_wrap=True)
    for note in candidates.notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    if skipped := candidates.skipped:
        console.print(f"images that cannot be decoded, left out: {len(skipped):,}", highlight=False)
        for line in skipped[:SHOWN_SKIPPED]:
            console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
        if len(skipped) > SHOWN_SKIPPED:
            console.print("  ... and more, all of them in the output's curation.json")


def _explanation(figures: Figures) -> str:
    lines = ["distances are in feature units"]
    if figures.before and figures.after:
        rows = figures.before.n
        kept = "the kept rows" if rows == figures.kept else f"{rows:,} random kept rows"
        lines.insert(
            0,
            f"entropy: of {rows:,} random candidates, and of {kept}; "
            "more is more varied, compared at equal numbers of rows",
        )
        copies = [e.at_floor for e in (figures.before, figures.after)]
        if any(copies):
            lines.append(
                f"* {copies[0]:,} random and {copies[1]:,} kept rows have a copy in the set, which "
                f"counts as a distance of {figures.after.floor:.2g}"
            )
    return "\n".join(lines)


def _cost(phases: Phases) -> str:
    seconds = phases.seconds
    longest = [f"{phase} {s:.1f}" for phase, s in seconds.items() if s >= SHOWN_SECONDS]
    took = ": ".join(filter(None, (f"took {sum(seconds.values()):.1f} s", ", ".join(longest))))
    return f"{took}\npeak memory of this process: {_peak_bytes() / 1e9:.2f} GB"


def _nats(entropy: Entropy | None) -> str:
    if entropy is None:
        return "-"
    return f"{entropy.nats:.2f}" + ("*" if entropy.at_floor else "")


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
