"""Every measure on cases whose answer is known: the right direction, a value, or a clear error."""

from collections.abc import Callable

import numpy as np
import pytest

from actors.distances import balls, candidates, frame, pairs
from actors.metrics.correlation import correlation
from actors.metrics.entropy import Spacing, entropy, variance
from actors.metrics.fld import fld
from actors.metrics.frechet import frechet_distance, frechet_infinity
from actors.metrics.generalization import (
    authenticity,
    data_copying,
    generalization_score,
    memorization_rate,
    nearest_quantiles,
)
from actors.metrics.kernel_distance import kernel_distance
from actors.metrics.manifold import manifold
from actors.metrics.vendi import vendi_score

Sets = tuple[np.ndarray, np.ndarray, np.ndarray]
Measure = Callable[[np.ndarray, np.ndarray, np.ndarray], float]

# samples, training set and held-out real rows to a number
MEASURES: dict[str, Measure] = {
    "entropy": lambda s, t, h: entropy(s).nats,
    "entropy, third neighbour": lambda s, t, h: entropy(s, 3).nats,
    "entropy, lower end": lambda s, t, h: (Spacing.of(s).interval(1e-6) or (0.0,))[0],
    "entropy as released": lambda s, t, h: Spacing.of(s).as_released(None),
    "variance": lambda s, t, h: variance(s),
    "generalization score": lambda s, t, h: generalization_score(s, t),
    "median distance": lambda s, t, h: nearest_quantiles(s, t, (0.5,))[0],
    "memorization rate": lambda s, t, h: memorization_rate(s, t),
    "authenticity": lambda s, t, h: authenticity(s, t),
    "data copying": data_copying,
    "frechet distance": lambda s, t, h: frechet_distance(s, h),
    "frechet infinity": lambda s, t, h: frechet_infinity(s, h, seed=0),
    "kernel distance": lambda s, t, h: kernel_distance(s, h, seed=0, subsets=3).mean,
    "precision": lambda s, t, h: manifold(s, h).precision,
    "recall": lambda s, t, h: manifold(s, h).recall,
    "density": lambda s, t, h: manifold(s, h).density,
    "coverage": lambda s, t, h: manifold(s, h).coverage,
    "vendi score": lambda s, t, h: vendi_score(s),
    "fld": lambda s, t, h: fld(s, t, h, seed=0).value,
    "fld gap": lambda s, t, h: fld(s, t, h, seed=0).gap,
}
# draws its rows by their place: another order is another draw of the same size
DRAWS = {"frechet infinity", "kernel distance"}
UP, DOWN = 1, -1
DIRECTIONS: dict[str, dict[str, int]] = {
    "copies": {
        "generalization score": DOWN,
        "median distance": DOWN,
        "memorization rate": UP,
        "authenticity": DOWN,
        "data copying": DOWN,
        "fld": UP,
        "fld gap": DOWN,
    },
    "mode dropped": {
        "entropy": DOWN,
        "variance": DOWN,
        "frechet distance": UP,
        "frechet infinity": UP,
        "kernel distance": UP,
        "recall": DOWN,
        "coverage": DOWN,
        "vendi score": DOWN,
        "fld": UP,
    },
    "noise": {
        "entropy": UP,
        "variance": UP,
        "generalization score": UP,
        "entropy as released": UP,
        "median distance": UP,
        "authenticity": UP,
        "data copying": UP,
        "frechet distance": UP,
        "frechet infinity": UP,
        "kernel distance": UP,
        "precision": DOWN,
        "density": DOWN,
        "coverage": DOWN,
        "fld": UP,
    },
    "one point": {
        "entropy": DOWN,
        "entropy, third neighbour": DOWN,
        "entropy, lower end": DOWN,
        "entropy as released": DOWN,
        "variance": DOWN,
        "frechet distance": UP,
        "frechet infinity": UP,
        "kernel distance": UP,
        "recall": DOWN,
        "coverage": DOWN,
        "vendi score": DOWN,
        "fld": UP,
    },
}


