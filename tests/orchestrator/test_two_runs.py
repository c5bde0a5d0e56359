"""Two runs on one store at the same time, each with a Ray and a catalogue of its own."""

import subprocess
from pathlib import Path

import pytest

from tests.orchestrator.conftest import FinishedRun
from tests.runs import ROOT, SECONDS, TINY, Store, command, environment


@pytest.mark.soak
def test_two_runs_of_one_experiment_at_the_same_time_leave_what_one_leaves(
    finished: FinishedRun, tmp_path: Path
) -> None:
    store = Store(tmp_path / "store")
    arguments = ("run", str(TINY), "--iterations", "1", "--store", str(store.path))
    runs = [
        subprocess.Popen(
            command(*arguments),
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [run.communicate(timeout=2 * SECONDS)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], "\n".join(outputs)
    expected = finished.store.tables("*")
    tables = store.tables("*")
    assert tables
    assert all(table.equals(expected[path]) for path, table in tables.items())
    assert not list((store.path / "tmp").iterdir())
