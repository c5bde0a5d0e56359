"""The oracle beside loops of numpy alone, and beside one real run."""

from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from rich.console import Console
from scipy import stats
from scipy.spatial.distance import cdist
from scipy.special import digamma, gammaln, polygamma

from actors.metrics.base import Measure
from actors.plots.figure import overview
from actors.pool.storage import Storage
from orchestrator import config
from orchestrator.oracle import Course, courses, print_oracle
from orchestrator.outcome import Outcome, read_outcome
from orchestrator.report import render
from orchestrator.report.oracle import oracle
from orchestrator.results import Result
from orchestrator.yaml_files import read_yaml
from tests.runs import ROOT, call

ROWS, ITERATIONS, DIMENSIONS = 24, 6, 16
SHIPPED = ROOT / "tune_configs" / "oracle.yaml"


def arm(changes: dict[str, Any] | None = None, **generator: Any) -> config.Experiment:
    """Return the shipped experiment as one arm, with some of it changed."""
    raw = read_yaml(str(SHIPPED))
    del raw["arms"]
    raw["generators"]["gaussian"] |= generator
    return config.validate(raw | (changes or {}))


def loop(name: str, seed: int, shrink: float = 1.0, rows: int = ROWS) -> list[Result]:
    """Return the results of a loop in numpy, whose deviation shrinks further at every fit."""
    rng = np.random.default_rng(seed)
    data = 0.15 * rng.standard_normal((rows, DIMENSIONS))
    results = []
    for iteration in range(1, ITERATIONS + 1):
        radius = np.sort(cdist(data, data), axis=1)[:, 1]
        ball = DIMENSIONS / 2 * np.log(np.pi) - gammaln(DIMENSIONS / 2 + 1)
        nats = digamma(rows) - digamma(1) + ball + DIMENSIONS * np.log(radius).mean()
        values = {"entropy": nats, "variance": data.var(axis=0, ddof=1).sum()}
        cards = [
            Measure(m, "training_set", float(v), "nats", "pixels", rows, k=1, at_floor=0)
            for m, v in values.items()
        ]
        results.append(Result(name, iteration, "gaussian", cards))
        deviation = data.var(axis=0).mean() ** 0.5 * shrink
        data = data.mean(0) + deviation * rng.standard_normal((rows, DIMENSIONS))
    return results


def printed(arms: dict[str, config.Experiment], results: list[Result]) -> list[str]:
    console = Console(file=StringIO(), width=120)
    print_oracle(console, arms, results)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def outcome(arms: dict[str, config.Experiment], results: list[Result]) -> Outcome:
    stored = {name: experiment.model_dump(mode="json") for name, experiment in arms.items()}
    return Outcome("a", "finished", 0, stored, results)


def within(course: Course, deviations: float) -> bool:
    """Whether every value lies within so many standard deviations of what is predicted."""
    n, d, steps = ROWS, DIMENSIONS, np.arange(len(course.values["variance"]))
    log = np.log(course.values["variance"] / course.values["variance"][0])
    drift = digamma((n - 1) * d / 2) - np.log(n * d / 2)
    noise = np.sqrt(steps * polygamma(1, (n - 1) * d / 2))
    assert (np.abs(log - steps * drift) <= deviations * noise + 1e-9).all()
    band = course.predicted["entropy"]
    half = (band.high - band.low) / 2 / 1.96
    return bool((np.abs(course.values["entropy"] - band.mean) <= deviations * half).all())


def test_a_loop_of_one_gaussian_is_predicted_and_one_that_shrinks_faster_is_not() -> None:
    arms = {"a": arm(), "b": arm({"seed": 1})}
    true = printed(arms, loop("a", 0) + loop("b", 1))
    assert true[0].startswith("Closed form: ")
    inside, of = true[0].split()[2:5:2]
    assert int(of) == 2 * 2 * (ITERATIONS - 1)
    assert int(inside) >= 17
    assert true[1].startswith(f"  a, iteration {ITERATIONS}: variance ")
    assert all(within(course, 5) for course in courses(arms, loop("a", 0) + loop("b", 1)))
    false = printed(arms, loop("a", 0, 0.8) + loop("b", 1, 0.8))
    assert int(false[0].split()[2]) <= 3


@pytest.mark.parametrize(
    "other",
    [
        arm(regularization=1e-3),
        arm(components=2),
        arm({"paradigm": {"kind": "accumulate"}}),
        arm({"fresh": 4}),
        arm({"selection": {"kind": "greedy"}}),
    ],
    ids=["regularization", "components", "paradigm", "fresh rows", "selection"],
)
def test_nothing_is_printed_or_drawn_where_the_closed_form_does_not_hold(
    other: config.Experiment,
) -> None:
    assert printed({"a": other}, loop("a", 0)) == []
    assert oracle(outcome({"a": other}, loop("a", 0))) == []


