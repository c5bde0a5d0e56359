"""Points whose sets differ in size are measured on equally many rows also, and compared by those.

It is known when a sweep is planned how many rows the smallest set of any point has.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from actors.errors import UserError
from actors.features import FittedExtractor
from actors.metrics.base import SETS, Metric
from actors.metrics.equal_rows import AT_EQUAL_N
from orchestrator.analysis import words
from orchestrator.analysis.cards import NOT_OF_CARD
from orchestrator.config import Experiment
from orchestrator.planning import make_plan
from orchestrator.schema import merge
from orchestrator.steps import rows_of
from orchestrator.sweep.config import SweepConfig
from orchestrator.sweep.metrics import known_metrics
from orchestrator.sweep.space import Point, grid

# rows of each set at each iteration, over generators
Sizes = dict[str, dict[int, frozenset[int]]]


def on_equal_rows(sweep: SweepConfig) -> SweepConfig:
    """Return the sweep with the rows that its points are also measured on, and compared by.

    Raises:
        UserError: no point will have an objective, or Ray Tune would rank points by values of it
            that cannot be compared.
    """
    experiments = [sweep.at(point, sweep.repeat.seeds[0]) for point in points_of(sweep)]
    fewest, differ = fewest_rows([sizes_of(experiment) for experiment in experiments])
    given = experiments[0].evaluation.equal_rows
    for name, rows in given.items():
        if rows > fewest.get(name, rows):
            raise UserError(
                f"experiment.evaluation.equal_rows.{name}: found {rows}; allowed are up to "
                f"{fewest[name]}, the fewest that a point has"
            )
    equal_rows = {name: fewest[name] for name in differ} | given
    fields = {"evaluation": {"equal_rows": equal_rows}}
    sweep = sweep.model_copy(update={"experiment": merge(Experiment, sweep.experiment, fields)})
    known = known_metrics(sweep.at(sweep.any_point(), 0).evaluation)
    objectives = {}
    for name, mode in sweep.objectives.items():
        if name not in known:
            raise UserError(f"objectives.{name}: no measure; allowed are {', '.join(known)}")
        if sweep.scheduler.kind != "fifo" or sweep.search.kind == "optuna":
            _check_ranked(sweep, name, known[name], experiments)
        # one that is of equal rows already is not in there twice
        equal = known[name] & differ and name + AT_EQUAL_N in known
        objectives[name + AT_EQUAL_N if equal else name] = mode
    return sweep.model_copy(update={"objectives": objectives})


def points_of(sweep: SweepConfig) -> list[Point]:
    """Return the points of a sweep; where they are not known, those at the ends of their ranges.

    Of an axis that changes no number of rows, wherever the others begin, one end will do.
    """
    known = sweep.points()
    if known and sweep.scheduler.kind != "pbt":
        return known
    seed = sweep.repeat.seeds[0]
    first = sweep.any_point()
    begin = _determining(sweep.at(first, seed))
    changing = {
        field: axis
        for field, axis in sweep.space.items()
        if any(_determining(sweep.at({**first, field: e}, seed)) != begin for e in axis.ends())
    }
    return [{**first, **point} for point in grid(changing)]


def _determining(experiment: Experiment) -> str:
    """Return what decides how many rows sets have, and what they are measured in, as text."""
    config = experiment.model_dump(
        mode="json",
        include={
            "iterations", "dataset", "fresh", "paradigm", "weights", "features", "selection",
            "training_sets", "evaluation", "changes", "alarms",
        },
    )  # fmt: skip
    rows = {name: generator.sampling.rows for name, generator in experiment.generators.items()}
    return json.dumps([config, rows], sort_keys=True)


def sizes_of(experiment: Experiment) -> Sizes:
    """Return how many rows the sets have that an experiment measures, alarms left out."""
    plan = make_plan(experiment)
    every: dict[str, dict[int, set[int]]] = {name: {} for name in SETS}
    for (arm, iteration, generator), step in plan.evaluations.items():
        sizes = {
            "samples": rows_of(plan.steps[step.inputs["samples"][0]].step),
            "reference": experiment.dataset.reference_rows,
        }
        if iteration > 1:
            sizes["real"] = experiment.dataset.rows
        if "training_set" in step.inputs:
            (selected,) = step.inputs["training_set"]
            selected_sets = plan.training_sets
            sizes["training_set"] = next(
                training_set.candidates.rows
                for whose in (generator, None)
                if (training_set := selected_sets.get((arm, iteration, whose)))
                and training_set.select.path == selected
            )
        for name, rows in sizes.items():
            every[name].setdefault(iteration, set()).add(rows)
    return {name: {i: frozenset(rows) for i, rows in at.items()} for name, at in every.items()}


def fewest_rows(points: Iterable[Sizes]) -> tuple[dict[str, int], set[str]]:
    """Return the fewest rows of each set, and the sets that differ between points."""
    fewest: dict[str, int] = {}
    at: dict[tuple[str, int], frozenset[int]] = {}
    differ = set()
    for sizes in points:
        for name, by_iteration in sizes.items():
            for iteration, rows in by_iteration.items():
                fewest[name] = min(fewest.get(name, min(rows)), *rows)
                if at.setdefault((name, iteration), rows) != rows:
                    differ.add(name)
    return fewest, differ


def _check_ranked(
    sweep: SweepConfig, name: str, sets: set[str], experiments: list[Experiment]
) -> None:
    """Raise UserError where values of an objective cannot be compared while the sweep runs."""
    which = f"scheduler {sweep.scheduler.kind!r}"
    if sweep.scheduler.kind == "fifo":
        which = f"search {sweep.search.kind!r}"
    metric = words.entry(words.key_of(name)[0])
    cards = list(dict.fromkeys(_card(experiment, metric) for experiment in experiments))
    if len(cards) > 1:
        raise UserError(
            f"objectives.{name}: found points that are measured otherwise than others, {cards[0]} "
            f"and {cards[1]}, but {which} compares all of them; allowed are equal ones (see "
            "evaluation.features), or scheduler 'fifo' with search 'grid' or 'random'"
        )
    for alarm, settings in experiments[0].alarms.items():
        if settings.action.kind == "lower_ratio" and "training_set" in sets:
            raise UserError(
                f"objectives.{name}: depends on the rows of training sets, which "
                f"alarms.{alarm}.action may lower below any number, but {which} compares all "
                "points; allowed are other actions, or scheduler 'fifo' with search 'grid' or "
                "'random'"
            )


def _card(experiment: Experiment, metric: Metric) -> str:
    """Return what of a card is known before anything is measured, but for numbers of rows."""
    space: Mapping[str, Any] = experiment.measured_in.identity
    dataset = experiment.dataset.model_dump(mode="json", exclude_defaults=True)
    is_fitted = isinstance(experiment.measured_in, FittedExtractor)
    fitted = {"fitted_rows": experiment.dataset.rows} if is_fitted else {}
    card = {
        **space,
        **fitted,
        **({"entropy_k": experiment.evaluation.entropy_k} if metric.takes_k else {}),
        "dataset": {k: v for k, v in dataset.items() if k not in NOT_OF_CARD},
    }
    return json.dumps(card)
