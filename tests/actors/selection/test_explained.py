"""Reasons: from greedy's own state, or found afterwards."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.selection import METHODS, explain, greedy, random_rows, select


@given(rows=st.integers(1, 80), seed=st.integers(0, 20), data=st.data())
def test_greedy_s_own_reasons_are_those_found_afterwards(
    rows: int, seed: int, data: st.DataObject
) -> None:
    features = np.random.default_rng(seed).integers(-2, 3, (rows, 3)).astype(np.float32)
    n = data.draw(st.integers(1, rows))
    found, again = greedy(features, n, seed=seed, reasons=True), greedy(features, n, seed=seed)
    assert np.array_equal(found.positions, again.positions)
    assert again.reasons is None
    expected = explain(features, again.positions)
    assert found.reasons is not None
    assert np.array_equal(found.reasons.covered_by, expected.covered_by)
    assert np.array_equal(found.reasons.distances, expected.distances)


@given(rows=st.integers(2, 80), seed=st.integers(0, 20), data=st.data())
def test_what_goes_on_from_a_smaller_selection_ends_as_the_whole(
    rows: int, seed: int, data: st.DataObject
) -> None:
    features = np.random.default_rng(seed).integers(-2, 3, (rows, 3)).astype(np.float32)
    n = data.draw(st.integers(1, rows))
    whole = greedy(features, n, seed=seed)
    begun = whole.at(np.arange(data.draw(st.integers(1, n))))
    found = greedy(features, n, seed=seed, begun=begun)
    assert np.array_equal(found.positions, whole.positions)
    assert found.distances is not None
    assert whole.distances is not None
    assert np.array_equal(found.distances, whole.distances, equal_nan=True)


def test_only_greedy_has_reasons_on_its_way_and_select_gives_those_of_all() -> None:
    features = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
    for kind, method in METHODS.items():
        chosen = method.model_validate({"kind": kind}).select(features, 30, 1, reasons=True)
        assert (chosen.reasons is not None) == (kind == "greedy")
        assert select(features, 30, seed=1, kind=kind).reasons is not None


def test_finding_them_says_how_many_rows_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.distances.farthest_first.COVERED", 40)
    features = np.random.default_rng(0).normal(size=(100, 4)).astype(np.float32)
    said: list[int] = []
    found = explain(features, random_rows(features, 10, seed=0).positions, said.append)
    assert said == [40, 80, 100]
    whole = np.linalg.norm(features[:, None] - features[found.covered_by][None], axis=2)
    np.testing.assert_allclose(found.distances, whole.min(axis=1), atol=1e-6)
