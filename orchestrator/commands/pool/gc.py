"""`ouroboros pool gc`: show what no named run needs, and remove it with --yes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from actors.errors import UserError
from orchestrator.commands.base import STORE, Command, argument, counted, flag
from orchestrator.commands.pool.ls import totals

if TYPE_CHECKING:
    from rich.console import Console

    from actors.pool.inspect.contents import Contents


def gc(console: Console, contents: Contents, command: argparse.Namespace) -> int:
    """Print what no named run needs; remove it where --yes is given.

    Raises:
        UserError: a run does not say what it needs, or --drop names none or several.
    """
    from rich.filesize import decimal

    from actors.pool.inspect.garbage import (
        YOUNG_SECONDS,
        is_young,
        remove_folder,
        remove_steps,
        unneeded,
    )
    from actors.pool.storage import TEMPORARY
    from orchestrator.named_runs import find_runs, named_runs

    storage = contents.storage
    if contents.unreadable:
        raise UserError(
            f"{min(contents.unreadable)}: its manifest is damaged, so which steps it needs is not "
            "known; see `ouroboros pool verify --remove`"
        )
    dropped = set()
    for name in command.drop:
        runs = find_runs(storage, name, "--drop")
        if len(runs) > 1:
            which = ", ".join(sorted(run.folder for run in runs))
            raise UserError(f"--drop: {name!r} may be any of {which}; give NAME-KEY")
        dropped.add(runs[0].folder)
    runs = [run for run in named_runs(storage) if run.folder not in dropped]
    now = storage.now()
    garbage = unneeded(contents, [path for run in runs for path in run.steps()], now)
    temporary = [info for info in storage.infos(TEMPORARY).values() if not is_young(info, now)]
    for folder in sorted(dropped):
        console.print(f"{'forgotten' if command.yes else 'to be forgotten'}: {folder}")
    if not garbage and not temporary and not dropped:
        console.print(f"nothing to remove: {counted(len(contents.finished), 'step')} are needed")
        return 0
    entries = [
        ((path.split("/")[1],), (1, len(files), sum(info.size for info in files.values())))
        for path, files in garbage.items()
    ]
    entries += [(("temporary",), (0, 1, info.size)) for info in temporary]
    names = ("steps", "files", "bytes")
    console.print(totals("What no named run needs", ("step",), names, entries))
    if not command.yes:
        console.print("nothing is removed yet; remove it with --yes")
        return 0
    for folder in sorted(dropped):
        remove_folder(storage, folder)
    remove_steps(storage, garbage)
    storage.sweep(YOUNG_SECONDS)
    console.print(f"removed: {decimal(sum(numbers[-1] for _, numbers in entries))}")
    return 0


QUESTION = Command(
    summary="show what no named run needs, and remove it with --yes",
    call=gc,
    usage="pool gc [--drop RUN ...] [--yes] [--store PATH]",
    arguments=(
        argument(
            "--drop",
            "RUN",
            "forget these runs or sweeps first",
            nargs="+",
            action="extend",
            default=[],
        ),
        flag("--yes", "remove it"),
        STORE,
    ),
)