def test_rows_that_change_and_covariances_of_unequal_pixels_have_no_closed_form() -> None:
    changed = loop("a", 0)[:2] + loop("a", 0, rows=30)[2:]
    assert printed({"a": arm()}, changed) == []
    digits = {"dataset": {"kind": "digits", "rows": ROWS, "reference_rows": 64}}
    assert printed({"a": arm(digits, covariance="diag")}, loop("a", 0)) == []
    (course,) = courses({"a": arm(covariance="diag")}, loop("a", 0))
    assert list(course.predicted) == ["variance"]


def compared(shrink: float, seeds: int) -> tuple[list[str], dict[str, float]]:
    """Return what is printed of random arms and of others that shrink, and their last entropies."""
    arms, results = {"alone": arm({"seed": 99})}, loop("alone", 99)
    for seed in range(seeds):
        arms |= {
            f"random_{seed}": arm({"seed": seed}),
            f"gist_{seed}": arm({"seed": seed, "selection": {"kind": "gist"}}),
        }
        results += loop(f"random_{seed}", seed) + loop(f"gist_{seed}", seed + 50, shrink)
    ends = {c.arm: float(c.values["entropy"][-1]) for c in courses(arms, results)}
    return printed(arms, results), ends


def test_a_selection_that_makes_dispersion_worse_is_reported_so_over_three_seeds() -> None:
    lines, ends = compared(0.7, 3)
    assert any(
        line.startswith(
            f"gist_1 at iteration {ITERATIONS}: entropy {ends['gist_1']:.3g} nats against "
            f"{ends['random_1']:.3g}, variance "
        )
        and line.endswith(" with random_1.")
        for line in lines
    )
    expected = stats.ttest_rel(*([ends[f"{k}_{i}"] for i in range(3)] for k in ("gist", "random")))
    low, high = expected.confidence_interval()
    mean = np.mean([ends[f"gist_{i}"] - ends[f"random_{i}"] for i in range(3)])
    assert expected.pvalue < 0.05
    assert lines[-1].startswith(
        "gist against random, paired over 3 seeds: entropy "
        f"{mean:.3g} nats (95 % {low:.3g} to {high:.3g}), worse; variance "
    )
    assert "not distinguished" in compared(1.0, 3)[0][-1]


def test_fewer_than_three_seeds_of_a_selection_give_no_verdict() -> None:
    for seeds, words in ((1, "1 seed"), (2, "2 seeds")):
        assert compared(0.5, seeds)[0][-1] == f"gist against random: {words}, no verdict."


def change(result: Result, **fields: Any) -> None:
    """Give the entropy of a result's training set other fields."""
    entropy = result.measure("entropy", "training_set")
    assert entropy is not None
    result.measures[result.measures.index(entropy)] = replace(entropy, **fields)


def test_a_training_set_with_copies_has_no_closed_form_of_its_entropy() -> None:
    results = loop("a", 0)
    change(results[-1], at_floor=2)
    (course,) = courses({"a": arm()}, results)
    assert list(course.predicted) == ["variance"]


def test_iterations_whose_entropy_could_not_be_taken_are_left_out() -> None:
    results = loop("a", 0)
    change(results[-1], value=None)
    (course,) = courses({"a": arm()}, results)
    assert len(course.values["entropy"]) == ITERATIONS - 1


def test_the_figure_is_a_picture_with_every_arm(tmp_path: Path) -> None:
    arms = {"random": arm(), "gist": arm({"selection": {"kind": "gist"}})}
    run = outcome(arms, loop("random", 0) + loop("gist", 0, 0.7))
    figures = oracle(run)
    (tmp_path / "oracle").write_bytes(overview([[figure] for figure in figures], "oracle"))
    with Image.open(tmp_path / "oracle") as picture:
        assert picture.format == "PNG"
        assert picture.width > 1000
    for figure, metric in zip(figures, ("variance", "entropy"), strict=True):
        assert list(figure.legend)[:2] == ["random", "gist"]
        measured = [row["value"] for row in figure.rows if row["series"] == "gist"]
        (gist,) = [course for course in courses(arms, run.results) if course.arm == "gist"]
        assert measured == gist.values[metric].tolist()
    page = render(run, Storage(str(tmp_path)))
    assert "Dispersion beside the closed form" in page
    assert f"gist at iteration {ITERATIONS}: entropy" in page


def test_a_real_run_does_what_the_closed_form_says(tmp_path: Path) -> None:
    store, file = tmp_path / "store", tmp_path / "oracle.yaml"
    raw = read_yaml(str(SHIPPED))
    raw |= {"iterations": ITERATIONS, "arms": {"zero": {"seed": 0}, "one": {"seed": 1}}}
    file.write_text(yaml.safe_dump(raw, sort_keys=False))
    done = call("run", str(file), "--store", str(store))
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = store.glob("experiments/*")
    outcome = read_outcome(Storage(str(store)), f"experiments/{folder.name}")
    arms = {name: config.validate(value) for name, value in outcome.arms.items()}
    found = courses(arms, outcome.results)
    assert {course.arm for course in found} == {"zero", "one"}
    assert all(len(course.values["entropy"]) == ITERATIONS for course in found)
    assert all(within(course, 5) for course in found)
