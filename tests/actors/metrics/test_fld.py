import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal

from actors.metrics import mixture
from actors.metrics.fld import fld
from tests.runs import finish


def rows(n: int, seed: int, d: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ np.diag(np.arange(1, d + 1)) + rng.integers(0, 2, (n, 1)) * 5


def wide(n: int, seed: int) -> np.ndarray:
    """Return clusters of 100 dimensions, between which no pair matters, and a few copies."""
    rng = np.random.default_rng(seed)
    means = np.random.default_rng(9).normal(size=(8, 100)) * 2
    made = means[rng.integers(0, 8, n)] + rng.normal(size=(n, 100)) * rng.uniform(0.1, 1, (n, 1))
    made[: n // 10] = means[0] + np.arange(n // 10)[:, None]
    return made


def plain(centres: np.ndarray, fitted: np.ndarray, test: np.ndarray) -> tuple[float, float]:
    """Nats per dimension of test and fitted rows, by autograd and torch's own densities."""
    mean, std = test.mean(0), test.std(0, ddof=1)
    c, x, t = (torch.from_numpy((part - mean) / std) for part in (centres, fitted, test))
    m, d = c.shape

    def log_densities(points: torch.Tensor, log_variances: torch.Tensor) -> torch.Tensor:
        scale = (log_variances / 2).exp()[:, None].expand(m, d)
        return Independent(Normal(c, scale), 1).log_prob(points[:, None]) - np.log(m)

    squared = ((x[:, None] - c) ** 2).sum(-1)
    log_variances = ((squared.min(0).values + 1e-3) / d).log().requires_grad_()
    origin = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    centre = x.mean(0)
    adam = torch.optim.Adam([log_variances, origin], lr=0.5)
    for _ in range(50):
        adam.zero_grad()
        # 0.9 of the way from the mean
        around = Independent(Normal(torch.zeros(d), (origin / 2).exp().expand(d)), 1)
        base = around.log_prob(0.9 * (x - centre))[:, None]
        joint = torch.cat((log_densities(x, log_variances), base), dim=1)
        (-torch.logsumexp(joint, 1).mean() / d).backward()
        adam.step()
        with torch.no_grad():
            log_variances.clamp_(-40, 20)
    with torch.no_grad():
        held_out, own = (torch.logsumexp(log_densities(p, log_variances), 1) / d for p in (t, x))
    return float(held_out.mean()), float(own.mean())


@pytest.mark.parametrize(
    ("make", "most", "spare"),
    [(rows, 1 / 8, 25), (rows, 1, 0), (wide, 1 / 8, 25), (wide, 1, 0)],
)
def test_divergence_is_the_plain_statement_by_autograd(
    make: Callable[[int, int], np.ndarray],
    most: float,
    spare: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mixture, "MOST", most)
    monkeypatch.setattr(mixture, "SPARE", spare)
    samples, training, test = make(60, 0) * 1.2, make(80, 1), make(50, 2)
    order = np.random.default_rng(3).permutation(80)
    baseline, _ = plain(training[order[:40]], training[order[40:]], test)
    held_out, own = plain(samples, training, test)
    found = fld(samples, training, test, seed=3)
    assert found.baseline == pytest.approx(baseline, rel=1e-8)
    assert found.value == pytest.approx(100 * (baseline - held_out), rel=1e-7)
    assert found.gap == pytest.approx(100 * (held_out - own), rel=1e-7)


def test_copies_of_the_training_set_are_worse_than_fresh_samples_and_show_in_the_gap() -> None:
    training, test = rows(200, 1), rows(200, 2)
    fresh, copies = (fld(s, training, test, seed=0) for s in (rows(200, 3), training))
    nearly = fld(training + 1e-3 * rows(200, 4), training, test, seed=0)
    assert fresh.value < 20
    assert copies.value > nearly.value > fresh.value + 20
    assert copies.gap < nearly.gap < fresh.gap - 20


def test_noise_and_a_dropped_mode_are_worse_than_fresh_samples() -> None:
    training, test, fresh = rows(200, 1), rows(200, 2), rows(200, 3)
    noisy = fresh + np.random.default_rng(0).normal(size=fresh.shape) * 5
    dropped = np.concatenate([part[part[:, 0] < 2] for part in (fresh, rows(200, 5))])[:200]
    best = fld(fresh, training, test, seed=0).value
    assert fld(noisy, training, test, seed=0).value > best
    assert fld(dropped, training, test, seed=0).value > best


def test_divergence_does_not_depend_on_the_block_the_order_or_where_the_rows_lie(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples, training, test = rows(60, 0), rows(80, 1), rows(50, 2)
    found = fld(samples, training, test, seed=3)
    moved = fld(samples * 3 + 100, training * 3 + 100, test * 3 + 100, seed=3)
    assert moved.value == pytest.approx(found.value, rel=1e-6)
    monkeypatch.setitem(mixture.BLOCK_BYTES, "cpu", 8 * 60 * 7)
    monkeypatch.setitem(mixture.ROWS, "cpu", 11)
    same = fld(samples[::-1], training, test[::-1], seed=3)
    assert same.value == pytest.approx(found.value, rel=1e-8)


def test_distances_that_are_too_many_to_hold_are_computed_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples, training, test = rows(60, 0), rows(80, 1), rows(50, 2)
    found = fld(samples, training, test, seed=3)
    monkeypatch.setattr("actors.metrics.mixture.KEPT_BYTES", 0)
    assert fld(samples, training, test, seed=3) == found


def test_more_samples_than_are_used_are_drawn_by_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.metrics.fld.SAMPLES", 30)
    samples, training, test = rows(60, 0), rows(80, 1), rows(50, 2)
    found = fld(samples, training, test, seed=3)
    drawn = np.random.default_rng(3).choice(60, 30, replace=False)
    expected = fld(samples[drawn], training, test, seed=3)
    assert found == pytest.approx(expected, rel=1e-8)
    assert found != fld(samples, training, test, seed=4)


def test_training_rows_past_a_batch_are_taken_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    samples, training, test = rows(60, 0), rows(80, 1), rows(50, 2)
    whole = fld(samples, training, test, seed=3).value
    monkeypatch.setattr("actors.metrics.mixture.BATCH", 40)
    found = fld(samples, training, test, seed=3).value
    assert found == pytest.approx(whole, abs=10)
    assert found != whole


def test_sets_that_cannot_be_measured_are_refused() -> None:
    with pytest.raises(ValueError, match="test: found 1 rows; allowed are 2 and more"):
        fld(rows(5, 0), rows(5, 0), rows(1, 0), seed=0)
    with pytest.raises(ValueError, match="samples: found 0 rows"):
        fld(rows(0, 0), rows(5, 0), rows(5, 0), seed=0)
    with pytest.raises(ValueError, match="samples: found 3 dimensions; allowed are 6"):
        fld(rows(5, 0, 3), rows(5, 0), rows(5, 0), seed=0)


def test_no_compiler_is_imported() -> None:
    code = """
import sys
import numpy as np
from actors.metrics import mixture
from actors.metrics.fld import fld
fld(*np.random.default_rng(0).normal(size=(3, 5, 2)), seed=0)
print(*sys.modules)
"""
    done = finish([sys.executable, "-c", code])
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.split())
    assert "torch" in imported
    assert "torch._dynamo" not in imported
