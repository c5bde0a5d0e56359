"""Against loops of numpy alone: fit by maximum likelihood, draw, fit again."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist
from scipy.special import digamma, gammaln

from actors.metrics.oracle import (
    DRAWS,
    Band,
    Form,
    log_determinant_change,
    training_set_entropy,
    variance_change,
)

ROWS, DIMENSIONS, ITERATIONS, LOOPS = 12, 3, 8, 4000


def loops(form: Form, first: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return traces and log determinants, (LOOPS, ITERATIONS), and the last training sets.

    Args:
        first: (d, d) covariance fitted at iteration 1, the same in all loops.
    """
    rng = np.random.default_rng(0)
    d = len(first)
    covariance = np.broadcast_to(first, (LOOPS, d, d))
    traces, determinants = [], []
    for _ in range(ITERATIONS):
        traces.append(np.trace(covariance, axis1=1, axis2=2))
        determinants.append(np.linalg.slogdet(covariance)[1])
        z = rng.standard_normal((LOOPS, ROWS, d))
        rows = z @ np.linalg.cholesky(covariance).swapaxes(1, 2)
        centred = rows - rows.mean(1, keepdims=True)
        covariance = centred.swapaxes(1, 2) @ centred / ROWS
        if form == "diag":
            covariance = covariance * np.eye(d)
        if form == "spherical":
            covariance = np.trace(covariance, axis1=1, axis2=2)[:, None, None] / d * np.eye(d)
    return np.array(traces).T, np.array(determinants).T, rows


def inside(values: np.ndarray, band: Band) -> np.ndarray:
    return ((values >= band.low - 1e-9) & (values <= band.high + 1e-9)).mean(0)


@pytest.mark.parametrize("form", ["full", "diag", "spherical"])
def test_log_determinants_have_the_mean_the_spread_and_the_band(form: Form) -> None:
    _, determinants, _ = loops(form, 0.04 * np.eye(DIMENSIONS))
    change = determinants - determinants[:, :1]
    band = log_determinant_change(form, ROWS, DIMENSIONS, ITERATIONS)
    error = change.std(0) / LOOPS**0.5
    assert (np.abs(change.mean(0) - band.mean) <= 4.5 * error + 1e-9).all()
    sigma = (band.high - band.low) / (2 * stats.norm.ppf(0.975))
    assert change.std(0)[1:] == pytest.approx(sigma[1:], rel=0.06)
    assert inside(change, band)[1:] == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("form", ["full", "diag", "spherical"])
def test_traces_decay_by_one_minus_one_over_n_with_the_spread_and_the_band(form: Form) -> None:
    # from the second on, so that the first that counts is that of n rows
    traces = loops(form, 0.04 * np.eye(DIMENSIONS))[0][:, 1:]
    change = traces / traces[:, :1]
    band = variance_change(form, ROWS, DIMENSIONS, ITERATIONS - 1)
    assert band.mean == pytest.approx((1 - 1 / ROWS) ** np.arange(ITERATIONS - 1))
    error = change.std(0) / LOOPS**0.5
    assert (np.abs(change.mean(0) - band.mean) <= 4.5 * error + 1e-12).all()
    assert inside(change, band)[1:] == pytest.approx(0.95, abs=0.02)


def test_the_mean_of_the_trace_does_not_depend_on_the_covariance() -> None:
    traces, _, _ = loops("full", np.diag([1.0, 0.1, 0.01]))
    change = traces[:, -1] / traces[:, 0]
    expected = variance_change("full", ROWS, DIMENSIONS, ITERATIONS).mean[-1]
    assert abs(change.mean() - expected) < 4.5 * change.std() / LOOPS**0.5


def by_distances(rows: np.ndarray, k: int) -> float:
    n, d = rows.shape
    radius = np.sort(cdist(rows, rows), axis=1)[:, k]
    ball = d / 2 * np.log(np.pi) - gammaln(d / 2 + 1)
    return float(digamma(n) - digamma(k) + ball + d * np.log(radius).mean())


@pytest.mark.parametrize("k", [1, 3])
def test_entropies_of_training_sets_have_the_mean_and_the_band(k: int) -> None:
    _, _, last = loops("spherical", 0.04 * np.eye(DIMENSIONS))
    found = np.array([by_distances(rows, k) for rows in last])
    unbiased = 0.04 * ROWS / (ROWS - 1)
    # those rows are drawn from the last of ITERATIONS models
    band = training_set_entropy(unbiased, ROWS, DIMENSIONS, ITERATIONS + 1, k)
    error = found.std() * (1 / LOOPS + 1 / DRAWS) ** 0.5
    assert abs(found.mean() - band.mean[-1]) < 4.5 * error
    share = ((found >= band.low[-1]) & (found <= band.high[-1])).mean()
    assert share == pytest.approx(0.95, abs=0.025)


def test_what_has_no_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="rows: found 3; allowed are 4 and more"):
        log_determinant_change("full", 3, 3, 2)
    with pytest.raises(ValueError, match="rows: found 1; allowed are 2 and more"):
        variance_change("diag", 1, 3, 2)
    with pytest.raises(ValueError, match="variance: found 0"):
        training_set_entropy(0, 8, 3, 2)
