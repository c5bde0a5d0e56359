import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.metrics.entropy import entropy
from actors.selection import greedy, random_rows
from actors.selection.two_level import two_level


@given(rows=st.integers(1, 40), partitions=st.integers(1, 9), data=st.data())
def test_size_is_exact_and_no_row_repeats(rows: int, partitions: int, data: st.DataObject) -> None:
    features = np.random.default_rng(rows).integers(-2, 3, (rows, 2)).astype(np.float32)
    n = data.draw(st.integers(1, rows))
    chosen = two_level(features, n, seed=1, partitions=partitions).positions
    assert len(set(chosen.tolist())) == n == len(chosen)


def test_one_part_without_surplus_to_drop_is_exact_selection() -> None:
    features = np.random.default_rng(0).normal(size=(500, 6)).astype(np.float32)
    ours = two_level(features, 200, seed=0, partitions=1, surplus=1.0)
    assert set(ours.positions.tolist()) == set(greedy(features, 200, seed=0).positions.tolist())
    assert ours.notes["entropy_lost"] == pytest.approx(0, abs=1e-9)


def test_entropy_lies_between_random_and_exact_and_the_loss_is_told() -> None:
    features = np.random.default_rng(0).normal(size=(3000, 8)).astype(np.float32)
    ours = two_level(features, 600, seed=0, partitions=4)
    got = entropy(features[ours.positions]).nats
    exact = entropy(features[greedy(features, 600, seed=0).positions]).nats
    drawn = entropy(features[random_rows(features, 600, seed=0).positions]).nats
    assert drawn + 0.5 * (exact - drawn) < got < exact
    # all candidates are measured on here, so that the loss reported is the loss there is
    assert ours.notes["measured_on"] == 3000
    assert ours.notes["entropy_lost"] == pytest.approx(exact - got)


@pytest.mark.parametrize("surplus", [1, 1.25, 3])
@pytest.mark.parametrize("rows", [1, 7, 200])
def test_one_part_selects_what_greedy_selects(rows: int, surplus: float) -> None:
    features = np.random.default_rng(rows).normal(size=(rows, 5)).astype(np.float32)
    for seed in range(5):
        for n in {1, rows // 2 or 1, rows}:
            one = two_level(features, n, seed=seed, partitions=1, surplus=surplus)
            exact = greedy(features, n, seed=seed)
            assert np.array_equal(one.positions, exact.positions)
            assert one.distances is not None
            assert exact.distances is not None
            assert np.array_equal(one.distances, exact.distances, equal_nan=True)
