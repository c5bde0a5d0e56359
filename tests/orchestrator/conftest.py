"""A finished run and a finished sweep, shared by the tests that look at what they leave."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.runs import TINY, Store, call, start

TINY_SWEEP = Path(__file__).parent / "sweep" / "tiny_sweep.yaml"
# looking at the sockets of a dozen processes is work
LOOK_SECONDS = 2


@dataclass(frozen=True)
class FinishedRun:
    """A run left alone: its store, what it printed, and the addresses it listened on."""

    store: Store
    output: str
    addresses: set[str]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    path = tmp_path_factory.mktemp("finished") / "store"
    log = path.parent / "output"
    addresses: set[str] = set()
    with log.open("w") as output:
        running = start("run", str(TINY), "--store", str(path), output=output)
        while running.poll() is None:
            addresses |= listening(running.pid)
            time.sleep(LOOK_SECONDS)
    assert running.returncode == 0, log.read_text()
    return FinishedRun(Store(path), log.read_text(), addresses)


def listening(pid: int) -> set[str]:
    """Return the addresses that a process and those below it listen on."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        connections = [c for process in family for c in process.net_connections("inet")]
    except psutil.Error:  # one of them ended meanwhile
        return set()
    return {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}


@dataclass(frozen=True)
class Swept:
    """A sweep that ended."""

    store: Path
    output: str

    @property
    def folder(self) -> Path:
        (folder,) = self.store.glob("sweeps/tiny_sweep-*")
        return folder

    def trials(self) -> list[dict[str, Any]]:
        return [json.loads(file.read_text()) for file in sorted(self.folder.glob("trials/*"))]


def sweep(store: Path, *overrides: str) -> tuple[str, ...]:
    return ("sweep", str(TINY_SWEEP), "--experiment.store", str(store), *overrides)


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Swept:
    store = tmp_path_factory.mktemp("swept") / "store"
    done = call(*sweep(store, "--experiment.evaluation.pictures", "true"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return Swept(store, done.stdout)
