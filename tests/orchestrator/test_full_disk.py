"""A run whose disk is full, on a real one that is small."""

from pathlib import Path

import pytest

from tests.disks import mounted
from tests.orchestrator.conftest import FinishedRun
from tests.runs import TINY, Store, call

SMALL, LARGE = 128 << 10, 64 << 20


@pytest.mark.soak
def test_a_run_stops_with_a_clear_line_when_the_disk_is_full_and_goes_on_when_there_is_space(
    finished: FinishedRun, tmp_path: Path
) -> None:
    with mounted(tmp_path / "disk", SMALL) as disk:
        store = Store(disk.path / "store")
        arguments = ("run", str(TINY), "--iterations", "1", "--store", str(store.path))
        tracking = {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db"}
        stopped = call(*arguments, **tracking)
        assert stopped.returncode == 1, stopped.stdout + stopped.stderr
        (line,) = (line for line in stopped.stderr.splitlines() if line.startswith("error: "))
        assert f"cannot be written in store '{store.path}' (No space left on device); " in line
        assert "bytes are free there" in line
        assert "Traceback" not in stopped.stderr
        assert not list((store.path / "tmp").iterdir())
        before = store.tables("*")  # raises where one is not whole
        assert before.items() <= finished.store.tables("*").items()
        disk.resize(LARGE)
        again = call(*arguments, **tracking)
        assert again.returncode == 0, again.stdout + again.stderr
        assert store.selected_ids()
        assert store.selected_ids().items() <= finished.store.selected_ids().items()
        assert len(store.tables("*")) > len(before)
