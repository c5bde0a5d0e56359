"""Sharded greedy selection, with real actors."""

from typing import Any

import numpy as np
import pytest
import ray

from actors.data.feature_source import Rows
from actors.errors import UserError
from actors.selection import explain, greedy
from actors.selection.greedy import greedy_sharded
from actors.selection.shard_actors import ShardActors

pytestmark = pytest.mark.usefixtures("local_ray")


def candidates(rows: int = 1500) -> np.ndarray:
    """Return clusters with near-duplicates, copies and a lattice with many ties."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(rows, 8)).astype(np.float32)
    features[rows // 3 : rows // 2] = features[: rows // 2 - rows // 3]
    features[-(rows // 3) :] = rng.integers(-1, 2, (rows // 3, 8))
    return features


def test_ids_distances_and_reasons_are_those_of_one_process() -> None:
    features = candidates()
    one = greedy(features, 900, seed=3)
    many = greedy_sharded(Rows(features), 900, seed=3, shards=3)
    assert np.array_equal(many.positions, one.positions)
    assert many.distances is not None
    assert one.distances is not None
    assert np.array_equal(many.distances, one.distances, equal_nan=True)
    reasons = explain(features, one.positions)
    assert many.reasons is not None
    assert np.array_equal(many.reasons.covered_by, reasons.covered_by)
    assert np.array_equal(many.reasons.distances, reasons.distances)


def test_a_shard_that_dies_is_rebuilt_and_the_ids_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features = candidates()
    killed: list[str] = []
    ask = ShardActors.ask

    def ask_after_a_death(self: ShardActors, method: str, *arguments: Any) -> Any:
        if (method == "propose" and self.picked > 100 and not killed) or method == "cover":
            ray.kill(self.actors[len(killed)], no_restart=False)
            killed.append(method)
        return ask(self, method, *arguments)

    monkeypatch.setattr(ShardActors, "ask", ask_after_a_death)
    many = greedy_sharded(Rows(features), 900, seed=3, shards=2)
    assert killed == ["propose", "cover"]
    assert np.array_equal(many.positions, greedy(features, 900, seed=3).positions)
    assert many.reasons is not None
    assert np.array_equal(many.reasons.covered_by, explain(features, many.positions).covered_by)


def test_a_mistake_found_by_a_shard_is_told_as_such() -> None:
    features = candidates(100)
    features[77, 2] = np.nan
    with pytest.raises(UserError, match=r"row 77 .* NaN or infinity"):
        greedy_sharded(Rows(features), 10, seed=0, shards=2)
    with pytest.raises(UserError, match="n: found 101; allowed are 1 to 100"):
        greedy_sharded(Rows(features), 101, seed=0, shards=2)
