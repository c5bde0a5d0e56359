import pytest

from actors.errors import UserError
from orchestrator import config
from orchestrator.casting import Cast, Node, cast
from orchestrator.plan import make_plan
from tests.orchestrator.test_config import DIGITS


def cast_digits(nodes: list[Node], *overrides: tuple[str, object]) -> Cast:
    return cast(make_plan(config.load(str(DIGITS), list(overrides))), nodes)


def test_two_cpus_hold_each_generator_once_and_four_hold_them_for_each_arm() -> None:
    assert cast_digits([Node(2, 0)]).copies == 1
    assert cast_digits([Node(4, 0)]).copies == 2
    assert cast_digits([Node(2, 0), Node(2, 0)]).copies == 2
    assert cast_digits([Node(64, 0)]).copies == 2


def test_sampling_workers_are_actors_of_their_own() -> None:
    actors = cast_digits([Node(3, 0)], ("generators.ddpm.sampling.workers", 2))
    assert len(actors.generators["ddpm", 0]) == 2
    assert len(actors.generators["edm", 0]) == 1


def test_workers_that_train_and_workers_that_sample_take_the_same_room_in_turns() -> None:
    workers = [("generators.ddpm.training.workers", 2), ("generators.ddpm.sampling.workers", 3)]
    actors = cast_digits([Node(4, 0)], *workers)
    assert actors.in_turns == {"ddpm"}
    assert len(actors.generators["ddpm", 0]) == 3
    with pytest.raises(UserError, match=r"need 4 cpus together .*; allowed are 3"):
        cast_digits([Node(3, 0)], *workers)


@pytest.mark.parametrize(
    ("field", "value", "nodes", "message"),
    [
        ("cpus", 64, [Node(2, 0)], r"^generators\.ddpm\.resources\.cpus: found 64; .* up to 2,"),
        ("cpus", 3, [Node(2, 0)] * 2, r"found 3; allowed are up to 2, .* largest of 2 machines"),
        ("gpus", 1, [Node(2, 0)], r"^generators\.ddpm\.resources\.gpus: found 1; .* up to 0,"),
        ("cpus", 2, [Node(2, 0)], r"need 3 cpus together \(ddpm 2, edm 1\); allowed are 2"),
    ],
)
def test_what_cannot_be_scheduled_is_refused_with_the_numbers(
    field: str, value: float, nodes: list[Node], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        cast_digits(nodes, (f"generators.ddpm.resources.{field}", value))
