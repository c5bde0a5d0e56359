"""A round: some drivers of one experiment on one store, faults meanwhile, and what is left."""

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psutil
from mlflow import MlflowClient

from actors.errors import StorageError
from actors.pool.catalogue import Alone
from actors.pool.storage import Storage
from orchestrator.tracking.runs import KEY_TAG
from orchestrator.tracking.server import EXPERIMENT as TRACKED
from orchestrator.tracking.server import URI_VARIABLE
from tests.nodes import Nodes
from tests.orchestrator.test_outbox import Server
from tests.runs import ROOT, Store, command, environment
from tests.s3 import Bucket

EXPERIMENT = ROOT / "tests" / "faults.yaml"
# longest time without a fault and without a new file or line, or without an end
STILL_SECONDS = 60.0
LOOK_SECONDS = 0.2
# a lock is held for moments, so one of the kind that was drawn is waited for
FOUND_SECONDS = 60.0


@dataclass(frozen=True)
class Left:
    """What two runs of one experiment have in common."""

    selected: dict[str, list[str]]
    results: list[dict[str, Any]]
    tracked: dict[str, Any]
    rows: Counter[str]

    def other_than(self, expected: "Left") -> list[str]:
        """Return what is not as expected."""
        names = ("selected", "results", "tracked", "rows")
        return [f"other {n}" for n in names if getattr(self, n) != getattr(expected, n)]


# causes a fault, and returns whether there was anything to disturb
Cause = Callable[["Round"], bool]


class Round:
    """Some drivers of one experiment on one store, and what happens meanwhile."""

    def __init__(
        self,
        there: Nodes,
        bucket: Bucket,
        folder: Path,
        drivers: int,
        faults: Sequence[tuple[str, Cause]],
        served: bool,
        chance: Random,
        away: float,
    ) -> None:
        folder.mkdir()
        self.nodes, self.bucket, self.folder, self.chance = there, bucket, folder, chance
        self.away = away
        # what ends with the round
        self.undo = ExitStack()
        self.server = Server(folder)
        self._faults = faults
        self._variables: dict[str, str] = {}
        uri = str(folder / "store")
        self._served = served
        if served:
            self.server.start()
            self.undo.callback(self.server.kill)
            self._variables[URI_VARIABLE] = self.server.uri
            uri = bucket.uri(folder.name)
        self.storage = Storage(uri)
        self.drivers: list[subprocess.Popen[str]] = []
        for _ in range(drivers):
            self.start()
        self.caused: Counter[str] = Counter()
        self.longest_still = 0.0
        self.redone = 0

    def start(self, number: int | None = None, variables: Mapping[str, str] | None = None) -> None:
        """Start a driver, in the place of one that there was or beside the others."""
        place = len(self.drivers) if number is None else number
        with self._log(place).open("w") as output:
            driver = subprocess.Popen(
                command("run", str(EXPERIMENT), "--store", self.storage.uri),
                cwd=ROOT,
                env=environment(
                    RAY_ADDRESS=self.nodes.address,
                    RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0",
                    **self._variables | dict(variables or {}),
                ),
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.drivers[place : place + 1] = [driver]

    def carry_out(self, pause: tuple[float, float]) -> list[str]:
        """Cause the faults, and wait for the end; return what is wrong."""
        waiting = list(reversed(self._faults))
        begun = moved = time.monotonic()
        due, state = begun + self.chance.uniform(*pause), self._state()
        while any(driver.poll() is None for driver in self.drivers):
            time.sleep(LOOK_SECONDS)
            now, before, state = time.monotonic(), state, self._state()
            moved = now if state != before else moved
            self.longest_still = max(self.longest_still, now - moved)
            if now - moved > STILL_SECONDS:
                return [f"nothing moved for {STILL_SECONDS:.0f} s", *self._end()]
            if waiting and now > due:
                caused = self._cause(*waiting[-1])
                moved = time.monotonic() if caused else moved
                if caused or now > due + FOUND_SECONDS:
                    waiting.pop()
                    due = time.monotonic() + self.chance.uniform(*pause)
        statuses = [driver.returncode for driver in self.drivers]
        return [f"exit statuses {statuses}", *self._end()] if any(statuses) else []

    def _cause(self, name: str, cause: Cause) -> bool:
        """Have a fault happen, and count the steps whose workers it took; return whether it did."""
        doing = self.doing()
        if not cause(self):
            return False
        self.caused[name] += 1
        self.redone += sum(not _lives(pid) for pid in doing.values())
        return True

    def left(self) -> Left:
        """Return what the drivers left."""
        folders = [self.storage.local_folder(name) for name in ("steps", "experiments")]
        store = Store(folders[0].parent)
        uri = self._variables.get(URI_VARIABLE, f"sqlite:///{store.path}/mlflow.db")
        rows = [n for t in store.tables("sample").values() for n in t["sample_id"].to_pylist()]
        try:
            return Left(store.selected_ids(), store.results(), tracked(uri), Counter(rows))
        finally:
            if self._served:
                shutil.rmtree(store.path)

    def doing(self) -> dict[str, int]:
        """Return which process does which step or range."""
        running = (Alone(self.storage).running() or {}).items()
        found = {key: self.nodes.process_of(work.holder.worker) for key, work in running}
        return {key: pid for key, pid in found.items() if pid}

    def is_under_way(self) -> bool:
        """Whether all drivers that have not ended have begun to have steps done."""
        running = [n for n, driver in enumerate(self.drivers) if driver.poll() is None]
        return all("\nRay " in self._log(number).read_text() for number in running)

    def kill(self, pids: set[int]) -> bool:
        """Kill one of some processes; return whether there was any."""
        if not pids:
            return False
        with suppress(ProcessLookupError):
            os.kill(self.chance.choice(sorted(pids)), signal.SIGKILL)
            return True
        return False

    def first(self, program: str) -> dict[str, str]:
        """Return an environment in which every Python runs a program first."""
        folder = self.folder / f"first{len(program)}"
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(program)
        return {"PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}"}

    def workers(self, title: str = "::Worker: ") -> set[int]:
        """Return the process ids of workers by what they do."""
        return {pid for pid, said in self.nodes.processes() if title in said}

    def _log(self, number: int) -> Path:
        return self.folder / f"log{number}"

    def _state(self) -> tuple[Any, ...]:
        logs = [self._log(number).stat().st_size for number in range(len(self.drivers))]
        with suppress(StorageError):
            return Storage(self.storage.uri, patience=0).files("steps"), logs
        return [], logs

    def _end(self) -> list[str]:
        for driver in self.drivers:
            driver.kill()
            driver.wait()
        return [self._log(number).read_text()[-3000:] for number in range(len(self.drivers))]


def tracked(uri: str) -> dict[str, Any]:
    """Return every metric of every run in MLflow, but for what the machine's load was."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(TRACKED)
    assert experiment
    return {
        run.data.tags[KEY_TAG]: {
            name: sorted(
                {(p.step, p.value) for p in client.get_metric_history(run.info.run_id, name)}
            )
            for name in run.data.metrics
            if not name.startswith("system/")
        }
        for run in client.search_runs([experiment.experiment_id])
    }


def _lives(pid: int) -> bool:
    with suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
