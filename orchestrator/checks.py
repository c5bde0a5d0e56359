"""Checks of an experiment as a whole: what its fields ask of each other.

Each raises ValueError, "field: what was found; what is allowed".
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from actors.data.dataset import fresh_available
from actors.errors import UserError
from actors.features import weights
from actors.metrics.groups import GROUPS
from actors.pool.schema import FRESH, REAL
from orchestrator.alarms import lowered
from orchestrator.candidates import (
    Arrival,
    arrivals,
    candidates_for,
    check_limits,
    real_rows,
)

if TYPE_CHECKING:
    from orchestrator.config import Experiment


def check(experiment: Experiment, *, whole: bool) -> None:
    """Raise ValueError at the first thing that does not fit the rest.

    Args:
        whole: False for the experiment as it is at a single iteration.
    """
    for rule in (names, images, features, labels, measures, fresh, alarms, changes, rows):
        rule(experiment)
    if whole:
        samples(experiment)


def names(experiment: Experiment) -> None:
    """Fields that name generators and sources."""
    reserved = {REAL, FRESH} & set(experiment.generators)
    if reserved:
        raise ValueError(f"generators: {reserved.pop()!r} is the name of a source of real rows")
    generators = list(experiment.generators)
    trained = list(experiment.trained)
    for name in experiment.weights:
        _known("weights", name, generators)
    for name in experiment.training_sets:
        _known("training_sets", name, trained)
    for field in ("quota", "cap"):
        for name in getattr(experiment, field):
            _known(field, name, [REAL, FRESH, *generators])
    for alarm, entry in experiment.alarms.items():
        if entry.generator is not None:
            _known(f"alarms.{alarm}.generator", entry.generator, trained)
    if experiment.weights:
        missing = [name for name in generators if name not in experiment.weights]
        if missing:
            raise ValueError(
                f"weights.{missing[0]}: missing; a weight must be given for every generator"
            )
        if not sum(experiment.weights.values()):
            raise ValueError("weights: found a sum of 0; allowed is at least one above 0")
    for field, method in (
        ("selection", experiment.selection),
        *(
            (f"training_sets.{name}.selection", training_set.selection)
            for name, training_set in experiment.training_sets.items()
        ),
    ):
        if method and method.needed_column:
            raise ValueError(
                f"{field}.quality: found {method.needed_column!r}, but the pool has no such "
                "column; allowed is 'density'"
            )


def _known(field: str, name: str, allowed: Collection[str]) -> None:
    if name not in allowed:
        near = difflib.get_close_matches(name, allowed, 1)
        hint = f" did you mean {near[0]}?" if near else ""
        raise ValueError(f"{field}: found {name!r};{hint} allowed are {', '.join(allowed)}")


def images(experiment: Experiment) -> None:
    """Generators that cannot make the data set's images."""
    for name, generator in experiment.generators.items():
        _can_make(experiment, name, generator.sampling.rows)


def samples(experiment: Experiment) -> None:
    """Generators that have fewer images to give than all iterations take."""
    for name, generator in experiment.generators.items():
        if generator.gives_each_once:
            iterations = range(1, experiment.iterations + 1)
            total = sum(experiment.at(i).generators[name].sampling.rows for i in iterations)
            _can_make(experiment, name, total)


def _can_make(experiment: Experiment, name: str, rows: int) -> None:
    try:
        experiment.generators[name].check_images(experiment.dataset.image_shape, rows)
    except ValueError as error:
        raise ValueError(f"generators.{name}.{error}") from None


def features(experiment: Experiment) -> None:
    """Extractors that cannot read the data set's images, or whose weights are not here."""
    for field, extractor in (
        ("features", experiment.features),
        ("evaluation.features", experiment.evaluation.features),
    ):
        if extractor is None:
            continue
        try:
            extractor.check_images(experiment.dataset.image_shape, experiment.dataset.rows)
            weights.check(extractor)
        except ValueError as error:
            raise ValueError(f"{field}.{error}") from None
        if extractor.execution.get("device") == "cuda" and not experiment.resources.features.gpus:
            raise ValueError(
                f"{field}.device: found 'cuda', but resources.features.gpus is 0; allowed are "
                "'cpu' and null"
            )


