"""`pool gc`: remove what no named run needs."""

import time
from collections import Counter

from rich.console import Console
from rich.table import Table

from actors.errors import UserError
from actors.pool.inspect.contents import Contents
from actors.pool.inspect.garbage import (
    YOUNG_SECONDS,
    is_young,
    remove_folder,
    remove_steps,
    temporaries,
    unneeded,
)
from actors.pool.storage import Storage
from orchestrator.amounts import counted, size
from orchestrator.pool.runs import find_run, named_runs


def collect(
    console: Console, storage: Storage, contents: Contents, drop: list[str], yes: bool
) -> None:
    """Print what no named run needs; remove it where `yes`.

    Args:
        drop: names of runs and sweeps that are forgotten first.

    Raises:
        UserError: a run does not say what it needs, or there is no such run.
    """
    if contents.unreadable:
        some = sorted(contents.unreadable)[0]
        raise UserError(
            f"{some}: its manifest is damaged, so which steps it needs is not known; see "
            "`ouroboros pool verify --remove`"
        )
    runs = named_runs(storage)
    dropped = {find_run(runs, name, "--drop").folder for name in drop}
    listed = [path for run in runs if run.folder not in dropped for path in run.steps(storage)]
    now = time.time()
    garbage = unneeded(storage, contents, listed, now)
    old = [info for info in temporaries(storage) if not is_young(info, now)]
    table = Table("step", title="What no named run needs")
    for name in ("steps", "files", "bytes"):
        table.add_column(name, justify="right")
    steps, files, stored = Counter[str](), Counter[str](), Counter[str]()
    for path, infos in garbage.items():
        kind = path.split("/")[1]
        steps[kind] += 1
        files[kind] += len(infos)
        stored[kind] += sum(info.size or 0 for info in infos)
    for kind in sorted(steps):
        table.add_row(kind, f"{steps[kind]:,}", f"{files[kind]:,}", size(stored[kind]))
    if old:
        table.add_row("temporary", "", f"{len(old):,}", size(sum(i.size or 0 for i in old)))
    table.add_section()
    total = stored.total() + sum(info.size or 0 for info in old)
    table.add_row("all", f"{steps.total():,}", f"{files.total() + len(old):,}", size(total))
    for folder in sorted(dropped):
        console.print(f"{'forgotten' if yes else 'to be forgotten'}: {folder}")
    if not garbage and not old and not dropped:
        console.print(f"nothing to remove: {counted(len(contents.finished), 'step')} are needed")
        return
    console.print(table)
    if not yes:
        console.print("nothing is removed yet; remove it with --yes")
        return
    for folder in sorted(dropped):
        remove_folder(storage, folder)
    remove_steps(storage, garbage)
    storage.sweep(now - YOUNG_SECONDS)
    console.print(f"removed: {size(total)}")
