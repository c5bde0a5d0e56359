import re
from dataclasses import replace
from io import StringIO

import numpy as np
import optuna
import pytest
from rich.console import Console
from scipy import stats

from actors.metrics.base import Measure
from actors.pool.storage import Storage
from orchestrator.analysis.ranking import front, rank
from orchestrator.analysis.records import records
from orchestrator.analysis.sentences import best_of
from orchestrator.outcome import (
    Outcome,
    Sweep,
    read_sweep,
    trial_folder,
    write_outcome,
    write_sweep,
)
from orchestrator.report import render
from orchestrator.report.findings import finding
from orchestrator.results import Result
from orchestrator.sweep.table import best_line, print_table
from tests.orchestrator.report.samples import result, sweep

THREE = {"0.2": [9.0, 5.0, 7.0], "0.5": [4.0, 2.0, 3.1], "0.8": [7.2, 4.1, 6.5]}


def resized(found: Sweep, ratio: str, n: int) -> Sweep:
    """Return the sweep with other numbers of rows measured at a ratio."""

    def at(trial: Outcome) -> Outcome:
        if trial.point["selection.ratio"] != ratio:
            return trial
        results = [
            replace(one, measures=[replace(m, n=n) for m in one.measures]) for one in trial.results
        ]
        return replace(trial, results=results)

    return replace(found, trials=[at(trial) for trial in found.trials])


def test_the_best_point_is_that_of_the_mean_over_seeds_and_leads_by_the_paired_difference() -> None:
    ranking = rank(sweep(THREE), "frechet_distance")
    assert [one.name for one in ranking.places] == ["ratio=0.5", "ratio=0.8", "ratio=0.2"]
    assert ranking.best is not None
    assert ranking.best.interval.mean == pytest.approx(np.mean(THREE["0.5"]))
    expected = stats.ttest_rel(THREE["0.5"], THREE["0.8"]).confidence_interval()
    assert ranking.lead is not None
    assert (ranking.lead.low, ranking.lead.high) == pytest.approx((expected.low, expected.high))
    assert "the first differs from the next" in best_of(ranking)
    highest = rank(
        replace(sweep(THREE), objectives={"frechet_distance": "max"}), "frechet_distance"
    )
    assert [one.name for one in highest.places] == ["ratio=0.2", "ratio=0.8", "ratio=0.5"]


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_sweep_of_fewer_than_three_seeds_has_numbers_and_no_verdict(seeds: int) -> None:
    found = sweep({"0.2": [9.0, 9.1][:seeds], "0.5": [4.0, 4.1][:seeds], "0.8": [7.0, 7.1][:seeds]})
    text = finding(found, records(found))
    assert "no verdict" in text
    assert not re.search(r"differs from|does not clearly differ|overlap", text)


def test_points_of_other_cards_are_never_ranked_and_named_with_what_differs() -> None:
    found = resized(sweep(THREE), "0.5", 51)
    ranking = rank(found, "frechet_distance")
    assert [one.name for one in ranking.places] == ["ratio=0.8", "ratio=0.2"]
    assert ranking.apart == {"ratio=0.5": "n 51"}
    assert "not compared: ratio=0.5 (n 51)" in best_of(ranking)
    none = resized(resized(found, "0.2", 20), "0.8", 80)
    ranking = rank(none, "frechet_distance")
    assert ranking.best is None
    assert ranking.places == []
    assert ranking.apart.keys() == {"ratio=0.2", "ratio=0.5", "ratio=0.8"}
    assert "no best Fréchet distance" in best_of(ranking)


def test_points_that_did_not_end_with_every_seed_are_not_ranked() -> None:
    found = sweep({**THREE, "0.9": [0.0, 0.0, 0.0], "1.0": [0.1, 0.1]})
    trials = [replace(t, status="stopped") if t.id == "0.9-seed1" else t for t in found.trials]
    ranking = rank(replace(found, trials=trials), "frechet_distance")
    assert [one.name for one in ranking.places] == ["ratio=0.5", "ratio=0.8", "ratio=0.2"]
    assert ranking.apart == {"ratio=0.9": "stopped", "ratio=1.0": "no value with seed 2"}


