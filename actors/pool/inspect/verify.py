"""Whether a whole store is what was written: every file, and what the steps say of each other."""

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from actors.errors import PathError, StorageError
from actors.pool import shards
from actors.pool.inspect.contents import Contents, Finished
from actors.pool.manifest import damage, manifest_path
from actors.pool.selections import FILE, sample_ids
from actors.pool.storage import Storage

IDENTITY = ("kind", "config", "inputs", "seed", "version")


@dataclass(frozen=True)
class Problem:
    """Something that is not as it was written.

    Attributes:
        step_path: the step that it is about.
        file: its path in the store.
        found: what is wrong with it.
        is_damage: whether the step's own output is damaged; else it lacks what it was made from.
    """

    step_path: str
    file: str
    found: str
    is_damage: bool = True

    def __str__(self) -> str:
        return f"{self.file}: {self.found}"


def damaged_files(storage: Storage, contents: Contents) -> Iterator[tuple[int, Problem | None]]:
    """Read every file of every finished step; yield its bytes, and what is wrong with it."""
    for path, found in sorted(contents.unreadable.items()):
        yield 0, Problem(path, manifest_path(path), found)
    every = [
        (step.path, record)
        for _, step in sorted(contents.finished.items())
        for record in step.files
    ]

    def look(one: tuple[str, dict[str, Any]]) -> tuple[int, Problem | None]:
        path, record = one
        try:
            # of a remote file, what is stored counts, not this machine's copy
            storage.forget(record["path"])
            found = damage(storage, record)
        except StorageError as error:
            found = str(error)
        return record["bytes"], Problem(path, record["path"], found) if found else None

    # taking a checksum leaves the other threads free
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as readers:
        yield from readers.map(look, every)


def manifest_damage(step: Finished) -> Problem | None:
    """Return what is wrong with a manifest: its key is the hash of what it says."""
    identity = {name: step.manifest.get(name) for name in IDENTITY}
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    key = hashlib.sha256(text.encode()).hexdigest()[:32]
    if step.key == key == step.manifest["key"]:
        return None
    found = "what it says is not what its step's key stands for"
    return Problem(step.path, manifest_path(step.path), found)


def broken_references(storage: Storage, contents: Contents, damaged: set[str]) -> Iterator[Problem]:
    """Yield the references of finished steps that lead nowhere, or to other rows.

    Args:
        damaged: paths of the steps known to be damaged, whose rows are not read.
    """
    for path, step in sorted(contents.finished.items()):
        missing = [one for one in step.inputs if one not in contents.finished]
        for one in missing:
            found = f"its input {one} is not in the store; running again makes it again"
            yield Problem(path, manifest_path(path), found, is_damage=False)
        if step.kind == "select" and not missing and not damaged & {path, *step.inputs}:
            found = _wrong_rows(storage, step)
            if found:
                yield Problem(path, f"{path}/{FILE}", found)


def _wrong_rows(storage: Storage, select: Finished) -> str:
    """Return what is wrong with the ids of the selected rows, or nothing."""
    table = shards.read_table(storage, f"{select.path}/{FILE}")
    positions = table.column("position").to_numpy()
    samples = json.loads(table.schema.metadata[b"candidates"])["samples"]
    try:
        ids = sample_ids(storage, samples, positions)
    except IndexError:
        return "it has positions past the last row of its sample steps"
    except PathError as error:
        return str(error)
    differ = int(np.count_nonzero(ids.to_numpy(False) != table.column("sample_id").to_numpy()))
    return f"{differ:,} of its sample ids are not those of its sample steps' rows" if differ else ""
