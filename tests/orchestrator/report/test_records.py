import pytest
from scipy import stats

from actors.errors import UserError
from actors.evaluation.measures import Measure, check_comparable
from orchestrator.report.findings import finding, standings
from orchestrator.report.records import by_generator, card_of, records, summaries
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
        check_comparable(*(Measure(**one) for one in both))
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


def test_a_training_set_that_generators_share_is_shown_once() -> None:
    shared = [r for r in records(run()) if r.key == ("entropy", "training_set")]
    assert list(by_generator(shared)) == [""]


def test_the_finding_of_a_run_ranks_the_arms_by_their_entropy() -> None:
    told = finding(run(), records(run()))
    assert "Under vanilla, training-set entropy fell from 16 to 8 nats" in told
    assert "greedy ends 7.5 nats above it" in told
    assert "13 under vanilla, 5.5 under greedy" in told


def test_the_finding_does_not_rank_arms_that_were_measured_on_other_sets() -> None:
    told = finding(run(greedy=7), records(run(greedy=7)))
    assert "are not compared" in told
    assert "above" not in told


def test_the_finding_of_a_sweep_names_the_optimum_and_whether_it_is_inside() -> None:
    inside = sweep({"0.2": [9.0, 9.1], "0.5": [4.0, 4.1], "0.8": [7.0, 7.1]})
    told = finding(inside, records(inside))
    assert "ratio 0.5, 4.05" in told
    assert "inside the range" in told
    edge = sweep({"0.2": [1.0], "0.5": [4.0], "0.8": [7.0]})
    assert "at the edge of the range" in finding(edge, records(edge))


def test_standings_have_the_best_point_first() -> None:
    found = records(sweep({"0.2": [9.0], "0.5": [4.0], "0.8": [7.0]}))
    assert [
        one.point["selection.ratio"] for one in standings(found, "frechet_distance", "min")
    ] == [
        "0.5",
        "0.8",
        "0.2",
    ]
