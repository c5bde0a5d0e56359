import pytest

from orchestrator.paradigms import PARADIGMS, AccumulateSubsample, Replace, selected_rows

SAMPLED = [["a1", "b1"], ["a2", "b2"]]


@pytest.mark.parametrize(
    ("kind", "candidates"),
    [
        ("replace", ["a2", "b2"]),
        ("accumulate", ["real", "a1", "b1", "a2", "b2"]),
        ("accumulate_subsample", ["real", "a1", "b1", "a2", "b2"]),
    ],
)
def test_candidates_after_two_iterations_of_two_generators(
    kind: str, candidates: list[str]
) -> None:
    paradigm = PARADIGMS[kind].model_validate({"kind": kind})
    assert paradigm.candidates("real", SAMPLED) == candidates
    rows = paradigm.candidate_rows(real=100, sampled=30, iteration=2)
    assert rows == sum(100 if step == "real" else 15 for step in candidates)


def test_rows_selected_follow_the_ratio_except_where_the_paradigm_fixes_them() -> None:
    replace, subsample = Replace(), AccumulateSubsample()
    assert selected_rows(replace, 1024, 0.5, real=512) == 512
    assert selected_rows(replace, 1024, None, real=512) == 1024
    assert selected_rows(replace, 5, 0.5, real=9) == 3
    assert selected_rows(subsample, 4096, None, real=512) == 512
