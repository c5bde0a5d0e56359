"""The configuration of a sweep, and the experiment at each of its points."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from actors.config import Config, tagged_union
from actors.errors import UserError
from orchestrator import checks, schema
from orchestrator.config import Experiment, Name, validate
from orchestrator.identity import identity, key
from orchestrator.schema import assign, merge
from orchestrator.sweep.space import Point, Space, grid, label_of, random_points, size
from orchestrator.yaml_files import read_yaml

# what the seeds of every point may be: a number of them, or which
Seeds = Annotated[
    tuple[Annotated[int, Field(ge=0)], ...],
    BeforeValidator(lambda given: tuple(range(given)) if isinstance(given, int) else given),
]
# what a point is: a sweep has points in the place of arms, and says itself which seeds they have
ONE_ARM = {"arms": {}, "seeds": 1}


class Grid(Config):
    """Every combination of values."""

    kind: Literal["grid"] = "grid"


class Random(Config):
    """Points drawn at random."""

    kind: Literal["random"]
    points: int = Field(ge=1, description="points drawn")
    seed: int = Field(0, ge=0, description="of which points are tried")


class Optuna(Config):
    """Points that Optuna suggests from what came out of the ones before."""

    kind: Literal["optuna"]
    points: int = Field(ge=1, description="points tried")
    seed: int = Field(0, ge=0, description="of which points are tried")


class Fifo(Config):
    """Every point runs to its end."""

    kind: Literal["fifo"] = "fifo"


class Asha(Config):
    """Points that fall behind at an iteration are stopped (Li et al., MLSys 2020)."""

    kind: Literal["asha"]
    grace_iterations: int = Field(1, ge=1, description="iterations that every point is given")
    reduction_factor: float = Field(2, gt=1, description="one in so many goes on")


class Pbt(Config):
    """The worst points take over what the best have come to, with a field changed
    (Jaderberg et al., 2017)."""

    kind: Literal["pbt"]
    interval: int = Field(1, ge=1, description="iterations between changes")
    quantile: float = Field(0.25, gt=0, le=0.5, description="share of points that take over")
    seed: int = Field(0, ge=0, description="of which take over what, and what is changed")


SEARCHES: dict[str, type[Config]] = {"grid": Grid, "random": Random, "optuna": Optuna}
SCHEDULERS: dict[str, type[Config]] = {"fifo": Fifo, "asha": Asha, "pbt": Pbt}

if TYPE_CHECKING:
    Search = Grid | Random | Optuna
    Scheduler = Fifo | Asha | Pbt
else:
    Search = tagged_union(SEARCHES)
    Scheduler = tagged_union(SCHEDULERS)


class Repeat(Config):
    """Which seeds every point is repeated with."""

    seeds: Seeds = Field((0,), min_length=1, description="of each point, or how many")


class Limits(Config):
    """When a sweep starts nothing more and stops what runs."""

    max_concurrent: int | None = Field(None, ge=1, description="points at once; null: as fit")
    hours: float | None = Field(None, gt=0, description="hours from the start")
    cpu_hours: float | None = Field(None, gt=0, description="hours x CPUs that steps took")
    gpu_hours: float | None = Field(None, gt=0, description="hours x GPUs that steps took")


class SweepConfig(Config):
    """One validated sweep."""

    name: Name = Field(description="of the sweep, by which it is found")
    experiment: dict[str, Any] = Field(description="fields; `base`: a YAML file of more")
    space: Space = Field(description="values, or low and high, by the field that varies")
    repeat: Repeat = Repeat()
    search: Search = Grid()
    objectives: dict[str, Literal["min", "max"]] = Field(
        {"frechet_distance": "min"},
        description="measures at the last iteration, means over generators and seeds",
    )
    scheduler: Scheduler = Fifo()
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _consistent(self) -> SweepConfig:
        if not self.space:
            raise ValueError("space: found none; allowed is one field and more")
        ranges = [field for field, axis in self.space.items() if not axis.labels]
        if ranges and self.search.kind == "grid":
            raise ValueError(
                f"space.{ranges[0]}: found a range, but search.kind is 'grid'; allowed are values"
            )
        if not isinstance(self.search, Grid) and self.search.points > size(self.space):
            raise ValueError(
                f"search.points: found {self.search.points}; allowed are up to "
                f"{size(self.space):g}, the points that the space has"
            )
        if not self.objectives:
            raise ValueError("objectives: found none; allowed are one and more")
        if len(self.objectives) > 1 and self.search.kind != "optuna":
            raise ValueError(
                f"objectives: found {len(self.objectives)}; allowed is one, or search.kind 'optuna'"
            )
        if self.scheduler.kind == "pbt" and self.search.kind == "optuna":
            raise ValueError(
                "search.kind: found 'optuna', but scheduler 'pbt' changes points itself; allowed "
                "are 'grid' and 'random'"
            )
        if self.scheduler.kind != "fifo" and len(self.objectives) > 1:
            raise ValueError(
                f"objectives: found {len(self.objectives)}, but scheduler {self.scheduler.kind!r} "
                "compares points by one"
            )
        return self

    @cached_property
    def key(self) -> str:
        """Hash of all that decides which points there are, by which a sweep is found again."""
        value = self.model_dump(mode="json", exclude={"experiment", "limits"})
        return key({**value, "experiments": [identity(each) for each in self.experiments]})

    def points(self) -> list[Point]:
        """Return the points known beforehand; those of Optuna are not."""
        if isinstance(self.search, Random):
            return list(random_points(self.space, self.search.points, self.search.seed))
        return list(grid(self.space)) if isinstance(self.search, Grid) else []

    def point_of(self, given: dict[str, Any]) -> Point:
        """Return the point that Ray Tune gave a trial."""
        labels = given if isinstance(self.search, Optuna) else given["point"]
        return {field: labels[field] for field in self.space}

    @cached_property
    def experiments(self) -> list[Experiment]:
        """The experiments at all points, or at both ends of every axis where points are not known.

        Raises:
            UserError: a point is no valid experiment.
        """
        points = self.points() or self.ends()
        return [self.at(point, self.repeat.seeds[0]) for point in points]

    @property
    def iterations(self) -> list[int]:
        """How many iterations points have, each number once, the least first."""
        return sorted({each.iterations for each in self.experiments})

    @cached_property
    def ratio(self) -> float:
        """The largest ratio of a selection at any point: points share the orders of their rows."""
        experiments = [self.at(point, self.repeat.seeds[0]) for point in self.ends()]
        return max(e.method_for(name).ratio or 1 for e in experiments for name in e.generators)

    def any_point(self) -> Point:
        """Return a point that the space has."""
        return {field: axis.ends()[0] for field, axis in self.space.items()}

    def ends(self) -> list[Point]:
        """Return points at the ends of every axis, the other axes being where they begin."""
        first = self.any_point()
        return [{**first, field: end} for field, axis in self.space.items() for end in axis.ends()]

    def at(self, point: Point, seed: int, changes: Sequence[tuple[int, Point]] = ()) -> Experiment:
        """Return the experiment at a point.

        Args:
            changes: other points that it goes on at, each from an iteration on, over the changes
                that the experiment itself has then.

        Raises:
            UserError: a field at fault, behind the name of the point.
        """
        raw = {**merge(Experiment, self.experiment, self._fields(point)), "seed": seed, **ONE_ARM}
        experiment = validate(raw, f"{named(point)}: ")
        if not changes:
            return experiment
        changed = dict(experiment.changes)
        for first, other in changes:
            changed[first] = merge(Experiment, changed.get(first, {}), self._fields(other))
        return validate({**raw, "changes": changed}, f"{named(point)}: ")

    def _fields(self, point: Point) -> dict[str, Any]:
        """Return the fields that a point sets."""
        fields: dict[str, Any] = {}
        for axis, label in point.items():
            fields = merge(Experiment, fields, self.space[axis].fields(axis, label))
        return fields


def named(point: Point) -> str:
    """Return what a point is called, e.g. "ratio=0.4, kind=greedy"."""
    lasts = [field.rsplit(".", 1)[-1] for field in point]
    short = [
        last if lasts.count(last) == 1 else field for field, last in zip(point, lasts, strict=True)
    ]
    return ", ".join(
        f"{name}={label_of(value)}" for name, value in zip(short, point.values(), strict=True)
    )


def load(path: str, overrides: list[tuple[str, Any]]) -> SweepConfig:
    """Read a sweep and its experiment from YAML, apply overrides, and validate every point.

    Raises:
        UserError: a file or a field is at fault.
    """
    raw = read_yaml(path)
    if not isinstance(raw, dict):
        raise UserError(f"the sweep is a {type(raw).__name__}; allowed is a mapping of fields")
    raw = {**raw, "experiment": _experiment(raw.get("experiment"), Path(path).parent)}
    for dotted, value in overrides:
        raw = _override(raw, dotted, value)
    _refuse_fields_of_experiment(raw)
    sweep = schema.validate(SweepConfig, raw)
    check_points(sweep)
    return sweep


def _experiment(given: Any, folder: Path) -> Any:
    """Return the fields of a sweep's experiment: its own, laid over those of a file beside it."""
    if isinstance(given, str):
        given = {"base": given}
    if isinstance(given, dict) and isinstance(given.get("base"), str):
        base = read_yaml(str(folder / given["base"]))
        fields = {key: value for key, value in given.items() if key != "base"}
        return merge(Experiment, {**base, **ONE_ARM}, fields) if isinstance(base, dict) else base
    return given