def idle_resources(experiments: Sequence[Experiment]) -> None:
    """Raise UserError for GPUs and shards that no step of any of some arms or points can use."""
    spaces = [space for each in experiments for space in (each.features, each.measured_in)]
    every = [each.at(first) for each in experiments for first in (1, *each.changes)]
    methods = [each.method_for(name) for each in every for name in (None, *each.generators)]
    selects = f"selection.kind {', '.join(dict.fromkeys(repr(m.kind) for m in methods))}"
    idle = {"pool": "real data is read without"}
    if not any(space.can_use_gpu for space in spaces):
        idle["features"] = f"{', '.join(sorted({space.kind for space in spaces}))} can use none"
    if not any(method.on_gpu for method in methods):
        idle["selection"] = f"{selects} cannot use a GPU"
    for experiment in experiments:
        for room, why in idle.items():
            if given := getattr(experiment.resources, room).gpus:
                raise UserError(f"resources.{room}.gpus: found {given:g}, but {why}; allowed is 0")
        shards = experiment.resources.selection.shards
        if shards > 1 and not any(method.over_shards for method in methods):
            raise UserError(
                f"resources.selection.shards: found {shards}, but {selects} does not select over "
                "shards; allowed is 1"
            )


def labels(experiment: Experiment) -> None:
    """Class-conditional generators whose training sets would lack labels."""
    generators = experiment.generators
    conditional = [name for name, entry in generators.items() if entry.conditional]
    if conditional and experiment.dataset.classes is None:
        raise ValueError(
            f"generators.{conditional[0]}.labels: dataset {experiment.dataset.kind!r} has no "
            "labels; allowed is false"
        )
    without = [name for name, entry in generators.items() if not entry.conditional]
    if conditional and without and experiment.iterations > 1:
        raise ValueError(
            f"generators.{conditional[0]}.labels: generator {without[0]!r} samples into the "
            "same pool without labels; allowed is true for all or for none"
        )


def measures(experiment: Experiment) -> None:
    """Measures that something else needs."""
    taken = experiment.evaluation.measures
    for group, entry in GROUPS.items():
        watching = [n for n, alarm in experiment.alarms.items() if alarm.metric in entry.metrics]
        if group not in taken and (entry.required or watching):
            why = "the closing table shows" if entry.required else f"alarms.{watching[0]} watches"
            raise ValueError(f"evaluation.measures: {group!r} is left out, which {why}")


def fresh(experiment: Experiment) -> None:
    """Fresh rows that there are not."""
    schedule, rounds = experiment.fresh, experiment.iterations - 1
    if len(schedule) > max(1, rounds):
        raise ValueError(
            f"fresh: found {len(schedule)} numbers; allowed are up to {rounds}, as nothing is "
            "trained on what arrives after the last iteration"
        )
    due = sum(experiment.fresh_rows(iteration) for iteration in range(1, rounds + 1))
    available = fresh_available(experiment.dataset)
    if due > available:
        raise ValueError(
            f"fresh: found {', '.join(map(str, schedule))}, {due} rows in all; allowed are "
            f"{available}, what {experiment.dataset.kind} has beside rows "
            f"{experiment.dataset.rows} and reference_rows {experiment.dataset.reference_rows}"
        )
    for name, alarm in experiment.alarms.items():
        if alarm.action.kind == "top_up":
            due += alarm.action.rows * rounds
            if due > available:
                raise ValueError(
                    f"alarms.{name}.action.rows: {alarm.action.rows} rows after each of {rounds} "
                    f"iterations may be asked for, {due} with the rest; allowed are {available}"
                )


def alarms(experiment: Experiment) -> None:
    """Alarms that could never go off, or whose action could do nothing."""
    for name, alarm in experiment.alarms.items():
        if (
            alarm.trend is not None
            and alarm.metric.subjects[0] == "training_set"
            and experiment.paradigm.kind == "accumulate"
        ):
            raise ValueError(
                f"alarms.{name}.trend: the training sets of paradigm 'accumulate' grow, and what "
                "is measured of different sizes cannot be compared; allowed is threshold"
            )
        if alarm.action.kind != "lower_ratio":
            continue
        if experiment.paradigm.fixed_rows or experiment.selection.ratio is None:
            raise ValueError(
                f"alarms.{name}.action: lower_ratio needs a selection.ratio that says how many "
                "rows are selected; found "
                + (
                    f"paradigm {experiment.paradigm.kind!r}, which always selects dataset.rows"
                    if experiment.paradigm.fixed_rows
                    else "null"
                )
            )
        if experiment.selection.ratio <= alarm.action.least:
            raise ValueError(
                f"alarms.{name}.action.least: found {alarm.action.least:g}; allowed is less than "
                f"selection.ratio, {experiment.selection.ratio:g}, as nothing would be lowered"
            )


