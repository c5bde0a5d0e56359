"""`ouroboros pool verify`: read every file and say what is damaged."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from orchestrator.commands.base import STORE, Command, counted, flag

if TYPE_CHECKING:
    from rich.console import Console

    from actors.pool.inspect.contents import Contents


def verify(console: Console, contents: Contents, command: argparse.Namespace) -> int:
    """Print a line per problem and a summary; return 1 if anything is damaged, else 0.

    With --remove damaged steps are forgotten, so that the next run does them again.
    """
    from rich.filesize import decimal
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    from actors.pool.inspect.garbage import remove_steps
    from actors.pool.inspect.verify import problems_of
    from actors.pool.storage import TEMPORARY

    started = time.monotonic()
    size = sum(step.bytes for step in contents.finished.values())
    files = sum(len(step.files) for step in contents.finished.values())
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        bar = progress.add_task("", total=size)
        problems = problems_of(contents, lambda read: progress.advance(bar, read))
    seconds = time.monotonic() - started
    damaged = sorted({problem.step_path for problem in problems if problem.is_damage})
    lines = [f"{'damaged' if p.is_damage else 'incomplete'}: {p}" for p in problems]
    lines += [
        f"unfinished: {path}, {counted(len(contents.files[path]), 'file')}"
        for path in contents.unfinished()
    ]
    lines += [f"temporary: {path}" for path in contents.storage.files(TEMPORARY)]
    rate = f", {decimal(int(size / seconds))}/s" if seconds else ""
    lines.append(
        f"{counted(len(contents.finished), 'step')}, {counted(files, 'file')}, {decimal(size)} "
        f"read in {seconds:.2f} s{rate}: "
        + (counted(len(problems), "problem") if problems else "all as written")
    )
    for line in lines:
        console.print(line, soft_wrap=True)
    if damaged and command.remove:
        freed = decimal(remove_steps(contents.storage, damaged))
        steps = counted(len(damaged), "damaged step")
        last = f"{steps} forgotten, {freed}; the next run that needs them does them again"
        console.print(last, soft_wrap=True)
    elif damaged:
        last = "forget the damaged steps, so that the next run does them again: --remove"
        console.print(last, soft_wrap=True)
    return 1 if problems else 0


QUESTION = Command(
    summary="read every file and say what is damaged; the exit status is 1 if anything is",
    call=verify,
    usage="pool verify [--remove] [--store PATH]",
    arguments=(
        flag("--remove", "forget damaged steps, so that the next run does them again"),
        STORE,
    ),
)
