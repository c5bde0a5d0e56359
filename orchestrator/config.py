"""The configuration: one schema, read from YAML, overridden by dotted paths and by arms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    model_validator,
)

from actors.config import Config, Resources, tagged_union
from actors.data import REAL_DATA
from actors.errors import UserError
from actors.features import EXTRACTORS
from actors.generators import GENERATORS, TrainedFamily
from actors.metrics.base import SETS
from actors.metrics.groups import GROUPS
from actors.selection import METHODS
from orchestrator import checks, schema
from orchestrator.alarms import Alarm
from orchestrator.paradigms import PARADIGMS
from orchestrator.schema import assign, merge
from orchestrator.yaml_files import read_yaml

if TYPE_CHECKING:
    from actors.data import RealData as Dataset
    from actors.features import Extractor as Features
    from actors.generators import Family as Generator
    from actors.selection import Method as Selection
    from orchestrator.paradigms import Paradigm
else:
    Dataset = tagged_union(REAL_DATA)
    Paradigm = tagged_union(PARADIGMS)
    Generator = tagged_union(GENERATORS)
    Selection = tagged_union(METHODS)
    Features = tagged_union(EXTRACTORS)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def plain_name(name: str) -> str:
    """Return the name if it can be a file name anywhere, else raise ValueError."""
    if not NAME.fullmatch(name):
        raise ValueError(
            "not a plain name; allowed are up to 64 letters, digits, '.', '_' and '-', "
            "the first a letter or digit"
        )
    return name


def known_group(name: str) -> str:
    """Return the name of a group of measures, else raise ValueError."""
    if name not in GROUPS:
        raise ValueError(f"no group of measures; allowed are {', '.join(GROUPS)}")
    return name


def known_set(name: str) -> str:
    """Return the name of a set that is measured, else raise ValueError."""
    if name not in SETS:
        raise ValueError(f"no set; allowed are {', '.join(SETS)}")
    return name


Group = Annotated[str, AfterValidator(known_group)]
SetName = Annotated[str, AfterValidator(known_set)]
Name = Annotated[str, AfterValidator(plain_name)]


Share = Annotated[float, Field(ge=0, le=1)]
# one number for each iteration; a number alone is a schedule of one
Schedule = Annotated[
    tuple[Annotated[int, Field(ge=0)], ...],
    BeforeValidator(lambda given: given if isinstance(given, list | tuple) else (given,)),
]


class SelectionResources(Resources):
    """What selecting needs; of several shards each needs as much."""

    shards: int = Field(1, ge=1, description="workers that greedy selection is spread over")


class Rooms(Config):
    """What the steps need that are not of a generator: real data, features and so on."""

    pool: Resources = Resources()
    features: Resources = Resources()
    selection: SelectionResources = SelectionResources()
    evaluation: Resources = Resources()


class Evaluation(Config):
    """How generators are measured."""

    entropy_k: int = Field(1, ge=1, description="which neighbour the entropy estimate takes")
    measures: tuple[Group, ...] = Field(tuple(GROUPS), description="groups of measures to take")
    features: Features | None = Field(
        None, description="the space that is measured in; null: the one that is selected in"
    )
    equal_rows: dict[SetName, Annotated[int, Field(ge=2)]] = Field(
        default_factory=dict,
        description="rows of a set that measures are also taken on, means over subsamples",
    )
    pictures: bool = Field(True, description="draw grid, nearest neighbours and projection")

    @model_validator(mode="after")
    def _consistent(self) -> Evaluation:
        if not self.measures:
            raise ValueError("measures: found none; allowed are one and more")
        for name, rows in self.equal_rows.items():
            if name in ("training_set", "samples") and rows <= self.entropy_k:
                raise ValueError(
                    f"equal_rows.{name}: found {rows}; allowed are {self.entropy_k + 1} and more, "
                    "above entropy_k"
                )
        return self


class OwnSet(Config):
    """The training set of one generator, selected for it alone."""

    seed: int | None = Field(None, ge=0, description="of its selections; null: by its name")
    rows: int | None = Field(None, ge=1, description="rows selected, in place of a ratio")
    selection: Selection | None = Field(None, description="null: the one that all share")


class Experiment(Config):
    """One validated configuration."""

    name: Name = Field(description="of the experiment, by which its runs are found")
    seed: int = Field(0, ge=0, description="of everything random")
    seeds: int = Field(
        1, ge=1, description="times that every arm runs, with `seed` and those after it"
    )
    iterations: int = Field(ge=1, description="iterations, counted from 1")
    store: str = Field("runs", min_length=1, description="folder or pyarrow.fs URI of the pool")
    shard_rows: int | None = Field(
        None, ge=1, description="rows per shard, the unit of sampling work; null: by their number"
    )
    dataset: Dataset
    fresh: Schedule = Field(
        (0,), description="real rows that arrive after each iteration; the last number goes on"
    )
    paradigm: Paradigm = Field(default_factory=PARADIGMS["replace"], validate_default=True)
    generators: dict[Name, Generator] = Field(min_length=1, description="models by name")
    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="how much of what is published each generator makes"
    )
    features: Features = Field(default_factory=EXTRACTORS["pixels"])
    selection: Selection
    training_sets: dict[str, OwnSet] = Field(
        default_factory=dict, description="generators that do not train on the shared one"
    )
    quota: dict[str, Share] = Field(
        default_factory=dict, description="least share of a training set, by source"
    )
    cap: dict[str, Share] = Field(
        default_factory=dict, description="largest share of a training set, by source"
    )
    evaluation: Evaluation = Evaluation()
    alarms: dict[Name, Alarm] = Field(
        default_factory=dict, description="what is watched, and what is done about it"
    )
    changes: dict[int, dict[str, Any]] = Field(
        default_factory=dict, description="fields that are other from an iteration on"
    )
    damaged: Literal["stop", "redo"] = Field(
        "stop", description="what to do when a stored file is not what was written"
    )
    resources: Rooms = Rooms()
    arms: dict[Name, dict[str, Any]] = Field(
        default_factory=dict, description="overrides by name, which are compared; none: one arm"
    )

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Experiment:
        checks.check(self, whole=(info.context or {}).get("whole", True))
        return self

    @property
    def trained(self) -> dict[str, TrainedFamily]:
        """The generators that are trained, by name."""
        return {
            n: family for n, family in self.generators.items() if isinstance(family, TrainedFamily)
        }

    @property
    def measured_in(self) -> Features:
        """The space that is measured in."""
        return self.evaluation.features or self.features

    def at(self, iteration: int) -> Experiment:
        """Return the experiment as it is at an iteration, with the changes up to then."""
        raw = self.model_dump(mode="json", exclude={"changes", "arms"})
        due = [first for first in sorted(self.changes) if first <= iteration]
        for first in due:
            raw = merge(Experiment, raw, self.changes[first])
        return validate(raw, f"changes.{due[-1]}.", whole=False) if due else self

    def fresh_rows(self, iteration: int) -> int:
        """Return how many fresh rows are due after an iteration; none after the last."""
        return 0 if iteration >= self.iterations else (0, *self.fresh)[: iteration + 1][-1]

    def method_for(self, generator: str | None) -> Selection:
        """Return how the training set of a generator is selected; None: the shared one."""
        training_set = self.training_sets.get(generator) if generator else None
        return training_set.selection if training_set and training_set.selection else self.selection

    def arm_experiments(self) -> dict[str, Experiment]:
        """Return each arm's own configuration; an experiment without arms is one arm, `main`.

        With several seeds every arm is there once for each, with the seed behind its name.
        """
        base = self.model_dump(mode="json", exclude={"arms", "seeds"})
        experiments = {}
        for name, override in (self.arms or {"main": {}}).items():
            raw = merge(Experiment, base, override)
            arm = validate(raw, f"arms.{name}.")
            for seed in range(arm.seed, arm.seed + self.seeds):
                repeat = f"{name}-{seed}" if self.seeds > 1 else name
                experiments[repeat] = arm if seed == arm.seed else validate({**raw, "seed": seed})
        return experiments


# what belongs to the whole experiment, and is said once for all arms
SHARED_BY_ARMS = ("name", "seeds", "store", "arms", "resources")
SHARED_OF_GENERATORS = {field: None for family in GENERATORS.values() for field in family.PLACEMENT}


def validate(raw: Any, prefix: str = "", *, whole: bool = True) -> Experiment:
    """Return the validated experiment.

    Args:
        whole: False for the experiment as it is at a single iteration, which need not have enough
            external images for all of them.

    Raises:
        UserError: names each field at fault, what was found and what is allowed.
    """
    if not isinstance(raw, dict):
        raise UserError(
            f"the configuration is a {type(raw).__name__}; allowed is a mapping of fields"
        )
    return schema.validate(Experiment, raw, prefix, {"whole": whole})


def load(path: str, overrides: list[tuple[str, Any]]) -> Experiment:
    """Read an experiment from YAML, apply (dotted path, value) overrides, validate every arm.

    Raises:
        UserError: the file or a field is at fault.
    """
    raw = read_yaml(path)
    for dotted, value in overrides:
        raw = assign(Experiment, raw, dotted.split("."), value)
    experiment = validate(raw)
    for arm, override in experiment.arms.items():
        for field in SHARED_BY_ARMS:
            if field in override:
                raise UserError(f"arms.{arm}.{field}: an arm cannot override {field}")
        for name, generator in override.get("generators", {}).items():
            for field in SHARED_OF_GENERATORS:
                if _has(generator, field.split(".")):
                    raise UserError(
                        f"arms.{arm}.generators.{name}.{field}: an arm cannot override {field}"
                    )
    checks.idle_resources([*experiment.arm_experiments().values()])
    return experiment


def _has(value: Any, path: list[str]) -> bool:
    """Whether nested mappings have a value at a path."""
    if not path:
        return True
    return isinstance(value, dict) and path[0] in value and _has(value[path[0]], path[1:])