# what an iteration may do in another way than the one before
CHANGEABLE = ("selection", "training_sets", "weights", "quota", "cap", "generators")


def changes(experiment: Experiment) -> None:
    """Changes at iterations that are not there, or of what is the same throughout a run."""
    for first, fields in experiment.changes.items():
        if not 2 <= first <= experiment.iterations:
            raise ValueError(
                f"changes: found iteration {first}; allowed are 2 to {experiment.iterations}"
            )
        for name in fields:
            if name not in CHANGEABLE:
                raise ValueError(
                    f"changes.{first}.{name}: found a field that stays as it is throughout a run; "
                    f"allowed are {', '.join(CHANGEABLE)}"
                )
        for name, block in fields.get("generators", {}).items():
            _known(f"changes.{first}.generators", name, list(experiment.generators))
            if "kind" in block and block["kind"] != experiment.generators[name].kind:
                raise ValueError(
                    f"changes.{first}.generators.{name}.kind: found {block['kind']!r}; allowed is "
                    f"{experiment.generators[name].kind!r}, as before"
                )
        experiment.at(first)


def rows(experiment: Experiment) -> None:
    """Training sets that are too small for what trains on them, or cannot be selected."""
    arrived: list[list[Arrival]] = []
    counts = {name: [experiment.dataset.rows] for name in experiment.generators}
    # what alarms may lower the ratio to: each goes off after every iteration
    lowering = {
        name: alarm.action
        for name, alarm in experiment.alarms.items()
        if alarm.action.kind == "lower_ratio"
    }
    lowest = {name: [experiment.dataset.rows] for name in experiment.generators}
    for iteration in range(1, experiment.iterations):
        arrived.append(arrivals(experiment, iteration, experiment.fresh_rows(iteration)))
        generations = experiment.paradigm.generations(real_rows(experiment), arrived)
        for name in experiment.generators:
            training_set = experiment.training_sets.get(name)
            method = experiment.method_for(name)
            ratio, own = method.ratio, training_set and training_set.selection
            if training_set and training_set.rows and own and own.ratio is not None:
                raise ValueError(
                    f"training_sets.{name}: found rows {training_set.rows} and selection.ratio "
                    f"{ratio}; allowed is one of the two"
                )
            try:
                candidates = candidates_for(
                    experiment, generations, training_set, ratio, method.trim
                )
                check_limits(experiment, candidates)
            except ValueError as error:
                raise ValueError(f"{error} (after iteration {iteration})") from None
            shards = experiment.resources.selection.shards
            if method.over_shards and shards > candidates.total:
                raise ValueError(
                    f"resources.selection.shards: found {shards}; allowed are up to "
                    f"{candidates.total}, the candidates after iteration {iteration}"
                )
            counts[name].append(candidates.rows)
            low = lowered(ratio, [*lowering.values()] * iteration)
            lowest[name].append(candidates_for(experiment, generations, training_set, low).rows)
    for name, generator in experiment.trained.items():
        least, fewest = generator.needs.rows, min(counts[name])
        if fewest < least:
            whole = counts[name][0] < least
            field = "dataset.rows" if whole else "selection.ratio"
            value = fewest if whole else experiment.method_for(name).ratio
            raise ValueError(
                f"{field}: {value} leaves {fewest} rows to train on, fewer than the "
                f"{least} that generators.{name} needs for a batch"
            )
        k = experiment.evaluation.entropy_k
        if fewest <= k:
            raise ValueError(
                f"evaluation.entropy_k: found {k}; allowed are up to {fewest - 1}, one less than "
                "the rows of a training set"
            )
        needed = max(least, k + 1)
        if min(lowest[name]) < needed:
            alarm, action = next(iter(lowering.items()))
            raise ValueError(
                f"alarms.{alarm}.action.least: found {action.least:g}, with which the ratio may "
                f"come to leave {min(lowest[name])} rows to train on; generators.{name} needs "
                f"{needed}; allowed is a larger one"
            )
