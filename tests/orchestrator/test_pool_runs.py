"""The named runs of a store, and their training sets by name."""

from dataclasses import asdict
from pathlib import Path

import pytest

from actors.errors import UserError
from actors.pool.manifest import manifest_path
from actors.pool.step import Step
from actors.pool.storage import Storage
from orchestrator.amounts import counted, size
from orchestrator.outcome import FILE, SWEEP, Outcome, write_outcome
from orchestrator.pool.runs import STATE, find_run, named_runs, training_set
from orchestrator.results import Result
from tests.actors.pool.inspect.stores import Written


@pytest.fixture
def store(tmp_path: Path) -> Written:
    return Written(Storage(str(tmp_path)))


def evaluated(store: Written, generator: str, select: str | None) -> Result:
    """Add an evaluate step of a generator at iteration 2 of the arm `own`."""
    inputs: dict[str, tuple[str, ...]] = {"training_set": (select,)} if select else {}
    step = Step("evaluate", "evaluation", {"source": generator, "iteration": 2}, inputs)
    manifest = {**step.identity, "key": step.key, "files": [], "started": 0.0, "seconds": 1.0}
    store.storage.write_json(manifest_path(step.path), manifest)
    return Result("own", 2, generator, [], step=step.path)


def test_a_generator_is_asked_for_only_where_training_sets_differ(store: Written) -> None:
    sample = store.sample("real", 0, 6)
    one, two = store.select([sample], [0, 1]), store.select([sample], [4, 5])
    results = [
        evaluated(store, "ddpm", one),
        evaluated(store, "edm", two),
        evaluated(store, "web", None),
    ]
    write_outcome(
        store.storage, "experiments/a-1", Outcome("a", "finished", 0, {"own": {}}, results)
    )
    store.named("a-1", [result.step for result in results])
    (run,) = named_runs(store.storage)
    assert run.state(store.storage)["results"] == [asdict(result) for result in results]

    def asked(generator: str | None) -> str:
        return training_set(store.storage, store.contents(), run, "own", 2, generator)

    assert (asked("ddpm"), asked("edm")) == (one, two)
    with pytest.raises(UserError, match="generator: not given, but ddpm, edm have training sets"):
        asked(None)
    with pytest.raises(UserError, match=r"run a-1: none of these generators is trained in it"):
        asked("web")
    with pytest.raises(UserError, match="generator: found 'gan'; allowed are ddpm, edm, web in"):
        asked("gan")


def test_a_run_is_named_with_or_without_its_key_where_that_is_enough(store: Written) -> None:
    for name in ("a-1", "a-2", "a-b-1"):
        store.named(name, [])
    store.named("s-1", [], top="sweeps")
    runs = named_runs(store.storage)
    assert find_run(runs, "a-b", "RUN").folder == "experiments/a-b-1"
    assert find_run(runs, "a-2", "RUN").folder == "experiments/a-2"
    assert find_run(runs, "s", "RUN").kind == "sweep"
    with pytest.raises(UserError, match="RUN: 'a' may be any of experiments/a-1, experiments/a-2"):
        find_run(runs, "a", "RUN")
    with pytest.raises(UserError, match="RUN: found 'c'; allowed are a-1, a-2, a-b-1, s-1"):
        find_run(runs, "c", "RUN")


@pytest.mark.parametrize("text", ["{", "[]", '{"steps": 3}', '{"steps": [1]}', "{}"])
def test_a_list_of_steps_that_is_none_is_refused(text: str, store: Written) -> None:
    store.named("a-1", [])
    store.file("experiments/a-1/steps.json").write_text(text)
    (run,) = named_runs(store.storage)
    with pytest.raises(UserError, match=r"run a-1: experiments/a-1/steps.json is no list of steps"):
        run.steps(store.storage)


def test_a_runs_state_is_where_runs_and_sweeps_write_it() -> None:
    assert STATE == {"experiments": FILE, "sweeps": SWEEP}


def test_amounts_keep_three_digits() -> None:
    sizes = [0, 999, 1000, 1234, 45_600_000, 999_499, 999_600, 7e15]
    assert [size(one) for one in sizes] == [
        *("0 B", "999 B", "1 kB", "1.23 kB", "45.6 MB", "999 kB", "1 MB", "7e+03 TB")
    ]
    assert [counted(n, "step") for n in (0, 1, 1200)] == ["0 steps", "1 step", "1,200 steps"]
