import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.special import digamma, gammaln

from actors.metrics.base import Measure, Sets
from actors.metrics.equal_rows import AT_EQUAL_N, depends_on, measure_also_on
from actors.metrics.groups import GROUPS, measure
from actors.seeds import derive_seed

GROUP = ("dispersion", "generalization", "frechet")
SUBSAMPLES = 16


def sets(rows: int, seed: int = 0, dimensions: int = 16) -> Sets:
    rng = np.random.default_rng(seed)
    samples, reference = rng.normal(size=(2, 60, dimensions)).astype(np.float32)
    training_set = rng.normal(size=(rows, dimensions)).astype(np.float32)
    return Sets(samples, reference, training_set, card={"features": "pixels"})


def taken(of: Sets, rows: dict[str, int], groups: tuple[str, ...] = GROUP) -> dict[str, Measure]:
    return {
        f"{one.subject} {one.metric}": one
        for one in measure_also_on(of, groups, rows)
        if one.metric.endswith(AT_EQUAL_N)
    }


def nats(rows: np.ndarray) -> float:
    """Return the Kozachenko-Leonenko entropy by all distances in float64."""
    n, d = rows.shape
    radius = np.sort(cdist(rows.astype(np.float64), rows.astype(np.float64)), axis=1)[:, 1]
    ball = d / 2 * np.log(np.pi) - gammaln(d / 2 + 1)
    return float(digamma(n) - digamma(1) + ball + d * np.log(radius).mean())


def test_a_measure_at_equal_n_is_the_mean_over_subsamples_by_brute_force() -> None:
    of, m = sets(60), 20
    assert isinstance(of.training_set, np.ndarray)
    found = taken(of, {"training_set": m})
    drawn = [
        of.training_set[np.random.default_rng(seed).choice(60, m, replace=False)]
        for number in range(SUBSAMPLES)
        for seed in [derive_seed(0, "equal rows", "training_set", number)]
    ]
    entropy = found[f"training_set entropy{AT_EQUAL_N}"]
    assert entropy.value == pytest.approx(np.mean([nats(part) for part in drawn]), abs=1e-6)
    assert (entropy.n, entropy.settings["subsamples"]) == (m, SUBSAMPLES)
    assert (entropy.low, entropy.high) == (None, None)
    score = found[f"samples generalization_score{AT_EQUAL_N}"]
    expected = np.mean([cdist(of.samples, part).min(1).mean() for part in drawn])
    assert score.value == pytest.approx(expected, rel=1e-6)
    assert (score.n, score.reference_n) == (60, m)


def test_sets_of_one_distribution_agree_at_equal_n_and_not_at_their_own() -> None:
    def mean(rows: int, name: str, groups: tuple[str, ...]) -> float:
        found = [
            {
                f"{one.subject} {one.metric}": one.value
                for one in measure_also_on(sets(rows, seed, 32), groups, {"training_set": 40})
            }[name]
            for seed in range(8)
        ]
        return float(np.mean(np.array(found, float)))

    for name, groups, near, far in (
        ("training_set entropy", ("dispersion",), 0.6, 1.0),
        ("samples generalization_score", ("generalization",), 0.1, 0.4),
    ):
        assert abs(mean(40, name, groups) - mean(400, name, groups)) > far
        equal = [mean(rows, name + AT_EQUAL_N, groups) for rows in (40, 400)]
        assert abs(equal[0] - equal[1]) < near
    cards = [
        one.card()
        for rows in (40, 400)
        for one in measure_also_on(sets(rows), ("dispersion",), {"training_set": 40})
        if one.metric == f"entropy{AT_EQUAL_N}"
    ]
    assert cards[0] == cards[1]


def test_a_set_with_just_as_many_rows_is_taken_whole_with_the_card_of_the_others() -> None:
    small, large = taken(sets(20), {"training_set": 20}), taken(sets(30), {"training_set": 20})
    assert {name: one.card() for name, one in small.items()} == {
        name: one.card() for name, one in large.items()
    }
    whole = {f"{one.subject} {one.metric}": one.value for one in measure(sets(20), GROUP)}
    for name, one in small.items():
        assert one.value == whole[name.removesuffix(AT_EQUAL_N)]


def test_only_what_depends_on_a_set_of_another_size_is_measured_again() -> None:
    names = taken(sets(30), {"training_set": 20}).keys()
    assert not any("frechet" in name or name.startswith("samples entropy") for name in names)
    assert {f"samples frechet_distance{AT_EQUAL_N}", f"samples entropy{AT_EQUAL_N}"} <= taken(
        sets(30), {"samples": 20}
    ).keys()
    assert taken(sets(30), {}) == {}


def test_a_set_with_fewer_rows_has_no_value_and_a_note_that_names_both_numbers() -> None:
    for one in taken(sets(15), {"training_set": 20}).values():
        assert one.value is None
        assert one.note == "training_set: found 15 rows; allowed are 20 and more"


def test_every_group_can_be_taken_and_the_same_seed_gives_the_same_values() -> None:
    rng = np.random.default_rng(0)
    samples, reference, training_set = rng.normal(size=(3, 14, 2))
    of = Sets(samples, reference, training_set, card={"features": "pixels"})
    rows = {"training_set": 12, "samples": 12, "reference": 13}
    found = taken(of, rows, tuple(GROUPS))
    assert {name.removesuffix(AT_EQUAL_N) for name in found} == {
        f"{one.subject} {one.metric}" for one in measure(of) if depends_on(one)
    }
    again = taken(of, rows)
    assert {name: found[name] for name in again} == again
