"""The named runs and sweeps of a store, and those that a name means."""

import os
from pathlib import Path

import pytest

from actors.errors import UserError
from actors.pool.storage import Storage
from orchestrator.named_runs import STATE, closest_names, find_runs, named_runs
from orchestrator.outcome import FILE, SWEEP
from tests.actors.pool.inspect.stores import Written


@pytest.fixture
def store(tmp_path: Path) -> Written:
    return Written(Storage(str(tmp_path)))


def folders(store: Written, name: str, *kinds: str) -> list[str]:
    return [run.folder for run in find_runs(store.storage, name, "RUN", *kinds)]


def test_a_run_is_named_with_or_without_its_key_or_by_its_folder(store: Written) -> None:
    for name in ("a-1", "a-2", "a-b-1"):
        store.named(name, [])
    store.named("s-1", [], top="sweeps")
    assert folders(store, "a-b") == ["experiments/a-b-1"]
    assert folders(store, "a-2") == ["experiments/a-2"]
    for name in ("experiments/a-2", "experiments/a-2/", f"{store.storage.uri}/experiments/a-2"):
        assert folders(store, name) == ["experiments/a-2"]
    assert folders(store, "s") == folders(store, "s", "sweep") == ["sweeps/s-1"]
    assert named_runs(store.storage)[-1].kind == "sweep"


def test_of_several_runs_of_a_name_that_whose_state_changed_last_is_the_first(
    store: Written,
) -> None:
    for name, time in (("a-1", 100), ("a-2", 300), ("a-3", 200), ("a-4", None)):
        store.named(name, [])
        if time is not None:
            store.storage.write_json(f"experiments/{name}/{FILE}", {"status": "running"})
            os.utime(store.file(f"experiments/{name}/{FILE}"), (time, time))
    assert folders(store, "a") == [f"experiments/a-{key}" for key in (2, 3, 1, 4)]


def test_a_name_that_is_not_there_is_answered_with_the_closest(store: Written) -> None:
    with pytest.raises(UserError, match=r"^RUN: no run or sweep 'c' in store .*, and no other"):
        folders(store, "c")
    for name in ("digits-1", "cifar-1"):
        store.named(name, [])
    store.named("ratio-1", [], top="sweeps")
    with pytest.raises(
        UserError, match=r"RUN: no run or sweep 'digts' .*; nearest are digits, dig"
    ):
        folders(store, "digts")
    with pytest.raises(UserError, match=r"no run 'ratio' .*; nearest are "):
        folders(store, "ratio", "run")
    assert closest_names(named_runs(store.storage), "?") == "; nearest are cifar, digits, ratio"


@pytest.mark.parametrize("text", ["{", "[]", '{"steps": 3}', '{"steps": [1]}', "{}"])
def test_a_list_of_steps_that_is_none_is_refused(text: str, store: Written) -> None:
    store.named("a-1", [])
    store.file("experiments/a-1/steps.json").write_text(text)
    (run,) = named_runs(store.storage)
    with pytest.raises(UserError, match=r"run a-1: experiments/a-1/steps.json is no list of steps"):
        run.steps()


def test_a_runs_state_is_where_runs_and_sweeps_write_it() -> None:
    assert STATE == {"experiments": FILE, "sweeps": SWEEP}
