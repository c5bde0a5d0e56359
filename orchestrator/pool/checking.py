"""`pool verify`: read a whole store and say what is not as it was written."""

import time

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

from actors.pool.inspect.contents import Contents
from actors.pool.inspect.garbage import remove_steps, temporaries
from actors.pool.inspect.verify import Problem, broken_references, damaged_files, manifest_damage
from actors.pool.storage import Storage
from orchestrator.amounts import counted, size


def verify(console: Console, storage: Storage, contents: Contents, remove: bool) -> int:
    """Print a line per problem and a summary; return 1 if anything is damaged, else 0.

    Args:
        remove: whether damaged steps are forgotten, so that the next run does them again.
    """
    started = time.monotonic()
    problems, read, files = _read_everything(console, storage, contents)
    seconds = time.monotonic() - started
    manifests = [manifest_damage(step) for step in contents.finished.values()]
    problems += [found for found in manifests if found]
    damaged = {problem.step_path for problem in problems}
    problems += broken_references(storage, contents, damaged)
    damaged = {problem.step_path for problem in problems if problem.is_damage}
    for problem in problems:
        _say(console, f"{'damaged' if problem.is_damage else 'incomplete'}: {problem}")
    for path in contents.unfinished():
        _say(console, f"unfinished: {path}, {counted(len(contents.files[path]), 'file')}")
    for info in temporaries(storage):
        _say(console, f"temporary: {info.path.removeprefix(storage.root + '/')}")
    rate = f", {size(read / seconds)}/s" if seconds else ""
    _say(
        console,
        f"{counted(len(contents.finished), 'step')}, {counted(files, 'file')}, {size(read)} read "
        f"in {seconds:.2f} s{rate}: "
        + (counted(len(problems), "problem") if problems else "all as written"),
    )
    if damaged and remove:
        freed = remove_steps(storage, sorted(damaged))
        _say(
            console,
            f"{counted(len(damaged), 'damaged step')} forgotten, {size(freed)}; the next run that "
            "needs them does them again",
        )
    elif damaged:
        _say(console, "forget the damaged steps, so that the next run does them again: --remove")
    return 1 if problems else 0


def _read_everything(
    console: Console, storage: Storage, contents: Contents
) -> tuple[list[Problem], int, int]:
    """Return what is damaged, and how many bytes and files were read."""
    problems: list[Problem] = []
    read = files = 0
    total = sum(step.bytes for step in contents.finished.values())
    with Progress(
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("", total=total)
        for count, problem in damaged_files(storage, contents):
            bar.advance(task, count)
            read, files = read + count, files + 1
            problems += [problem] if problem else []
    return problems, read, files - len(contents.unreadable)


def _say(console: Console, line: str) -> None:
    console.print(line, soft_wrap=True)
