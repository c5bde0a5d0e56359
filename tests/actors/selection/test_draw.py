import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from actors.selection.draw import Stratum, draw_candidates


@st.composite
def pools(draw: st.DrawFn) -> tuple[list[int], list[int], list[Stratum]]:
    """Sizes, published counts, and strata that cover the steps one after the other."""
    sizes = draw(st.lists(st.integers(1, 30), min_size=1, max_size=6))
    published = [draw(st.integers(1, size)) for size in sizes]
    cuts = sorted(draw(st.sets(st.integers(1, len(sizes)), max_size=3)) | {len(sizes)})
    strata, first = [], 0
    for end in cuts:
        strata.append(Stratum(first, end, draw(st.integers(0, sum(published[first:end])))))
        first = end
    return sizes, published, strata


@given(pools(), st.integers(0, 2**62))
def test_each_stratum_gives_as_many_published_rows_as_asked_none_twice(
    pool: tuple[list[int], list[int], list[Stratum]], seed: int
) -> None:
    sizes, published, strata = pool
    rows = draw_candidates(sizes, published, strata, seed)
    starts = np.cumsum([0, *sizes])
    assert len(set(rows.tolist())) == len(rows)
    assert (np.diff(rows) > 0).all()
    step = np.searchsorted(starts, rows, side="right") - 1
    assert (rows - starts[step] < np.array(published)[step]).all()
    for one in strata:
        assert ((one.first <= step) & (step < one.end)).sum() == one.rows


def test_without_strata_every_published_row_is_a_candidate() -> None:
    assert draw_candidates([4, 3], [2, 3], [], 0).tolist() == [0, 1, 4, 5, 6]


def test_a_uniform_draw_takes_every_row_as_often() -> None:
    stratum = [Stratum(0, 2, 5)]
    draws = np.concatenate(
        [draw_candidates([12, 8], [12, 8], stratum, seed) for seed in range(2000)]
    )
    assert chisquare(np.bincount(draws, minlength=20)).pvalue > 0.01


def test_another_seed_draws_other_rows_and_the_same_seed_the_same() -> None:
    first, again, other = (draw_candidates([50], [50], [Stratum(0, 1, 20)], s) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_more_rows_than_a_stratum_has_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="larger sample"):
        draw_candidates([4], [3], [Stratum(0, 1, 4)], 0)
