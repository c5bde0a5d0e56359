from io import StringIO

import numpy as np
from rich.console import Console

from actors.metrics.base import Sets
from actors.metrics.groups import measure
from orchestrator.comparison import print_comparison
from orchestrator.outcome import Outcome
from orchestrator.results import Result


def measured(arm: str, generator: str, training_set: np.ndarray | None) -> Result:
    samples, reference = np.random.default_rng(0).normal(size=(2, 40, 3))
    sets = Sets(samples, reference, training_set, card={"features": "pixels"})
    found = measure(sets, ("dispersion", "generalization", "frechet"))
    return Result(arm, 1, generator, list(found))


def printed(results: list[Result]) -> list[list[str]]:
    """Return the cells of the table's rows."""
    console = Console(file=StringIO(), width=120)
    print_comparison(console, Outcome("run", "finished", 0, {}, results))
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]


def test_a_generator_that_was_not_trained_has_blanks_wherever_it_stands() -> None:
    training_set = np.random.default_rng(1).normal(size=(30, 3))
    made, trained = measured("a", "old", None), measured("a", "ddpm", training_set)
    entropy = f"{trained.measure('entropy', 'training_set').value:.2f}"  # type: ignore[union-attr]
    score = f"{trained.measure('generalization_score').value:.2f}"  # type: ignore[union-attr]
    frechet = f"{made.measure('frechet_distance').value:.2f}"  # type: ignore[union-attr]
    assert printed([made, trained]) == [["1", "a", entropy, "", score, frechet, frechet]]
    assert printed([trained, made]) == [["1", "a", entropy, score, "", frechet, frechet]]
    assert printed([made]) == [["1", "a", "", "", frechet]]


def test_more_than_two_generators_are_told_in_rows() -> None:
    training_set = np.random.default_rng(1).normal(size=(30, 3))
    names = ["ddpm", "edm", "flow"]
    rows = printed([measured(arm, name, training_set) for arm in "ab" for name in names])
    assert [row[3] for row in rows] == names * 2
    assert [row[1] for row in rows] == ["a", "", "", "b", "", ""]
    assert all(len(row) == 6 and row[4] and row[5] for row in rows)


def test_generators_that_share_a_training_set_show_its_entropy_once() -> None:
    training_set = np.random.default_rng(1).normal(size=(30, 3))
    results = [measured("a", name, training_set) for name in ("ddpm", "edm")]
    entropy = results[0].measure("entropy", "training_set")
    assert entropy is not None
    ((_, _, cell, *_),) = printed(results)
    assert cell == f"{entropy.value:.2f}"


def test_arms_that_differ_in_their_seed_only_are_one_row_with_means() -> None:
    sets = [np.random.default_rng(seed).normal(size=(30, 3)) for seed in (1, 2)]
    results = [measured(f"a_{seed}", "ddpm", sets[seed]) for seed in (0, 1)]
    console = Console(file=StringIO(), width=120)
    print_comparison(
        console, Outcome("run", "finished", 0, {f"a_{s}": {"seed": s} for s in (0, 1)}, results)
    )
    entropies = [result.measure("entropy", "training_set") for result in results]
    mean = np.mean([entropy.value for entropy in entropies if entropy])
    assert isinstance(console.file, StringIO)
    (row,) = [line for line in console.file.getvalue().splitlines() if "│" in line]
    assert [cell.strip() for cell in row.split("│")[2:4]] == ["a", f"{mean:.2f}"]
