"""The named runs and sweeps of a store, as their folders tell, and those that a name means."""

import difflib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from actors.errors import UserError
from actors.pool.filesystems import without_secrets
from actors.pool.format import check_format
from actors.pool.storage import Storage

STEP = re.compile(r"steps/[a-z]+/[0-9a-f]+")
KINDS = {"experiments": "run", "sweeps": "sweep"}
# as in orchestrator.outcome, which brings PyTorch, for which a listing need not wait
STATE = {"experiments": "outcome.json", "sweeps": "sweep.json"}


@dataclass(frozen=True)
class NamedRun:
    """A run, or a sweep, that keeps its steps in the store.

    Attributes:
        folder: experiments/NAME-KEY8 or sweeps/NAME-KEY8.
        files: paths of its files.
        changed: when its state was written last, as POSIX time in ns; 0 where it has none.
    """

    storage: Storage
    folder: str
    files: tuple[str, ...]
    changed: int

    @property
    def name(self) -> str:
        """NAME-KEY8."""
        return self.folder.split("/")[1]

    @property
    def plain_name(self) -> str:
        return self.name.rpartition("-")[0]

    @property
    def uri(self) -> str:
        return f"{self.storage.uri.rstrip('/')}/{self.folder}"

    @property
    def kind(self) -> str:
        return KINDS[self.folder.split("/")[0]]

    @property
    def state_path(self) -> str:
        return _state_path(self.folder)

    def steps(self) -> list[str]:
        """Return the paths of the steps that it needs; of a sweep, those of its trials as well.

        Raises:
            UserError: it does not say.
        """
        of_trials = [file for file in self.files if file.endswith("/steps.json")]
        lists = dict.fromkeys([f"{self.folder}/steps.json", *of_trials])
        return list(dict.fromkeys(step for path in lists for step in self._listed(path)))

    def _listed(self, path: str) -> list[str]:
        try:
            listed: list[str] = self.storage.read_json(path)["steps"]
            if all(STEP.fullmatch(step) for step in listed):
                return listed
        except FileNotFoundError:
            raise UserError(
                f"{self.kind} {self.name}: {path} is not there, so which steps it needs is not "
                f"known; run it again, or forget it with --drop {self.name}"
            ) from None
        except (ValueError, KeyError, TypeError):
            pass
        raise UserError(f"{self.kind} {self.name}: {path} is no list of steps; run it again")

    def state(self) -> dict[str, Any]:
        """Return what has come out of it so far; nothing where it does not say."""
        if self.state_path not in self.files:
            return {}
        try:
            state = self.storage.read_json(self.state_path)
        except ValueError:
            state = None
        return state if isinstance(state, dict) else {"status": "unreadable"}


def named_runs(storage: Storage) -> list[NamedRun]:
    """Return every named run and sweep of a store."""
    written: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for top in KINDS:
        for path, info in storage.infos(top).items():
            if path.count("/") > 1:
                written["/".join(path.split("/")[:2])][path] = info.mtime_ns or 0
    return [
        NamedRun(storage, folder, tuple(times), times.get(_state_path(folder), 0))
        for folder, times in sorted(written.items())
    ]


def find_runs(storage: Storage, name: str, field: str, *kinds: str) -> list[NamedRun]:
    """Return the runs and sweeps that a name means, the newest first.

    Args:
        name: NAME, NAME-KEY or the folder, which may begin with the URI of the store.
        field: where the name was given, for the error.
        kinds: `run` or `sweep`; neither: both.

    Raises:
        UserError: there is none, with the closest names; or the store is of another format.
    """
    check_format(storage)
    runs = [run for run in named_runs(storage) if not kinds or run.kind in kinds]
    if same := matching(runs, name):
        return same
    raise UserError(
        f"{field}: no {' or '.join(kinds or KINDS.values())} {name!r} in store "
        f"{without_secrets(storage.uri)!r}{closest_names(runs, name)}"
    )


def matching(runs: Sequence[NamedRun], name: str) -> list[NamedRun]:
    """Return those of some runs that a name means, the newest first; [] where there is none."""
    name = name.rstrip("/")
    same = [run for run in runs if name in (run.name, run.folder, run.uri)]
    same = same or [run for run in runs if name == run.plain_name]
    return sorted(same, key=lambda run: run.changed, reverse=True)


def closest_names(runs: Sequence[NamedRun], name: str) -> str:
    """Return the end of an error that says which names are most like one that is not there."""
    known = sorted({name for run in runs for name in (run.name, run.plain_name)})
    close = difflib.get_close_matches(name, known, 3, 0.4) or [r.plain_name for r in runs][:3]
    return f"; nearest are {', '.join(close)}" if close else ", and no other either"


def _state_path(folder: str) -> str:
    return f"{folder}/{STATE[folder.split('/', maxsplit=1)[0]]}"
