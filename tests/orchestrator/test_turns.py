from collections import Counter

from actors.pool.step import Step
from orchestrator.turns import Turns


def train(number: int) -> Step:
    return Step("train", "generator", {"number": number}, {})


def sample(trained: Step) -> Step:
    return Step("sample", "generator", {}, {"checkpoint": (trained.path,)})


def test_models_are_spread_evenly_over_the_copies_of_each_generator() -> None:
    turns = Turns(3)
    for generator in ("ddpm", "edm"):
        given = Counter(turns.copy(generator, train(i)) for i in range(9))
        assert given == {0: 3, 1: 3, 2: 3}


def test_a_copy_that_is_done_early_is_given_the_next_model() -> None:
    turns = Turns(2)
    assert [turns.copy("ddpm", train(i)) for i in range(2)] == [0, 1]
    turns.done("ddpm", sample(train(1)))
    assert turns.copy("ddpm", train(2)) == 1


def test_of_copies_with_as_many_models_the_one_that_began_first_is_given_the_next() -> None:
    turns = Turns(2)
    assert [turns.copy("ddpm", train(i)) for i in range(3)] == [0, 1, 0]
    turns.done("ddpm", sample(train(0)))
    assert turns.copy("ddpm", train(3)) == 1


def test_a_sampling_goes_with_its_training_and_what_is_asked_again_goes_where_it_went() -> None:
    turns = Turns(2)
    trainings = [train(i) for i in range(5)]
    copies = [turns.copy("ddpm", one) for one in trainings]
    turns.done("ddpm", sample(trainings[0]))
    assert [turns.copy("ddpm", sample(one)) for one in trainings] == copies
    assert [turns.copy("ddpm", one) for one in trainings] == copies == [0, 1, 0, 1, 0]
