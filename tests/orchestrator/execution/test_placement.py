import pytest

from actors.config import Resources
from actors.errors import UserError
from orchestrator import config
from orchestrator.execution.placement import Node, check, fits, how_many
from orchestrator.planning import make_plan
from tests.orchestrator.test_config import TWO_ARMS


def check_digits(nodes: list[Node], *overrides: tuple[str, object]) -> None:
    check(make_plan(config.load(str(TWO_ARMS), list(overrides))), nodes)


def test_any_number_of_models_fits_where_one_step_of_each_does() -> None:
    raw = config.load(str(TWO_ARMS), []).model_dump(mode="json")
    forty = {f"model{i}": raw["generators"]["edm"] for i in range(40)}
    check(make_plan(config.validate({**raw, "generators": forty, "arms": {}})), [Node(1, 0)])


@pytest.mark.parametrize(
    ("overrides", "nodes", "message"),
    [
        (
            {"resources.cpus": 64},
            [Node(2, 0)],
            r"^generators\.ddpm\.resources\.cpus: found 64; .* up to 2,",
        ),
        ({"resources.cpus": 3}, [Node(2, 0)] * 2, r"up to 2, what the largest of 2 machines has"),
        (
            {"resources.gpus": 1},
            [Node(2, 0)],
            r"^generators\.ddpm\.resources\.gpus: .* up to 0,",
        ),
        (
            {"training.workers": 4},
            [Node(2, 0), Node(1, 0)],
            r"^generators\.ddpm\.training\.workers: found 4, each with 1 CPUs .* up to 3,",
        ),
    ],
)
def test_a_step_that_fits_no_machine_is_refused_with_the_numbers(
    overrides: dict[str, object], nodes: list[Node], message: str
) -> None:
    with pytest.raises(UserError, match=message) as at:
        check_digits(nodes, *((f"generators.ddpm.{k}", v) for k, v in overrides.items()))
    assert "\n" not in str(at.value)


def test_what_is_wanted_is_packed_onto_machines_and_not_onto_their_sum() -> None:
    two = Resources(cpus=2)
    assert fits([two, two], [Node(2, 0), Node(2, 0)])
    assert not fits([two, two], [Node(3, 0), Node(1, 0)])
    assert not fits([two, Resources(cpus=1, gpus=1)], [Node(2, 1)])
    # thirds add up to less than one in floating point, or more
    assert fits([Resources(cpus=1 / 3)] * 3, [Node(1, 0)])


def test_as_many_workers_fit_as_each_machine_has_room_for() -> None:
    assert how_many(Resources(cpus=2, gpus=0.5), [Node(8, 1), Node(3, 2)]) == 2 + 1
    assert how_many(Resources(cpus=0), [Node(2, 0)]) == 2
    assert how_many(Resources(cpus=0.5), [Node(2, 0)]) == 4