def _override(raw: dict[str, Any], dotted: str, value: Any) -> Any:
    """Return the sweep with one field changed; axes have dots in their names."""
    block, _, field = dotted.partition(".")
    if block == "experiment" and field:
        return {**raw, block: assign(Experiment, raw.get(block), field.split("."), value)}
    if block == "space" and field:
        return {**raw, block: {**raw.get(block, {}), field: value}}
    return assign(SweepConfig, raw, dotted.split("."), value)


def _refuse_fields_of_experiment(raw: dict[str, Any]) -> None:
    """Raise UserError for a field that belongs below `experiment`."""
    for field in raw:
        if field in Experiment.model_fields and field not in SweepConfig.model_fields:
            raise UserError(
                f"{field}: a field of the experiment that is swept; give it as experiment.{field}, "
                f"on the command line --experiment.{field}"
            )


def check_points(sweep: SweepConfig) -> None:
    """Raise UserError for the first point that is no valid experiment, or does not suit the rest.

    Of ranges, whose points are not known, both ends of every axis are tried.
    """
    checks.idle_resources(sweep.experiments)
    fewest, most = sweep.iterations[0], sweep.iterations[-1]
    scheduler = sweep.scheduler
    if isinstance(scheduler, Asha) and scheduler.grace_iterations > most:
        raise UserError(
            f"scheduler.grace_iterations: found {scheduler.grace_iterations}; allowed are up to "
            f"{most}, the iterations of a point"
        )
    if isinstance(scheduler, Pbt):
        _check_population(sweep, scheduler, fewest)


def _check_population(sweep: SweepConfig, scheduler: Pbt, iterations: int) -> None:
    """Raise UserError where points cannot take over what others have come to."""
    if scheduler.interval >= iterations:
        raise UserError(
            f"scheduler.interval: found {scheduler.interval}; allowed are up to {iterations - 1}, "
            "one less than the iterations, as nothing would take over after the last"
        )
    points, most = sweep.points(), sweep.limits.max_concurrent
    if most is not None and most < len(points):
        raise UserError(
            f"limits.max_concurrent: found {most}, but the {len(points)} points of scheduler 'pbt' "
            f"wait for each other; allowed are {len(points)} and more, and null"
        )
    for end in sweep.ends():
        try:
            sweep.at(points[0], sweep.repeat.seeds[0], [(2, end)])
        except UserError as error:
            raise UserError(f"scheduler 'pbt' changes points between iterations: {error}") from None
