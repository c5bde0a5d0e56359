"""Whether a whole store is what was written: every file, and what the steps say of each other."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow.compute as pc

from actors.errors import DamagedError, PathError, StorageError
from actors.pool import selections
from actors.pool.inspect.contents import Contents
from actors.pool.manifest import NOT_ITS_KEY, StoredStep, damage, manifest_path
from actors.pool.step import key_of
from actors.pool.storage import File, Storage


@dataclass(frozen=True)
class Problem:
    """Something that is not as it was written.

    Attributes:
        step_path: the step that it is about.
        file: its path in the store.
        cause: what is wrong with it.
        is_damage: whether the step's own output is damaged; else it lacks what it was made from.
    """

    step_path: str
    file: str
    cause: str
    is_damage: bool = True

    def __str__(self) -> str:
        return f"{self.file}: {self.cause}"


def problems_of(contents: Contents, report: Callable[[int], object]) -> list[Problem]:
    """Read every file of every finished step; return all that is wrong with the store.

    Args:
        report: is called with the bytes of each file that was read.
    """
    unreadable = sorted(contents.unreadable.items())
    problems = [Problem(path, manifest_path(path), cause) for path, cause in unreadable]
    steps = [step for _, step in sorted(contents.finished.items())]
    files = [(step, file) for step in steps for file in step.files]
    # taking a checksum leaves the other threads free
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as readers:
        causes = readers.map(lambda pair: _damage(contents.storage, pair[1]), files)
        for (step, file), cause in zip(files, causes, strict=True):
            report(file.bytes)
            problems += [Problem(step.path, file.path, cause)] if cause else []
    for step in steps:
        if key_of(step) != step.key:
            problems.append(Problem(step.path, manifest_path(step.path), NOT_ITS_KEY))
    damaged = {problem.step_path for problem in problems}
    for step in steps:
        missing = [path for path in step.read_steps if path not in contents.finished]
        for path in missing:
            cause = f"its input {path} is not in the store; running again makes it again"
            problems.append(Problem(step.path, manifest_path(step.path), cause, is_damage=False))
        is_readable = not missing and damaged.isdisjoint({step.path, *step.read_steps})
        if step.kind == "select" and is_readable and (cause := _wrong_rows(contents, step)):
            problems.append(Problem(step.path, f"{step.path}/{selections.FILE}", cause))
    return problems


def _damage(storage: Storage, file: File) -> str | None:
    try:
        # of a remote file, what is stored counts, not this machine's copy
        storage.forget(file.path)
        return damage(storage, file)
    except StorageError as error:
        return str(error)


def _wrong_rows(contents: Contents, select: StoredStep) -> str | None:
    """Return what is wrong with the ids of the selected rows; None if nothing."""
    stored = selections.read(contents.storage, select.path)
    try:
        ids = selections.sample_ids(contents.storage, stored.samples, stored.positions)
    except IndexError:
        return "it has positions past the last row of its sample steps"
    except (DamagedError, PathError) as error:
        return str(error)
    same = pc.equal(ids, stored.table["sample_id"])
    differ = len(ids) - (pc.sum(same).as_py() or 0)
    if not differ:
        return None
    return f"{differ:,} of its sample ids are not those of its sample steps' rows"
