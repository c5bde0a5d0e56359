"""The space of a sweep: which fields vary, and over what."""

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from actors.config import Config
from actors.seeds import derive_seed


class Axis(Config):
    """What one field is varied over, or several together: values, a range, or overrides.

    Attributes:
        values: by the label that tables and charts show.
        overrides: fields of the experiment by label; the axis may then have any name.
    """

    values: dict[str, Any] | None = Field(None, description="what it takes, by label")
    overrides: dict[str, dict[str, Any]] | None = Field(
        None, description="fields that change together, by label"
    )
    low: float | None = Field(None, description="from, of a range")
    high: float | None = Field(None, description="to, of a range")
    log: bool = Field(False, description="draw on a logarithmic scale")
    integer: bool = Field(False, description="whole numbers, both ends among them")

    @model_validator(mode="after")
    def _one_of(self) -> "Axis":
        given = {
            "values": self.values is not None,
            "overrides": self.overrides is not None,
            "a range": self.low is not None or self.high is not None,
        }
        if sum(given.values()) != 1:
            names = " and ".join(name for name, there in given.items() if there) or "nothing"
            raise ValueError(f"found {names}; allowed is one of values, overrides, low and high")
        if not given["a range"]:
            if not self.labels:
                raise ValueError("found no values; allowed are one and more")
            return self
        if self.low is None or self.high is None:
            raise ValueError("found one end of a range; allowed are low and high")
        if not self.low < self.high:
            raise ValueError(f"found low {self.low:g} and high {self.high:g}; low must be less")
        if self.log and self.low <= 0:
            raise ValueError(f"found low {self.low:g} on a logarithmic scale; allowed is above 0")
        return self

    @property
    def labels(self) -> list[str]:
        """What the points of the axis are called; none where it is a range."""
        return list(self.values or self.overrides or ())

    @property
    def size(self) -> float:
        """How many values it has, infinitely many where it is a range of any numbers."""
        if self.labels:
            return len(self.labels)
        low, high = self.ends()
        return high - low + 1 if self.integer else math.inf

    def within(self, value: Any) -> Any:
        """Return a number as points have it: in the range, and short enough to be a name."""
        if self.labels:
            return value
        low, high = self.ends()
        return min(max(int(value) if self.integer else float(f"{value:.4g}"), low), high)

    def draw(self, generator: np.random.Generator) -> Any:
        """Return a random value, or the label of one."""
        if self.labels:
            return self.labels[generator.integers(len(self.labels))]
        assert self.low is not None
        assert self.high is not None
        if self.integer:
            return int(generator.integers(int(self.low), int(self.high) + 1))
        if self.log:
            return self.within(np.exp(generator.uniform(np.log(self.low), np.log(self.high))))
        return self.within(generator.uniform(self.low, self.high))

    def ends(self) -> list[Any]:
        """Return every label, or both ends of the range."""
        if self.labels:
            return list(self.labels)
        number = int if self.integer else float
        return [number(end) for end in (self.low, self.high) if end is not None]

    def fields(self, name: str, point: Any) -> dict[str, Any]:
        """Return what a label, or a number of the range, makes of the experiment's fields."""
        if self.overrides is not None:
            return self.overrides[point]
        value = self.values[point] if self.values is not None else point
        for key in reversed(name.split(".")):
            value = {key: value}
        return dict(value)


def as_axis(given: Any) -> Any:
    """Return a list of values, or values by label, in the form of an axis."""
    if isinstance(given, list):
        return {"values": _by_label((label_of(value), value) for value in given)}
    if isinstance(given, dict):
        if not {"values", "overrides", "low", "high"} & set(given):
            given = {"values": given}
        # labels may be numbers in YAML
        return {
            key: _by_label((str(label), value) for label, value in inner.items())
            if key in ("values", "overrides") and isinstance(inner, dict)
            else inner
            for key, inner in given.items()
        }
    return given


def _by_label(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for label, value in pairs:
        if label in values:
            raise ValueError(
                f"found two values called {label!r}; allowed are values that differ, or each "
                "under a label of its own"
            )
        values[label] = value
    return values


def label_of(value: Any) -> str:
    """Return what a value is called in tables: a block by its kind, a number by all its digits."""
    if isinstance(value, dict) and "kind" in value:
        rest = [str(v) for k, v in value.items() if k != "kind"]
        return " ".join([str(value["kind"]), *rest])
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return repr(value) if isinstance(value, float) and float(short) != value else short


Space = dict[str, Annotated[Axis, BeforeValidator(as_axis)]]
Point = dict[str, Any]


def grid(space: Space) -> Iterator[Point]:
    """Yield every combination of labels, the last axis fastest."""
    for labels in itertools.product(*(axis.ends() for axis in space.values())):
        yield dict(zip(space, labels, strict=True))


def size(space: Space) -> float:
    """Return how many points a space has."""
    return math.prod(axis.size for axis in space.values())


def random_points(space: Space, count: int, seed: int) -> Iterator[Point]:
    """Yield random points, each once; the first ones are the same for any count.

    Args:
        count: at most the size of the space.
    """
    drawn: list[Point] = []
    for number in itertools.count():
        if len(drawn) == count:
            return
        generator = np.random.default_rng(derive_seed(seed, "point", number))
        point = {field: axis.draw(generator) for field, axis in space.items()}
        if point not in drawn:
            drawn.append(point)
            yield point