def real(n: int, seed: int, d: int = 6) -> np.ndarray:
    """Return rows of two modes."""
    rng = np.random.default_rng(seed)
    modes = np.zeros((n, d))
    modes[: n // 2, 0] = 6
    modes[n // 2 :, 1] = 6
    return modes + rng.normal(size=(n, d))


def planted(case: str) -> Sets:
    """Return samples with something wrong, the training set and held-out rows."""
    training, held_out, fresh = real(120, 1), real(100, 2), real(120, 3)
    rng = np.random.default_rng(4)
    samples = {
        "fresh": fresh,
        "copies": training,
        "mode dropped": real(240, 3)[:120],
        "noise": fresh + 3 * rng.normal(size=fresh.shape),
        "one point": np.tile(fresh[:1], (120, 1)),
        "every row twice": np.repeat(fresh[:60], 2, axis=0),
    }
    return samples[case], training, held_out


@pytest.mark.parametrize("case", DIRECTIONS)
def test_what_is_wrong_moves_a_measure_in_the_right_direction(case: str) -> None:
    good, bad = planted("fresh"), planted(case)
    for name, direction in DIRECTIONS[case].items():
        before, after = MEASURES[name](*good), MEASURES[name](*bad)
        assert (after - before) * direction > 0, f"{name}: {before} -> {after}"


@pytest.mark.parametrize("case", ["copies", "one point", "every row twice"])
@pytest.mark.parametrize("name", MEASURES)
def test_duplicates_give_a_value(name: str, case: str) -> None:
    assert not np.isnan(MEASURES[name](*planted(case)))


@pytest.mark.parametrize("name", MEASURES)
def test_constant_features_and_fewer_rows_than_dimensions_give_a_value(name: str) -> None:
    constant = [
        np.concatenate((part, np.full((len(part), 2), 7.5)), 1) for part in planted("fresh")
    ]
    assert np.isfinite(MEASURES[name](*constant))
    if name != "frechet infinity":  # which needs more rows than dimensions
        few = [real(30, seed, 50) for seed in range(3)]
        assert np.isfinite(MEASURES[name](*few))
    if name != "memorization rate":  # which needs two distinct training rows
        same = [np.ones((30, 3), np.float32)] * 3
        assert not np.isnan(MEASURES[name](*same))


@pytest.mark.parametrize("n", [0, 1, 2])
@pytest.mark.parametrize("name", MEASURES)
def test_next_to_no_rows_give_a_value_or_an_error_that_says_so(name: str, n: int) -> None:
    rows = real(30, 0)
    for which in range(3):
        sets = [rows, rows, rows]
        sets[which] = rows[:n]
        try:
            value = MEASURES[name](*sets)
        except ValueError as error:
            message = str(error)
        else:
            message = "" if not np.isnan(value) else "NaN"
        assert not message or (": found " in message and "\n" not in message), message


@pytest.mark.parametrize("name", MEASURES)
def test_values_that_are_not_finite_are_refused(name: str) -> None:
    rows = real(30, 0)
    bad = rows.copy()
    bad[3, 2] = np.nan
    with pytest.raises(ValueError, match="found values that are not finite"):
        MEASURES[name](bad, rows, rows)


@pytest.mark.parametrize("name", sorted(set(MEASURES) - DRAWS - {"fld"}))
def test_the_order_of_rows_does_not_matter(name: str) -> None:
    sets = planted("fresh")
    rng = np.random.default_rng(0)
    shuffled = [part[rng.permutation(len(part))] for part in sets]
    assert MEASURES[name](*shuffled) == pytest.approx(MEASURES[name](*sets), rel=1e-8)


@pytest.mark.parametrize("name", ["fld", *sorted(DRAWS)])
def test_the_order_of_rows_matters_to_a_draw_no_more_than_its_seed(name: str) -> None:
    sets = planted("noise")
    values = []
    for s in range(8):
        rng = np.random.default_rng(s)
        values.append(MEASURES[name](*[part[rng.permutation(len(part))] for part in sets]))
    assert np.std(values) < 0.15 * abs(np.mean(values))


@pytest.mark.parametrize("name", sorted(set(MEASURES) - DRAWS))
def test_the_size_of_blocks_does_not_matter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = planted("fresh")
    expected = MEASURES[name](*sets)
    monkeypatch.setitem(pairs.BLOCK_BYTES, "cpu", 3000)
    monkeypatch.setitem(balls.BLOCK, "cpu", 11)
    monkeypatch.setitem(candidates.ROWS, "cpu", 7)
    monkeypatch.setitem(candidates.COLUMNS, "cpu", 13)
    monkeypatch.setattr(frame, "BLOCK", 5)
    assert MEASURES[name](*sets) == pytest.approx(expected, rel=1e-8)


def test_entropy_goes_with_the_logarithm_of_the_generalization_score() -> None:
    training = real(120, 1)
    rng = np.random.default_rng(0)
    entropies, scores = [], []
    for width in (0.01, 0.03, 0.1, 0.3, 1.0):
        samples = training[rng.integers(0, 120, 120)] + width * rng.normal(size=training.shape)
        entropies.append(entropy(samples).nats)
        scores.append(np.log(generalization_score(samples, training)))
    r = correlation(np.array(entropies), np.array(scores)).r
    assert r is not None
    assert r > 0.9
