"""What a store holds: its finished steps by their manifests, and the files of unfinished ones."""

import os
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial

from pyarrow import fs

from actors.errors import DamagedError, UserError
from actors.pool.filesystems import without_secrets
from actors.pool.format import FOLDERS, check_format
from actors.pool.manifest import StoredStep, is_done, manifest_path, read_step, short_name
from actors.pool.storage import Storage

# manifests are small, so on a remote store what counts is how many are asked for at once
READERS = 16


@dataclass(frozen=True)
class Contents:
    """What lies below steps/ in a store.

    Attributes:
        finished: the finished steps by path.
        files: what is known of the files of every step's folder, finished or not, by their paths.
        unreadable: what is wrong with a manifest that is there, by path of its step.
    """

    storage: Storage
    finished: dict[str, StoredStep]
    files: dict[str, dict[str, fs.FileInfo]]
    unreadable: dict[str, str]

    def of_kind(self, kind: str) -> list[StoredStep]:
        """Return the finished steps of a kind, in the order in which they were begun."""
        steps = [step for step in self.finished.values() if step.kind == kind]
        return sorted(steps, key=lambda step: (step.started, step.key))

    def unfinished(self) -> list[str]:
        """Return the paths of the steps that have files, but no manifest."""
        return [p for p in self.files if p not in self.finished and p not in self.unreadable]

    def find_step(
        self, name: str, field: str, kind: str | None = None, hint: str = ""
    ) -> StoredStep:
        """Return the one finished step (of a kind) whose key begins so.

        Args:
            name: beginning of a key, or the step's folder.
            field: where the name was given, for the error.
            hint: ends the error where there is none.

        Raises:
            UserError: there is none, or there are several.
        """
        prefix = name.rstrip("/").rpartition("/")[2]
        steps = [
            step
            for step in self.finished.values()
            if step.key.startswith(prefix) and kind in (None, step.kind)
        ]
        if len(steps) == 1 and prefix:
            return steps[0]
        if not steps:
            what = f"{kind} step" if kind else "step"
            raise UserError(
                f"{field}: no finished {what} of the store has a key like {prefix!r}{hint}"
            )
        some = ", ".join(short_name(step.path) for step in steps[:4])
        raise UserError(
            f"{field}: {prefix!r} is the beginning of {len(steps)} keys ({some}"
            f"{', ...' if len(steps) > 4 else ''}); give more of it"
        )

    def find_sample(self, sample_id: str) -> tuple[StoredStep, int]:
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
    def _samples(self) -> dict[str, StoredStep]:
        return {step.key[:12]: step for step in self.finished.values() if step.kind == "sample"}


def read_contents(storage: Storage) -> Contents:
    """Read every manifest of a store.

    Raises:
        UserError: there is no store, or one of another format.
    """
    name = without_secrets(storage.uri)
    if storage.is_local and not os.path.isdir(storage.root):
        raise UserError(
            f"store: {name!r} is not there; allowed is a folder or URI that a run has written to "
            "(--store)"
        )
    check_format(storage)
    files: defaultdict[str, dict[str, fs.FileInfo]] = defaultdict(dict)
    for path, info in storage.infos("steps").items():
        if path.count("/") > 2:
            files["/".join(path.split("/")[:3])][path] = info
    if not files and not any(storage.files(folder) for folder in FOLDERS):
        raise UserError(
            f"store: {name!r} is no store: nothing is in its steps/, experiments/ or sweeps/"
        )
    there = [path for path, infos in files.items() if manifest_path(path) in infos]
    with ThreadPoolExecutor(READERS) as readers:
        read = list(readers.map(partial(_read, storage), there))
    return Contents(
        storage,
        {step.path: step for step in read if isinstance(step, StoredStep)},
        dict(files),
        {path: text for path, text in zip(there, read, strict=True) if isinstance(text, str)},
    )


def _read(storage: Storage, path: str) -> StoredStep | str | None:
    """Return a finished step, or what is wrong with its manifest; None where it is gone by now."""
    try:
        return read_step(storage, path)
    except DamagedError as error:
        return error.problem if is_done(storage, path) else None
