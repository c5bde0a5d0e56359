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
from actors.curation.report import numbers
from actors.data.feature_source import Candidates
from actors.data.feature_source import Progress as Tell

# seconds between lines of progress where there is no terminal
QUIET = 10
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
    worth = numbers(kind, curated)
    table = Table(*worth.head, title="Curation")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in worth.rows:
        table.add_row(*row)
    console.print(table)
    longest = [f"{p} {s:.1f}" for p, s in phases.seconds.items() if s >= SHOWN_SECONDS]
    took = [f"took {sum(phases.seconds.values()):.1f} s", ", ".join(longest)]
    memory = f"peak memory of this process: {_peak_gigabytes():.2f} GB"
    for text in (worth.note, ": ".join(filter(None, took)), memory):
        console.print(text, style="dim", highlight=False, soft_wrap=True)
    skipped = candidates.skipped
    lines = [*candidates.notes]
    if skipped:
        lines.append(f"images that cannot be decoded, left out: {len(skipped):,}")
        lines += [f"  {line}" for line in skipped[:SHOWN_SKIPPED]]
    if len(skipped) > SHOWN_SKIPPED:
        lines.append("  ... and more, all of them in the output's curation.json")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _peak_gigabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e9 if sys.platform == "darwin" else peak * 1024 / 1e9
