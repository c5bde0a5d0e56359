import pytest

from orchestrator.paradigms import PARADIGMS

ARRIVED = [["a1", "b1"], ["a2", "b2"]]


@pytest.mark.parametrize(
    ("kind", "generations"),
    [
        ("replace", [["a2", "b2"]]),
        ("accumulate", [["real"], ["a1", "b1"], ["a2", "b2"]]),
        ("accumulate_subsample", [["real"], ["a1", "b1"], ["a2", "b2"]]),
    ],
)
def test_what_there_is_to_select_from_after_two_iterations_of_two_generators(
    kind: str, generations: list[list[str]]
) -> None:
    paradigm = PARADIGMS[kind].model_validate({"kind": kind})
    assert paradigm.generations("real", ARRIVED) == generations
