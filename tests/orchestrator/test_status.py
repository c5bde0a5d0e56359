"""`ouroboros status`: what it says of runs that run, were interrupted, died and finished."""

import json
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.orchestrator.conftest import FinishedRun
from tests.runs import MIXTURE, SECONDS, call, finish, start


def status_of(store: Path, *name: str) -> str:
    done = call("status", *name, "--store", str(store))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_running_run_tells_which_step_runs_where_and_what_waits(tmp_path: Path) -> None:
    process = start(
        "run", str(MIXTURE), "--store", str(tmp_path), "--generators.edm.training.steps", "100000"
    )
    deadline = time.monotonic() + SECONDS
    trained = False
    while not trained and time.monotonic() < deadline:
        assert process.poll() is None, "the run ended"
        time.sleep(0.5)
        files = tmp_path.glob("experiments/*/status.json")
        trained = any("/100000" in file.read_text(encoding="utf-8") for file in files)
    said = status_of(tmp_path, "mixture")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    stored = len(list(tmp_path.glob("steps/*/*/step.json")))
    (line,) = [line for line in said.splitlines() if "train edm, iteration 1 of main" in line]
    assert re.search(r"^ +\d+%  train edm, .* \(step \d+/100000, .*\): \d+ s on 127\.0\.0\.1", line)
    assert f"process {process.pid} on " in said
    assert "waiting for the output of others" in said
    assert said.startswith("run mixture-")
    assert f": running, {stored} of " in said
    after = status_of(tmp_path, "mixture").splitlines()[0]
    assert f": interrupted, {stored} of " in after


def test_a_finished_run_has_all_of_its_steps_done(finished: FinishedRun) -> None:
    stored = len(list(finished.store.path.glob("steps/*/*/step.json")))
    (line,) = status_of(finished.store.path).splitlines()
    assert line.endswith(f": finished, {stored} of {stored} steps done")


def test_a_run_that_died_is_said_to_be_silent_since_when(
    finished: FinishedRun, tmp_path: Path
) -> None:
    (folder,) = finished.store.path.glob("experiments/*")
    copy = tmp_path / "experiments" / folder.name
    copy.mkdir(parents=True)
    for name, field, value in (
        ("outcome.json", "status", "running"),
        ("status.json", "written", time.time() - 2 * 3600),
    ):
        stored = json.loads((folder / name).read_text(encoding="utf-8"))
        (copy / name).write_text(json.dumps({**stored, field: value}), encoding="utf-8")
    assert ": no sign of life for 2.0 h, last from process " in status_of(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"written": 1}', '{"activity": {"running": [1]}}'])
def test_a_damaged_status_hides_nothing_else(
    text: str, finished: FinishedRun, tmp_path: Path
) -> None:
    (folder,) = finished.store.path.glob("experiments/*")
    copy = tmp_path / "experiments" / folder.name
    copy.mkdir(parents=True)
    (copy / "outcome.json").write_bytes((folder / "outcome.json").read_bytes())
    (copy / "status.json").write_text(text, encoding="utf-8")
    assert status_of(tmp_path) == f"run {folder.name}: finished\n"


def test_a_store_without_runs_says_so(tmp_path: Path) -> None:
    assert status_of(tmp_path) == f"no run or sweep in {tmp_path}\n"


def test_looking_at_a_store_waits_for_no_heavy_library(finished: FinishedRun) -> None:
    code = (
        "import sys\nfrom orchestrator.cli import main\n"
        f"main(['status', '--store', {str(finished.store.path)!r}])\n"
        "print({'torch', 'ray', 'mlflow', 'pandas', 'pydantic'} & set(sys.modules))"
    )
    assert finish([sys.executable, "-c", code]).stdout.endswith("\nset()\n")
