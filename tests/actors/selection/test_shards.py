"""Greedy selection over shards, without the actors that hold them on a cluster."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.distances import farthest_first, nearest_chosen
from actors.distances.farthest_first import LocalShards
from actors.selection import Selection, explain, greedy
from actors.selection.greedy import beginning, first_row, go_on


def over_shards(features: np.ndarray, n: int, seed: int, parts: int) -> Selection:
    with torch.inference_mode():
        return go_on(
            LocalShards(features, n, parts),
            n,
            beginning(first_row(len(features), seed)),
            reasons=True,
        )


def plain_loop(features: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Return all rows by farthest-first traversal in float64, with the distances at the picks."""
    rows = features.astype(np.float64)
    nearest_chosen = np.full(len(rows), np.inf)
    order, distances = [first], [np.nan]
    while len(order) < len(rows):
        apart = ((rows - rows[order[-1]]) ** 2).sum(axis=1)
        nearest_chosen = np.minimum(nearest_chosen, apart)
        nearest_chosen[order] = -1
        order.append(int(nearest_chosen.argmax()))
        distances.append(float(np.sqrt(nearest_chosen.max())))
    return np.array(order), np.array(distances)


def assert_is_the_plain_loop(found: Selection, features: np.ndarray, n: int) -> None:
    order, distances = plain_loop(features, int(found.positions[0]))
    assert np.array_equal(found.positions, order[:n])
    assert found.distances is not None
    np.testing.assert_allclose(found.distances, distances[:n], rtol=1e-12)


def assert_covers(found: Selection, features: np.ndarray) -> None:
    """Compare the reasons with a search through all pairs in float64."""
    assert found.reasons is not None
    rows = features.astype(np.float64)
    apart = ((rows[:, None] - rows[found.positions]) ** 2).sum(axis=2)
    covered_by = found.positions[apart.argmin(axis=1)]
    covered_by[found.positions] = found.positions
    assert np.array_equal(found.reasons.covered_by, covered_by)
    expected = np.sqrt(apart.min(axis=1))
    np.testing.assert_allclose(found.reasons.distances, expected, rtol=1e-12)


def assert_same(found: Selection, one: Selection) -> None:
    """Compare with one process to the last bit."""
    assert np.array_equal(found.positions, one.positions)
    assert found.distances is not None
    assert one.distances is not None
    assert np.array_equal(found.distances, one.distances, equal_nan=True)


def make(shape: str, rows: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, 3))
    if shape == "sorted":
        features = features[np.argsort(features[:, 0])]
    elif shape == "duplicates":
        features = features[rng.integers(0, max(1, rows // 3), rows)]
    elif shape == "lattice":
        features = rng.integers(-1, 2, (rows, 3)).astype(np.float64)
    elif shape == "one shard is all that is far apart":
        features[: rows - rows // 4] *= 1e-3
        features[rows - rows // 4 :] *= 100
    return features.astype(np.float32)


SHAPES = ["normal", "sorted", "duplicates", "lattice", "one shard is all that is far apart"]


@settings(deadline=None, max_examples=30)
@given(
    shape=st.sampled_from(SHAPES),
    rows=st.integers(1, 60),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_ids_distances_and_reasons_are_those_of_one_process_and_of_a_plain_loop(
    shape: str, rows: int, seed: int, data: st.DataObject
) -> None:
    features = make(shape, rows, seed)
    n, parts = data.draw(st.integers(1, rows)), data.draw(st.integers(1, min(8, rows)))
    with pytest.MonkeyPatch.context() as patch:
        # rounds and blocks of few rows, so that picked vectors are let go
        patch.setattr(farthest_first, "REFRESHED", data.draw(st.integers(1, 16)))
        patch.setattr(farthest_first, "PROPOSED", data.draw(st.integers(1, 8)))
        patch.setattr(farthest_first, "LEAST", data.draw(st.integers(1, 60)))
        patch.setattr(nearest_chosen, "CENTRE_BLOCK", data.draw(st.integers(1, 16)))
        many, one = over_shards(features, n, seed, parts), greedy(features, n, seed=seed)
    assert_same(many, one)
    assert_is_the_plain_loop(one, features, n)
    assert_covers(many, features)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_number_of_rows_over_every_number_of_shards(
    shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a shard then keeps two or three picked vectors, and brings all that it has up to date
    monkeypatch.setattr(farthest_first, "PROPOSED", 2)
    features = make(shape, 10, 7)
    for parts in range(1, 9):
        for n in range(1, 11):
            found = over_shards(features, n, 3, parts)
            assert_is_the_plain_loop(found, features, n)
            assert_covers(found, features)


@pytest.mark.parametrize("n", [3000, 4800])
def test_shards_that_are_nearly_used_up_keep_the_rows_of_one_process(n: int) -> None:
    features = np.random.default_rng(6000).normal(size=(6000, 8)).astype(np.float32)
    one, many = greedy(features, n, seed=4), over_shards(features, n, 4, 7)
    assert_same(many, one)
    reasons = explain(features, one.positions)
    assert many.reasons is not None
    assert np.array_equal(many.reasons.covered_by, reasons.covered_by)
    assert np.array_equal(many.reasons.distances, reasons.distances)
