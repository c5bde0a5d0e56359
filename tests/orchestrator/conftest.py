"""A finished run and a finished sweep, shared by the tests that look at what they leave."""

import json
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from mlflow import MlflowClient

from tests.runs import TINY, Store, start

TINY_SWEEP = Path(__file__).parent / "sweep" / "tiny_sweep.yaml"
# looking at the sockets of a dozen processes is work
LOOK_SECONDS = 5


# every process of a point takes its time to start
FEW = ("--limits.max_concurrent", "2", "--space.selection.ratio", "[0.25, 1.0]")
CHROMIUM = shutil.which("chromium")
# the pictures of a sweep are looked at in a browser only; a run's are in other tests too
PICTURES = ("--experiment.evaluation.pictures", "true" if CHROMIUM else "false")


@dataclass(frozen=True)
class FinishedRun:
    """A run left alone: its store, what it printed, and the addresses it listened on.

    Attributes:
        log: the file with its log lines for machines.
    """

    store: Store
    output: str
    addresses: set[str]
    log: Path


def watch(
    log: Path, *arguments: str, seconds: float = LOOK_SECONDS, **variables: str
) -> tuple[str, set[str]]:
    """Run the command to its end; return what it printed, and the addresses it listened on.

    Args:
        log: new file for what it prints.
        seconds: between two looks at its sockets.
        variables: of its environment.
    """
    addresses: set[str] = set()
    with log.open("w") as output:
        running = start(*arguments, cpus=2, output=output, **variables)
        while running.poll() is None:
            addresses |= listening(running.pid)
            with suppress(subprocess.TimeoutExpired):
                running.wait(seconds)
    assert running.returncode == 0, log.read_text()
    return log.read_text(), addresses


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    path = tmp_path_factory.mktemp("finished") / "store"
    # a folder of Ray's own, by a name that is short enough for its sockets
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as folder:
        printed, addresses = watch(
            path.parent / "output",
            *("run", str(TINY), "--store", str(path)),
            RAY_LOGGING_CONFIG_ENCODING="JSON",
            RAY_TMPDIR=folder,
        )
        (log,) = Path(folder).glob("ray/session_2*/logs/ouroboros-*.log")
        kept = log.rename(path.parent / "log")
    return FinishedRun(Store(path), printed, addresses, kept)


def listening(pid: int) -> set[str]:
    """Return the addresses that a process and those below it listen on."""
    try:
        first = psutil.Process(pid)
        family = [first, *first.children(recursive=True)]
        connections = [c for process in family for c in process.net_connections("inet")]
    except psutil.Error:  # one of them ended meanwhile
        return set()
    ips = (c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN)
    return {ip.removeprefix("::ffff:") for ip in ips}


@dataclass(frozen=True)
class Swept:
    """A sweep that ended: its store, what it printed, and the addresses it listened on."""

    store: Path
    output: str
    addresses: set[str] = field(default_factory=set)

    @property
    def folder(self) -> Path:
        (folder,) = self.store.glob("sweeps/tiny_sweep-*")
        return folder

    def trials(self) -> list[dict[str, Any]]:
        return [
            json.loads(file.read_text())
            for file in sorted(self.folder.glob("trials/*/outcome.json"))
        ]


def runs_of(store: Path) -> dict[str, Any]:
    """Return the MLflow runs of a store by id."""
    client = MlflowClient(f"sqlite:///{store}/mlflow.db")
    experiment = client.get_experiment_by_name("ouroboros")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], max_results=1000)
    return {run.info.run_id: run for run in found}


def sweep(store: Path | str, *overrides: str) -> tuple[str, ...]:
    return ("sweep", str(TINY_SWEEP), "--experiment.store", str(store), *overrides)


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Swept:
    store = tmp_path_factory.mktemp("swept") / "store"
    command = sweep(store, *PICTURES, *FEW)
    printed, addresses = watch(store.parent / "output", *command)
    assert "Traceback" not in printed
    return Swept(store, printed, addresses)