def test_a_point_of_several_generators_has_their_mean_and_all_of_its_values_or_none() -> None:
    def two(ratio: str, first: float, second: float | None) -> Outcome:
        made = [result("main", 3, 1.0, 1.0, first), result("main", 3, 1.0, 1.0, 0.0)]
        made[1] = replace(made[1], generator="edm")
        made[1].measures[3] = replace(made[1].measures[3], value=second)
        point = {"selection.ratio": ratio}
        return Outcome(f"ratio={ratio}, seed 0", "finished", 0, {}, made, id=ratio, point=point)

    trials = [two("0.2", 1.0, 9.0), two("0.5", 4.0, 4.0), two("0.8", 0.0, None)]
    found = replace(sweep({"0.2": [0.0]}), trials=trials)
    ranking = rank(found, "frechet_distance")
    assert [(one.name, one.interval.mean) for one in ranking.places] == [
        ("ratio=0.5", 4.0),
        ("ratio=0.2", 5.0),
    ]
    assert ranking.apart == {"ratio=0.8": "no value with seed 0"}


def test_members_of_a_population_at_one_point_are_not_taken_for_its_seeds() -> None:
    found = sweep({"0.2": [9.0], "0.5": [4.0]})
    again = [replace(t, id=f"member-{i}-seed0") for i in (0, 1) for t in found.trials[1:]]
    members = [replace(found.trials[0], id="member-2-seed0"), *again]
    ranking = rank(replace(found, trials=members), "frechet_distance")
    assert [one.interval.n for one in ranking.places] == [1, 1, 1]
    assert ranking.places[0].name == "ratio=0.5 (member 0)"
    assert {r.series for r in records(replace(found, trials=members))} == {
        "ratio=0.5 (member 0)", "ratio=0.5 (member 1)", "ratio=0.2 (member 2)",
    }  # fmt: skip


@pytest.mark.parametrize("n", [None, 51])
def test_terminal_and_report_name_one_winner_from_the_same_stored_results(
    n: int | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    storage = Storage(str(tmp_path_factory.mktemp("store")))
    made = resized(sweep(THREE), "0.5", n) if n else sweep(THREE)
    write_sweep(storage, "sweeps/known-01234567", made)
    for trial in made.trials:
        write_outcome(storage, trial_folder("sweeps/known-01234567", trial.id), trial)
    found = read_sweep(storage, "sweeps/known-01234567")
    winner = "ratio=0.8" if n else "ratio=0.5"
    line = best_line(found)
    assert line is not None
    assert f"lowest Fréchet distance at iteration 3: {winner}," in line
    page = render(found, storage)
    assert line[1:].splitlines()[0] in finding(found, records(found))
    assert f"Lowest Fréchet distance at iteration 3: {winner}," in page
    console = Console(file=StringIO(), width=200)
    print_table(console, found)
    assert isinstance(console.file, StringIO)
    assert ("* measured on other sets" in console.file.getvalue()) == bool(n)


def trial(name: str, **measures: float) -> Outcome:
    cards = [Measure(m, "samples", v, "", "pixels", 9) for m, v in measures.items()]
    made = [Result("main", 1, "a", cards)]
    return Outcome(f"{name}, seed 0", "finished", 0, {}, made, id=name, point={"x": name})


@pytest.mark.parametrize("seed", range(5))
def test_the_front_of_two_objectives_is_that_of_optuna(seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 6, (20, 2)).astype(float)
    trials = [trial(f"x={i}", fld=one, kid=two) for i, (one, two) in enumerate(values.tolist())]
    study = optuna.create_study(directions=["minimize", "maximize"])
    study.add_trials([optuna.trial.create_trial(values=pair) for pair in values.tolist()])
    objectives = {"fld": "min", "kid": "max"}
    found = Sweep("s", "finished", ["x"], [0], objectives, 20, trials=trials)
    best = front([rank(found, name) for name in objectives])
    assert {*best} == {f"x={one.number}" for one in study.best_trials}
    assert "no other is better in all: " in (best_line(found) or "")
