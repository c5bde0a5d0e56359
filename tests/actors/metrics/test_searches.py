from collections import Counter

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from actors.distances.neighbours import nearest
from actors.metrics import searches
from actors.metrics.base import Sets
from actors.metrics.equal_rows import measure_also_on
from actors.metrics.groups import GROUPS, measure
from actors.metrics.searches import Searches


def sets(k: int = 1) -> Sets:
    rng = np.random.default_rng(0)
    samples, reference, training_set = (
        rng.normal(size=(n, 6)).astype(np.float32) for n in (90, 60, 70)
    )
    return Sets(samples, reference, training_set, card={"features": "pixels"}, k=k)


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[int, int, bool]]:
    """How often which numbers of rows were searched among which, and whether among themselves."""
    counted: Counter[tuple[int, int, bool]] = Counter()

    def counting(
        queries: np.ndarray, base: np.ndarray, k: int = 1, *, exclude_self: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        counted[len(queries), len(base), exclude_self] += 1
        return nearest(queries, base, k, exclude_self=exclude_self)

    monkeypatch.setattr(searches, "nearest", counting)
    return counted


ONCE = {
    (90, 90, True): 1,
    (70, 70, True): 1,
    (60, 60, True): 1,
    (90, 70, False): 1,
    (60, 70, False): 1,
}


@pytest.mark.parametrize("groups", [tuple(GROUPS), tuple(reversed(GROUPS))])
@pytest.mark.parametrize("k", [1, 7])
def test_two_sets_are_searched_once_for_all_groups_in_whatever_order(
    groups: tuple[str, ...], k: int, searched: Counter[tuple[int, int, bool]]
) -> None:
    measure(sets(k=k), groups)
    assert searched == ONCE


def test_subsamples_are_searched_once_and_what_they_do_not_change_not_at_all(
    searched: Counter[tuple[int, int, bool]],
) -> None:
    list(measure_also_on(sets(), tuple(GROUPS), {"training_set": 40}))
    assert searched == {
        **ONCE,
        (40, 40, True): 16,
        (90, 40, False): 16,
        (60, 40, False): 16,
    }


def test_measures_that_share_searches_are_those_of_groups_taken_alone() -> None:
    together = {(one.metric, one.subject): one for one in measure(sets(k=3))}
    alone = [one for group in GROUPS for one in measure(sets(k=3), (group,))]
    assert {(one.metric, one.subject): one for one in alone} == together


def test_a_row_counts_once_among_those_of_another_set_and_copies_among_the_rows_of_one() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(20, 3))
    base = rows[rng.integers(0, 20, 50)]
    found = Searches(made=rng.normal(size=(30, 3)), base=base)
    distances, positions = found.nearest("made", "base", 2)
    distinct = np.sort(np.unique(base, axis=0, return_index=True)[1])
    assert np.array_equal(found.distinct("base"), distinct)
    across = cdist(found["made"], base[distinct])
    np.testing.assert_allclose(distances, np.sort(across, axis=1)[:, :2], rtol=1e-12)
    assert np.array_equal(positions, distinct[np.argsort(across, axis=1)[:, :2]])
    within = found.nearest("base", "base")[0][:, 0]
    times = (cdist(base, base) == 0).sum(axis=1)
    assert np.array_equal(within == 0, times > 1)


def test_a_deeper_search_is_done_where_it_was_not_expected() -> None:
    found = Searches(rows=np.random.default_rng(2).normal(size=(30, 3)))
    first = found.nearest("rows", "rows")
    deeper = found.nearest("rows", "rows", 4)
    assert np.array_equal(deeper[0][:, :1], first[0])
    assert np.array_equal(found.nearest("rows", "rows", 2)[1], deeper[1][:, :2])
