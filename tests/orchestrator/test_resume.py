"""Drivers that are killed or interrupted, and the runs that go on after them."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.orchestrator.conftest import FinishedRun
from tests.runs import MIXTURE, SECONDS, TINY, Store, call, start


def in_mid_training(store: Path, process: "subprocess.Popen[str]") -> bool:
    titles = [p.cmdline() for p in psutil.Process(process.pid).children(recursive=True)]
    return any("::Worker: train" in " ".join(title) for title in titles)


def in_mid_sampling(store: Path, process: "subprocess.Popen[str]") -> bool:
    shards = {shard.parent for shard in store.glob("steps/sample/*/rows-*.arrow")}
    return any(not (step / "step.json").exists() for step in shards)


def wait_for(moment: Callable[..., bool], store: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the run ended before the moment came"
        try:
            if moment(store, process):
                return
        except psutil.Error:
            pass
        time.sleep(0.05)
    pytest.fail("the moment never came")


@pytest.mark.parametrize(
    "moment", [in_mid_training, pytest.param(in_mid_sampling, marks=pytest.mark.soak)]
)
def test_after_a_sigkill_the_same_command_ends_as_a_run_left_alone(
    moment: Callable[..., bool], finished: FinishedRun, tmp_path: Path
) -> None:
    # one of the two arms, which is the same alone
    less = ("--arms", "{greedy: {}}", "--evaluation.pictures", "false")
    run = ("run", str(TINY), "--store", str(tmp_path), *less)
    process = start(*run)
    wait_for(moment, tmp_path, process)
    process.kill()
    process.wait()
    store = Store(tmp_path)
    before = store.finished("train") | store.finished("sample")
    store.tables("*")  # each file that is there is whole
    again = call(*run)
    assert again.returncode == 0, again.stdout + again.stderr
    assert f"{len(list(tmp_path.glob('steps/*/*/step.json')))} steps" in again.stdout
    expected = finished.store.selected_ids()
    assert store.selected_ids().items() < expected.items()
    assert len(store.selected_ids()) == len(expected) - 1
    assert store.results() == [r for r in finished.store.results() if r["arm"] == "greedy"]
    assert before <= store.finished("train") | store.finished("sample")
    ids = [name for t in store.tables("sample").values() for name in t["sample_id"].to_pylist()]
    assert len(ids) == len(set(ids))
    assert store.tables("sample").keys() < finished.store.tables("sample").keys()


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.soak)]
)
def test_an_interrupted_run_leaves_whole_shards_and_says_how_to_go_on(
    number: signal.Signals, tmp_path: Path
) -> None:
    process = start("run", str(MIXTURE), "--store", str(tmp_path))
    wait_for(in_mid_training, tmp_path, process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number, output
    assert "resume with:" in output
    assert f"python -m orchestrator run {MIXTURE} --store {tmp_path}" in output
    assert "Traceback" not in output
    Store(tmp_path).tables("*")
