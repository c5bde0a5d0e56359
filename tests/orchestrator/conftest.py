"""One finished run of the tiny experiment, shared by the tests that look at what a run leaves."""

import time
from dataclasses import dataclass

import psutil
import pytest

from tests.runs import TINY, Store, start


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
            time.sleep(0.5)
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
