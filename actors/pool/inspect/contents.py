"""What a store holds: its finished steps by their manifests, and the files of unfinished ones."""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from actors.errors import PathError, UserError
from actors.pool.filesystems import without_secrets
from actors.pool.format import check_format
from actors.pool.manifest import manifest_path
from actors.pool.paths import below
from actors.pool.storage import Storage

# manifests are small, so on a remote store what counts is how many are asked for at once
READERS = 16
FIELDS = {"kind", "key", "config", "inputs", "seed", "version", "files", "seconds", "started"}


@dataclass(frozen=True)
class Finished:
    """A finished step.

    Attributes:
        path: its folder in the store.
        manifest: what its step.json says.
    """

    path: str
    manifest: dict[str, Any]

    @property
    def kind(self) -> str:
        return self.path.split("/")[1]

    @property
    def key(self) -> str:
        return self.path.split("/")[2]

    @property
    def config(self) -> dict[str, Any]:
        return self.manifest["config"]

    @property
    def source(self) -> str | None:
        return self.config.get("source")

    @property
    def iteration(self) -> int | None:
        return self.config.get("iteration")

    @property
    def files(self) -> list[dict[str, Any]]:
        return self.manifest["files"]

    @property
    def inputs(self) -> list[str]:
        """Paths of all steps that it reads."""
        return sorted({path for paths in self.manifest["inputs"].values() for path in paths})

    @property
    def rows(self) -> int:
        """Rows of all its tables."""
        return sum(record.get("rows", 0) for record in self.files)

    @property
    def bytes(self) -> int:
        return sum(record["bytes"] for record in self.files)

    def reads(self, role: str) -> str | None:
        """Return the path of the step that it reads in a role of one, None where it reads none."""
        return next(iter(self.manifest["inputs"].get(role, ())), None)


@dataclass(frozen=True)
class Contents:
    """What lies below steps/ in a store.

    Attributes:
        finished: the finished steps by path.
        files: paths of the files of every step's folder, finished or not.
        unreadable: what is wrong with a manifest that is there, by path of its step.
    """

    finished: dict[str, Finished]
    files: dict[str, list[str]]
    unreadable: dict[str, str] = field(default_factory=dict)

    def of_kind(self, kind: str) -> list[Finished]:
        """Return the finished steps of a kind, in the order in which they were begun."""
        found = [step for step in self.finished.values() if step.kind == kind]
        return sorted(found, key=lambda step: (step.manifest["started"], step.key))

    def unfinished(self) -> list[str]:
        """Return the paths of the steps that have files, but no manifest."""
        return [p for p in self.files if p not in self.finished and p not in self.unreadable]

    def find_step(self, prefix: str, field: str, kind: str | None = None) -> Finished:
        """Return the one finished step (of a kind) whose key begins so.

        Raises:
            UserError: there is none, or there are several.
        """
        found = [
            step
            for step in self.finished.values()
            if step.key.startswith(prefix) and kind in (None, step.kind)
        ]
        if len(found) == 1 and prefix:
            return found[0]
        what = f"{kind or ''} step".strip()
        if not found:
            raise UserError(f"{field}: no finished {what} of the store has a key like {prefix!r}")
        some = ", ".join(f"{step.kind} {step.key[:12]}" for step in found[:4])
        raise UserError(
            f"{field}: {prefix!r} is the beginning of {len(found)} keys ({some}"
            f"{', ...' if len(found) > 4 else ''}); give more of it"
        )

    def find_sample(self, sample_id: str) -> tuple[Finished, int]:
        """Return the sample step of an id and the index of its row.

        Raises:
            UserError: there is no such sample.
        """
        prefix, _, digits = sample_id.rpartition("-")
        if len(prefix) != 12 or len(digits) < 8 or not (digits.isascii() and digits.isdigit()):
            raise UserError(
                f"SAMPLE_ID: found {sample_id!r}; allowed is the first 12 characters of a sample "
                "step's key and the number of a row, such as 0123456789ab-00000042"
            )
        step = self._samples.get(prefix)
        if step is None:
            raise UserError(
                f"SAMPLE_ID: found {sample_id!r}, but the store has no finished sample step "
                f"whose key begins with {prefix}"
            )
        if int(digits) >= step.rows:
            raise UserError(
                f"SAMPLE_ID: found {sample_id!r}, but that step has {step.rows:,} rows; the last "
                f"is {prefix}-{step.rows - 1:08d}"
            )
        return step, int(digits)

    @cached_property
    def _samples(self) -> dict[str, Finished]:
        return {step.key[:12]: step for step in self.finished.values() if step.kind == "sample"}


def read_contents(storage: Storage) -> Contents:
    """Read every manifest of a store.

    Raises:
        UserError: there is no store, or one of another format.
    """
    check_format(storage)
    listed = storage.files("steps")
    if not listed and not any(storage.files(folder) for folder in ("experiments", "sweeps")):
        raise UserError(
            f"store: {without_secrets(storage.uri)!r} is no store: nothing is in its steps/, "
            "experiments/ or sweeps/"
        )
    files: defaultdict[str, list[str]] = defaultdict(list)
    for file in listed:
        if file.count("/") > 2:
            files["/".join(file.split("/")[:3])].append(file)
    there = [path for path, own in files.items() if manifest_path(path) in own]
    with ThreadPoolExecutor(READERS) as readers:
        read = list(readers.map(lambda path: _read(storage, path), there))
    finished = {f.path: f for f in read if isinstance(f, Finished)}
    unreadable = {
        path: found for path, found in zip(there, read, strict=True) if isinstance(found, str)
    }
    return Contents(finished, dict(files), unreadable)


def _read(storage: Storage, path: str) -> Finished | str | None:
    """Return a finished step, or what is wrong with its manifest; None where it is gone by now."""
    try:
        manifest = storage.read_json(manifest_path(path))
        whole = manifest.keys() >= FIELDS
        for named in _named(manifest) if whole else ():
            below("", named)
    except FileNotFoundError:
        return None
    except PathError as error:
        return str(error)
    except ValueError:
        return "it is not JSON"
    except (AttributeError, KeyError, TypeError):
        whole = False
    return Finished(path, manifest) if whole else "it is no manifest of a step"


def _named(manifest: dict[str, Any]) -> Iterator[object]:
    """Yield the paths that a manifest names."""
    yield from (record["path"] for record in manifest["files"])
    yield from (path for paths in manifest["inputs"].values() for path in paths)


def place(step: Finished, index: int) -> tuple[str, int]:
    """Return the file of a sample step that has its row `index`, and the row's number in it."""
    tables = [record for record in step.files if "rows" in record]
    ends = np.cumsum([record["rows"] for record in tables])
    shard = int(np.searchsorted(ends, index, side="right"))
    return tables[shard]["path"], index - int(ends[shard] - tables[shard]["rows"])
