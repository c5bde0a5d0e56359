import numpy as np
import pytest

from actors.metrics.vendi import vendi_score


@pytest.mark.parametrize(("n", "d"), [(200, 12), (12, 200), (30, 30)])
def test_score_is_that_of_the_package(n: int, d: int) -> None:
    vendi = pytest.importorskip("vendi_score.vendi")
    rows = np.random.default_rng(n).normal(size=(n, d)) + 0.5
    assert vendi_score(rows) == pytest.approx(vendi.score_dual(rows), rel=1e-8)


def test_score_counts_directions_that_have_nothing_in_common() -> None:
    rows = np.repeat(np.eye(7)[:5], 20, axis=0)
    assert vendi_score(rows) == pytest.approx(5)
    assert vendi_score(rows * np.arange(1, 101)[:, None]) == pytest.approx(5)
    assert vendi_score(np.ones((10, 3))) == pytest.approx(1)
    assert vendi_score(np.ones((1, 3))) == pytest.approx(1)


def test_score_does_not_depend_on_the_block_or_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).normal(size=(100, 8))
    whole = vendi_score(rows)
    monkeypatch.setattr("actors.metrics.blocks.BLOCK_BYTES", 8 * 7)
    assert vendi_score(rows[::-1]) == pytest.approx(whole, rel=1e-10)


def test_rows_without_a_direction_are_refused() -> None:
    rows = np.eye(3)
    rows[1] = 0
    with pytest.raises(ValueError, match="features: found 1 rows of zeros"):
        vendi_score(rows)
    with pytest.raises(ValueError, match="features: found 3 rows of zeros"):
        vendi_score(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="features: found 0 rows"):
        vendi_score(np.zeros((0, 2)))
