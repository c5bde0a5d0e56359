from dataclasses import replace

import pytest
from scipy import stats

from actors.errors import UserError
from actors.metrics.base import check_comparable
from orchestrator.analysis.cards import card_of
from orchestrator.analysis.records import arms_in_series, by_generator, records, summaries
from tests.orchestrator.report.samples import ROWS, configuration, result, run, sweep


def test_numbers_are_averaged_over_seeds_as_scipy_does() -> None:
    found = records(sweep({"0.5": [4.0, 5.0, 7.0]}))
    (mean,) = summaries([r for r in found if r.key == ("frechet_distance", "samples")])
    expected = stats.ttest_1samp([4.0, 5.0, 7.0], 0).confidence_interval(0.95)
    assert mean.interval.mean == pytest.approx(16 / 3)
    assert (mean.low, mean.high) == pytest.approx((expected.low, expected.high))


def test_numbers_with_different_cards_are_never_averaged() -> None:
    both = [result("main", 1, 1.0, 1.0, 1.0, n).measures[0] for n in (ROWS, 2 * ROWS)]
    with pytest.raises(UserError):
        check_comparable(*both)
    found = records(run(vanilla=ROWS)) + records(run(seed=1, vanilla=2 * ROWS))
    entropies = [r for r in found if r.key == ("entropy", "training_set")]
    vanilla = [s for s in summaries(entropies) if s.record.series == "vanilla"]
    assert sorted(s.interval.n for s in vanilla) == [1, 1, 1, 1, 2]


def test_numbers_of_different_data_sets_have_different_cards() -> None:
    card = result("main", 1, 1.0, 1.0, 1.0).measures[3]
    other = configuration(dataset={"kind": "mnist", "rows": ROWS})
    same = configuration(dataset={"kind": "digits", "rows": 5 * ROWS, "reference_rows": 9})
    assert card_of(card, configuration()) != card_of(card, other)
    assert card_of(card, configuration()) == card_of(card, same)


def test_a_fitted_space_is_the_same_over_seeds_and_another_with_other_settings_or_rows() -> None:
    def card(weights: str, components: int = 4, rows: int = ROWS) -> str:
        measure = replace(result("main", 1, 1.0, 1.0, 1.0).measures[3], extractor=weights)
        space = {"kind": "pca", "components": components}
        data = {"kind": "digits", "rows": rows}
        return card_of(measure, configuration(features=space, dataset=data))

    assert card("weights of seed 0") == card("weights of seed 1")
    assert card("w") != card("w", components=5)
    assert card("w") != card("w", rows=2 * ROWS)


def test_a_training_set_that_generators_share_is_shown_once() -> None:
    shared = [r for r in records(run()) if r.key == ("entropy", "training_set")]
    assert list(by_generator(shared)) == [""]


def test_arms_that_differ_in_their_seed_only_are_one_series() -> None:
    arms = {f"{kind}_{seed}": {"kind": kind, "seed": seed} for kind in "ab" for seed in (0, 1)}
    assert arms_in_series(arms) == {"a_0": "a", "a_1": "a", "b_0": "b", "b_1": "b"}
    assert arms_in_series({"x": {"seed": 0}, "y": {"seed": 1}}) == {"x": "x", "y": "x"}
    twice = {"x": {"kind": "a", "seed": 0}, "y": {"kind": "a", "seed": 0}}
    assert arms_in_series(twice) == {"x": "x", "y": "y"}
