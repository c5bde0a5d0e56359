"""The named runs and sweeps of a store, as their folders tell."""

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from actors.errors import UserError
from actors.pool.inspect.contents import Contents
from actors.pool.storage import Storage

STEPS = "steps.json"
STEP = re.compile(r"steps/[a-z]+/[0-9a-f]+")
# as in orchestrator.outcome, which brings PyTorch, for which a listing need not wait
STATE = {"experiments": "outcome.json", "sweeps": "sweep.json"}


@dataclass(frozen=True)
class NamedRun:
    """A run, or a sweep, that keeps its steps in the store.

    Attributes:
        folder: experiments/NAME-KEY8 or sweeps/NAME-KEY8.
        files: paths of its files.
    """

    folder: str
    files: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.folder.split("/")[1]

    @property
    def kind(self) -> str:
        return "run" if self.folder.startswith("experiments/") else "sweep"

    def steps(self, storage: Storage) -> list[str]:
        """Return the paths of the steps that it needs; of a sweep, those of its trials as well.

        Raises:
            UserError: it does not say.
        """
        of_trials = [file for file in self.files if file.startswith(f"{self.folder}/steps/")]
        lists = [f"{self.folder}/{STEPS}", *of_trials]
        return list(dict.fromkeys(step for path in lists for step in self._listed(storage, path)))

    def _listed(self, storage: Storage, path: str) -> list[str]:
        try:
            listed = storage.read_json(path)["steps"]
            if all(STEP.fullmatch(one) for one in listed):
                return listed
        except FileNotFoundError:
            raise UserError(
                f"{self.kind} {self.name}: {path} is not there, so which steps it needs is not "
                f"known; run it again, or forget it with --drop {self.name}"
            ) from None
        except (ValueError, KeyError, TypeError):
            pass
        raise UserError(f"{self.kind} {self.name}: {path} is no list of steps; run it again")

    def state(self, storage: Storage) -> dict[str, Any]:
        """Return what has come out of it so far; nothing where it does not say."""
        path = f"{self.folder}/{STATE[self.folder.split('/')[0]]}"
        if path not in self.files:
            return {}
        try:
            found = storage.read_json(path)
        except ValueError:
            return {"status": "unreadable"}
        return found if isinstance(found, dict) else {"status": "unreadable"}


def named_runs(storage: Storage) -> list[NamedRun]:
    """Return every named run and sweep of a store."""
    files: defaultdict[str, list[str]] = defaultdict(list)
    for top in STATE:
        for file in storage.files(top):
            if file.count("/") > 1:
                files["/".join(file.split("/")[:2])].append(file)
    return [NamedRun(folder, tuple(own)) for folder, own in sorted(files.items())]


def find_run(runs: list[NamedRun], name: str, field: str) -> NamedRun:
    """Return the one run of a name, NAME or NAME-KEY8.

    Raises:
        UserError: there is none, or there are several.
    """
    found = [run for run in runs if run.name == name]
    found = found or [run for run in runs if run.name.rpartition("-")[0] == name]
    if len(found) == 1:
        return found[0]
    if not found:
        known = ", ".join(run.name for run in runs) or "none, as the store has no named run"
        raise UserError(f"{field}: found {name!r}; allowed are {known}")
    which = ", ".join(run.folder for run in found)
    raise UserError(f"{field}: {name!r} may be any of {which}; give NAME-KEY")


def training_set(
    storage: Storage,
    contents: Contents,
    run: NamedRun,
    arm: str,
    iteration: int,
    generator: str | None,
) -> str:
    """Return the select step of what was trained on, as the run's evaluations tell.

    Raises:
        UserError: the run has no such training set, or generators have different ones.
    """
    results = run.state(storage).get("results", [])
    if not results:
        raise UserError(
            f"run {run.name}: it has no outcome.json with results, so its training sets are not "
            "known; run it again"
        )
    for field, value in (("arm", arm), ("iteration", iteration), ("generator", generator)):
        known = dict.fromkeys(result[field] for result in results)
        results = [r for r in results if value is None or r[field] == value]
        if not results:
            raise UserError(
                f"{field}: found {value!r}; allowed are {', '.join(map(str, known))} in {run.name}"
            )
    found: dict[str, str] = {}
    for result in results:
        evaluated = contents.finished.get(result["step"])
        if evaluated is None:
            raise UserError(
                f"run {run.name}: {result['step']} is not in the store any more; run it again"
            )
        if trained := evaluated.reads("training_set"):
            found[result["generator"]] = trained
    if not found:
        raise UserError(f"run {run.name}: none of these generators is trained in it")
    if len({*found.values()}) > 1:
        raise UserError(
            f"generator: not given, but {', '.join(found)} have training sets of their own; "
            "name one with --generator"
        )
    return next(iter(found.values()))
