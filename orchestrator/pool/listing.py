"""`pool ls`: what a store holds, from manifests alone."""

from collections import Counter, defaultdict

from rich.console import Console
from rich.table import Table

from actors.pool.inspect.contents import Contents, Finished
from actors.pool.schema import FRESH, REAL
from actors.pool.storage import Storage
from orchestrator.amounts import counted, size
from orchestrator.pool.runs import NamedRun, named_runs
from orchestrator.steps import VERSIONS


def print_listing(console: Console, storage: Storage, contents: Contents) -> None:
    """Print the pool by source and iteration, the named runs and sweeps, and totals."""
    samples: defaultdict[tuple[int, str], list[Finished]] = defaultdict(list)
    for step in contents.of_kind("sample"):
        samples[step.iteration or 0, step.source or ""].append(step)
    table = Table("source", title="Pool")
    for name in ("iteration", "steps", "rows", "bytes"):
        table.add_column(name, justify="right")
    # real rows first within an iteration, as they are there first
    for (iteration, source), steps in sorted(
        samples.items(), key=lambda one: (one[0][0], one[0][1] not in (REAL, FRESH), one[0][1])
    ):
        table.add_row(source, str(iteration), *_amounts(steps))
    table.add_section()
    table.add_row("all", "", *_amounts(contents.of_kind("sample")))
    console.print(table)
    if runs := named_runs(storage):
        console.print(_runs(storage, contents, runs))
    console.print(_totals(contents))
    if older := _of_older_versions(contents):
        console.print(f"of an older version, which no run uses any more: {older}")
    if unfinished := contents.unfinished():
        console.print(f"{counted(len(unfinished), 'unfinished step')} not counted")
    if unreadable := sorted(contents.unreadable):
        console.print(
            f"{counted(len(unreadable), 'step')} with a damaged manifest not counted: "
            "see `ouroboros pool verify`"
        )


def _runs(storage: Storage, contents: Contents, runs: list[NamedRun]) -> Table:
    table = Table("run or sweep", "kind", "status", title="Named")
    table.add_column("steps done", justify="right")
    for run in runs:
        state = run.state(storage)
        steps = run.steps(storage) if f"{run.folder}/steps.json" in run.files else []
        done = sum(path in contents.finished for path in steps)
        of = f"{done:,} of {len(steps):,}" if steps else "not known"
        table.add_row(run.name, run.kind, state.get("status", "not known"), of)
    return table


def _totals(contents: Contents) -> Table:
    table = Table("step", title="Store")
    for name in ("steps", "files", "bytes"):
        table.add_column(name, justify="right")
    kinds = sorted({step.kind for step in contents.finished.values()})
    for kind in kinds:
        steps = contents.of_kind(kind)
        files = sum(len(step.files) for step in steps)
        table.add_row(kind, f"{len(steps):,}", f"{files:,}", size(sum(s.bytes for s in steps)))
    every = list(contents.finished.values())
    table.add_section()
    files = sum(len(step.files) for step in every)
    table.add_row("all", f"{len(every):,}", f"{files:,}", size(sum(s.bytes for s in every)))
    return table


def _of_older_versions(contents: Contents) -> str:
    """Return the steps whose code made another output than it makes now, by kind and version."""
    counts = Counter(
        (kind, step.manifest["version"])
        for step in contents.finished.values()
        for kind in ["real" if "dataset" in step.config else step.kind]
        if step.manifest["version"] != VERSIONS.get(kind)
    )
    return ", ".join(
        f"{counted(number, f'{kind} step')} of version {version} (now {VERSIONS.get(kind)})"
        for (kind, version), number in sorted(counts.items())
    )


def _amounts(steps: list[Finished]) -> tuple[str, str, str]:
    rows, stored = sum(step.rows for step in steps), sum(step.bytes for step in steps)
    return f"{len(steps):,}", f"{rows:,}", size(stored)
