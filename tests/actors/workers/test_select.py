"""Ordering and selecting stored rows: in one worker, over shards, and from a shorter order."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
from scipy.spatial.distance import cdist

from actors.pool import schema, selections, shards
from actors.pool.step import Step
from actors.pool.storage import Storage
from actors.selection import METHODS, Selection, greedy
from actors.selection.shard_actors import ShardActors
from actors.workers import select
from tests.actors.pool.inspect.stores import finish

SAMPLES, FEATURES = "steps/sample/x", "steps/embed/y"
ROWS = 700
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 6)).astype(np.float32)
X[200:300] = X[:100]
X[-200:] = RNG.integers(-1, 2, (200, 6))
# a stratum of two steps' rows, some of which are drawn
DRAWN = {"sizes": [ROWS], "published": [ROWS], "strata": [[0, 1, 400]]}


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    """A store of rows in files of 256."""
    storage = Storage(str(tmp_path))
    records: dict[str, list[Any]] = {SAMPLES: [], FEATURES: []}
    for start, stop in shards.ranges(ROWS, 256):
        images = np.zeros((stop - start, 1, 1, 1), np.uint8)
        rows = schema.rows(
            images, step_key="s" * 32, first=start, source="real", iteration=0, seed=1
        )
        for name, table in ((SAMPLES, rows), (FEATURES, shards.feature_table(X[start:stop]))):
            records[name].append(shards.write_table(storage, shards.shard_path(name, start), table))
    for name, files in records.items():
        finish(storage, name, files)
    return storage


def step(kind: str, rows: int, shards: int = 1, **config: Any) -> Step:
    """Return a step of all rows, or of those drawn, whose `rows` are ranked or selected."""
    inputs: dict[str, tuple[str, ...]] = {"samples": (SAMPLES,), "features": (FEATURES,)}
    needs = {"cpus": 1 / shards, "gpus": 0, "workers": shards, "rows": rows}
    selected = {"rows": rows} if kind == "select" else {}
    return Step(
        kind, "selection", {"selection": {"kind": "greedy"}, **selected, **config}, inputs, 5, needs
    )


def ordered(storage: Storage, step: Step) -> Selection:
    said: list[float] = []
    select.order(storage, step, lambda fraction, note: said.append(fraction))
    assert said == sorted(said)
    assert said[-1:] in ([], [1.0])
    return Selection(*selections.read_order(storage, step.path))


def assert_same(found: Selection, expected: Selection) -> None:
    assert np.array_equal(found.positions, expected.positions)
    assert found.distances is not None
    assert expected.distances is not None
    assert np.array_equal(found.distances, expected.distances, equal_nan=True)


@pytest.mark.parametrize("drawn", [{}, {"candidates": DRAWN}])
def test_an_order_goes_as_far_as_is_needed_and_begins_as_the_whole_one(
    storage: Storage, drawn: dict[str, Any]
) -> None:
    whole = ordered(storage, step("order", ROWS, **drawn))
    assert len(whole.positions) == (400 if drawn else ROWS)
    short = ordered(storage, step("order", 90, **drawn))
    assert len(short.positions) == 90
    assert_same(short, whole.at(np.arange(90)))


@pytest.mark.usefixtures("local_ray")
@pytest.mark.parametrize("drawn", [{}, {"candidates": DRAWN}])
def test_shards_that_map_the_stored_rows_order_as_one_worker_does(
    storage: Storage, drawn: dict[str, Any]
) -> None:
    one = ordered(storage, step("order", 300, **drawn))
    for several in (2, 3):
        assert_same(ordered(storage, step("order", 300, several, **drawn)), one)


@pytest.mark.usefixtures("local_ray")
def test_an_order_ends_with_the_same_rows_when_a_shard_dies(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = ordered(storage, step("order", 600))
    # many rounds, also of few rows
    monkeypatch.setattr("actors.distances.farthest_first.PROPOSED", 64)
    ask = ShardActors.ask
    killed: list[int] = []

    def ask_after_a_death(self: ShardActors, method: str, *arguments: Any) -> Any:
        if self.picked > 100 and not killed:
            ray.kill(self.actors[1], no_restart=False)
            killed.append(self.picked)
        return ask(self, method, *arguments)

    monkeypatch.setattr(ShardActors, "ask", ask_after_a_death)
    assert_same(ordered(storage, step("order", 600, 2)), one)
    assert killed


@pytest.mark.usefixtures("local_ray")
def test_an_order_fails_with_the_cause_when_a_shard_is_gone_for_good(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = ShardActors.ask

    def ask_after_the_end(self: ShardActors, method: str, *arguments: Any) -> Any:
        ray.kill(self.actors[0])
        return ask(self, method, *arguments)

    monkeypatch.setattr(ShardActors, "ask", ask_after_the_end)
    with pytest.raises(ray.exceptions.RayActorError, match="died"):
        ordered(storage, step("order", 600, 2))


@pytest.mark.parametrize("is_limited", [False, True])
def test_a_larger_selection_goes_on_from_an_order_that_is_too_short(
    storage: Storage, is_limited: bool
) -> None:
    limits: dict[str, Any] = {"limits": {"quota": {}, "cap": {"real": 1.0}}, "sources": ["real"]}
    ranked = step("order", 60)
    finish(storage, ranked.path, [*select.order(storage, ranked, lambda *_: None)])
    chosen = step("select", 350, **(limits if is_limited else {}))
    chosen = replace(chosen, inputs={**chosen.inputs, "order": (ranked.path,)})
    select.select(storage, chosen, lambda *_: None)
    found = selections.read(storage, chosen.path)
    expected = greedy(X, 350, seed=5)
    assert np.array_equal(found.positions, expected.positions)
    assert expected.distances is not None
    np.testing.assert_allclose(
        found.table["distance"].to_numpy()[1:], expected.distances[1:], rtol=1e-12
    )


def test_only_what_can_use_a_gpu_takes_a_device() -> None:
    able = {kind for kind, method in METHODS.items() if method.on_gpu}
    assert able == {"greedy", "threshold_decay", "two_level", "gist"}


@pytest.mark.parametrize("drawn", [{}, {"candidates": DRAWN}])
def test_isolated_candidates_are_left_out_before_anything_is_selected(
    storage: Storage, drawn: dict[str, Any]
) -> None:
    rows = np.arange(ROWS)
    if drawn:
        whole = step("select", 400, **drawn)
        finish(storage, whole.path, select.select(storage, whole, lambda *_: None))
        rows = np.sort(selections.read(storage, whole.path).positions)
    distances = np.sort(cdist(X[rows], X[rows]), axis=1)[:, 5]
    left = rows[np.sort(np.argsort(distances, kind="stable")[: len(rows) - len(rows) // 10])]
    expected = left[greedy(X[left], 50, seed=5).positions].tolist()
    trimming = {"selection": {"kind": "greedy", "trim": 0.1}, **drawn}
    ranked = step("order", 60, **trimming)
    finish(storage, ranked.path, select.order(storage, ranked, lambda *_: None))
    for order in ({}, {"order": (ranked.path,)}):
        chosen = step("select", 50, **trimming)
        chosen = replace(chosen, inputs={**chosen.inputs, **order})
        select.select(storage, chosen, lambda *_: None)
        assert selections.read(storage, chosen.path).positions.tolist() == expected
