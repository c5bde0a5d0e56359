"""One finished run of the tiny experiment, shared by the tests that look at what a run leaves."""

from dataclasses import dataclass

import pytest

from tests.runs import TINY, Store, call


@dataclass(frozen=True)
class FinishedRun:
    """A run left alone: its store and what it printed."""

    store: Store
    output: str


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    path = tmp_path_factory.mktemp("finished") / "store"
    done = call("run", str(TINY), "--store", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    return FinishedRun(Store(path), done.stdout)
