import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from actors.errors import DamagedError
from actors.pool.manifest import is_done, read_step
from actors.pool.notes import LOG
from actors.pool.step import Step, once
from actors.pool.storage import File, Storage
from tests.actors.pool.inspect.stores import finish
from tests.runs import ROOT

STEP = Step("train", "generator", {"a": 1}, {"training_set": ("steps/select/x",)}, seed=3)


@pytest.mark.parametrize(
    "changed",
    [
        replace(STEP, config={"a": 2}),
        replace(STEP, inputs={"training_set": ("steps/select/y",)}),
        replace(STEP, seed=4),
        replace(STEP, kind="sample"),
        replace(STEP, version=2),
    ],
)
def test_whatever_determines_the_output_changes_the_key(changed: Step) -> None:
    assert changed.key != STEP.key


def test_settings_the_room_and_the_order_of_fields_do_not_change_the_key() -> None:
    assert replace(STEP, settings={"batch_size": 8}).key == STEP.key
    assert replace(STEP, room="elsewhere").key == STEP.key
    assert replace(STEP, config={"b": 1, "a": 2}).key == replace(STEP, config={"a": 2, "b": 1}).key


def with_inputs(tmp_path: Path) -> Storage:
    """Return a store with what the step reads."""
    storage = Storage(str(tmp_path))
    (path,) = STEP.inputs["training_set"]
    record = storage.write(f"{path}/selection.arrow", lambda file: file.write_bytes(b"whole"))
    finish(storage, path, [record])
    return storage


def test_a_step_that_is_stored_is_not_done_again(tmp_path: Path) -> None:
    storage = with_inputs(tmp_path)
    calls: list[int] = []

    def work() -> list[File]:
        calls.append(1)
        return []

    for _ in range(2):
        assert once(storage, STEP, lambda key: nullcontext(), work) == []
        assert is_done(storage, STEP.path)
    assert len(calls) == 1
    manifest = storage.read_json(f"{STEP.path}/step.json")
    assert manifest["key"] == STEP.key
    assert manifest["seed"] == 3
    assert manifest["libraries"]["torch"] == torch.__version__.partition("+")[0]
    assert manifest["libraries"].keys() & {"faiss-cpu", "faiss-gpu"}
    assert "diffusers" in manifest["libraries"]


def test_what_is_said_while_a_step_is_done_is_a_note_of_it_once_and_survives_an_interruption(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = with_inputs(tmp_path)

    def says_and_fails() -> list[File]:
        LOG.warning("%d rows are odd", 3)
        raise ArithmeticError("no")

    def says() -> list[File]:
        for line in ("3 rows are odd", "slow", "slow"):
            LOG.warning(line)
        return []

    with pytest.raises(ArithmeticError):
        once(storage, STEP, lambda key: nullcontext(), says_and_fails)
    notes = once(storage, STEP, lambda key: nullcontext(), says)
    assert sorted(notes) == ["3 rows are odd", "slow"]
    assert read_step(storage, STEP.path).notes == notes
    assert storage.files(STEP.path) == [f"{STEP.path}/step.json"]
    assert capsys.readouterr().err.count("slow") == 2
    LOG.warning("of no step")
    assert once(storage, replace(STEP, seed=4), lambda key: nullcontext(), list) == []


def test_a_step_whose_work_fails_is_not_done(tmp_path: Path) -> None:
    storage = with_inputs(tmp_path)

    def work() -> list[File]:
        raise ArithmeticError("no")

    with pytest.raises(ArithmeticError):
        once(storage, STEP, lambda key: nullcontext(), work)
    assert not is_done(storage, STEP.path)


@pytest.mark.parametrize("found", ["damaged", "missing", "not finished"])
def test_a_step_does_not_read_what_is_not_whole(tmp_path: Path, found: str) -> None:
    storage, calls = with_inputs(tmp_path), []
    file = tmp_path / "steps/select/x" / "selection.arrow"
    if found == "damaged":
        file.write_bytes(b"whale")
    else:
        (file if found == "missing" else file.with_name("step.json")).unlink()

    def work() -> list[File]:
        calls.append(1)
        return []

    with pytest.raises(DamagedError) as caught:
        once(storage, STEP, lambda key: nullcontext(), work)
    assert caught.value.step_path == "steps/select/x"
    assert not calls
    assert not is_done(storage, STEP.path)


WORKER = """
import sys
from contextlib import nullcontext
from actors.pool.step import Step, once
from actors.pool.storage import Storage

file, read = sys.argv[2], []

def heard(event, arguments):
    if event == "open" and str(arguments[0]).endswith(file):
        read.append(event)

sys.addaudithook(heard)
for seed in range(5):
    step = Step("train", "generator", {}, {"training_set": ("steps/select/x",)}, seed)
    once(Storage(sys.argv[1]), step, lambda key: nullcontext(), lambda: [])
print(len(read))
"""


def test_a_worker_reads_an_input_for_its_checksum_once_in_all_its_steps(tmp_path: Path) -> None:
    storage = with_inputs(tmp_path)
    command = [sys.executable, "-c", WORKER, str(tmp_path), "x/selection.arrow"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    assert len([path for path in storage.files("steps/train") if path.endswith("step.json")]) == 5
