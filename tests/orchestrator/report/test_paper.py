from orchestrator.analysis.records import records
from orchestrator.report.paper import Published, closest, ours, published, reasons
from tests.orchestrator.report.samples import configuration, run


def named(what: str) -> Published:
    return next(one for one in published() if one.what == what)


def test_small_scale_numbers_are_not_comparable_for_concrete_reasons() -> None:
    text = "; ".join(reasons(named("FD_DINOv2, replace, greedy"), configuration()))
    assert "dataset digits, not CIFAR-10" in text
    assert "N 64, not 32,768" in text
    assert "pixels features, not DINOv2" in text


def test_the_published_setting_is_comparable() -> None:
    full = configuration(dataset={"kind": "cifar10", "rows": 32_768}, features={"kind": "dinov2"})
    numbers = named("FD_DINOv2, replace, greedy")
    assert reasons(numbers, full) == []
    assert closest(numbers, {"small": configuration(), "full": full}) == ("full", [])
    assert reasons(named("FD_DINOv2, accumulate, greedy"), full) == [
        "paradigm replace, not accumulate"
    ]


def test_our_values_stand_at_the_iterations_of_the_paper() -> None:
    found = ours(named("FD_DINOv2, replace, greedy"), records(run()), "greedy", configuration())
    assert found == {1: [2.5], 2: [4.0], 3: [5.5]}


def test_no_number_of_the_multi_model_run_is_taken_for_the_other_generators() -> None:
    assert ours(named("FID, multi-model, EDM"), records(run()), "greedy", configuration()) == {}
