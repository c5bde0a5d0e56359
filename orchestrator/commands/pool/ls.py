"""`ouroboros pool ls`: list the pool's rows, the named runs, and totals."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from orchestrator.commands.base import STORE, Command, counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from actors.pool.inspect.contents import Contents


def ls(console: Console, contents: Contents, command: argparse.Namespace) -> int:
    """Print the pool by source and iteration, the named runs and sweeps, and totals."""
    from actors.pool.schema import FRESH, REAL

    rows = [
        (step.iteration or 0, step.source not in (REAL, FRESH), step.source or "", step)
        for step in contents.of_kind("sample")
    ]
    # real rows first within an iteration, as they are there first
    rows.sort(key=lambda row: row[:3])
    by_source = [((source, str(n)), (1, step.rows, step.bytes)) for n, _, source, step in rows]
    by_kind = [
        ((step.kind,), (1, len(step.files), step.bytes))
        for _, step in sorted(contents.finished.items())
    ]
    console.print(totals("Pool", ("source", "iteration"), ("steps", "rows", "bytes"), by_source))
    if (runs := _runs(contents)).row_count:
        console.print(runs)
    console.print(totals("Store", ("step",), ("steps", "files", "bytes"), by_kind))
    if older := _older_versions(contents):
        console.print(f"of an older version, which no run uses any more: {older}")
    if unfinished := contents.unfinished():
        console.print(f"{counted(len(unfinished), 'unfinished step')} not counted")
    if contents.unreadable:
        console.print(
            f"{counted(len(contents.unreadable), 'step')} with a damaged manifest not counted: "
            "see `ouroboros pool verify`"
        )
    return 0


def totals(
    title: str,
    labels: Sequence[str],
    numbers: Sequence[str],
    entries: Iterable[tuple[tuple[str, ...], Sequence[int]]],
) -> Table:
    """Return a table of sums by label, in the order in which labels first come, and over all.

    Args:
        labels: names of the columns that an entry's sums are kept by.
        numbers: names of the columns that are summed, the last of which is in bytes.
    """
    from rich.filesize import decimal
    from rich.table import Table

    sums: dict[tuple[str, ...], list[int]] = {}
    everything = [0] * len(numbers)
    for label, values in entries:
        before = sums.get(label, [0] * len(numbers))
        sums[label] = [a + b for a, b in zip(before, values, strict=True)]
        everything = [a + b for a, b in zip(everything, values, strict=True)]
    table = Table(labels[0], title=title)
    for name in (*labels[1:], *numbers):
        table.add_column(name, justify="right")
    for label, (*counts, size) in sums.items():
        table.add_row(*label, *(f"{count:,}" for count in counts), decimal(size))
    table.add_section()
    *counts, size = everything
    blank = [""] * (len(labels) - 1)
    table.add_row("all", *blank, *(f"{count:,}" for count in counts), decimal(size))
    return table


def _runs(contents: Contents) -> Table:
    from rich.table import Table

    from orchestrator.named_runs import named_runs

    table = Table("run or sweep", "kind", "status", title="Named")
    table.add_column("steps done", justify="right")
    for run in named_runs(contents.storage):
        steps = run.steps() if f"{run.folder}/steps.json" in run.files else []
        done = sum(path in contents.finished for path in steps)
        of = f"{done:,} of {len(steps):,}" if steps else "not known"
        table.add_row(run.name, run.kind, run.state().get("status", "not known"), of)
    return table


def _older_versions(contents: Contents) -> str:
    """Return the steps whose code made another output than it makes now, by kind and version."""
    from orchestrator.steps import VERSIONS

    counts = Counter(
        (kind, step.version)
        for step in contents.finished.values()
        for kind in ["real" if "dataset" in step.config else step.kind]
        if step.version != VERSIONS.get(kind)
    )
    return ", ".join(
        f"{counted(number, f'{kind} step')} of version {version} (now {VERSIONS.get(kind)})"
        for (kind, version), number in sorted(counts.items())
    )


QUESTION = Command(
    summary="list the pool's rows, the named runs, and totals",
    call=ls,
    usage="pool ls [--store PATH]",
    arguments=(STORE,),
)
