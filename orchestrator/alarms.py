"""Alarms: what is watched at every iteration, and what is done when one goes off."""

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from actors.config import Config, tagged_union
from actors.metrics.base import Metric
from actors.metrics.groups import metrics


class Stop(Config):
    """End the arm after this iteration."""

    kind: Literal["stop"]


class TopUp(Config):
    """Add fresh real rows to the pool after this iteration."""

    kind: Literal["top_up"]
    rows: int = Field(ge=1, description="fresh real rows")


class LowerRatio(Config):
    """Multiply the selection ratio from this iteration on, at every alarm again."""

    kind: Literal["lower_ratio"]
    factor: float = Field(gt=0, lt=1, description="new ratio / old ratio")
    least: float = Field(0.1, gt=0, lt=1, description="ratio that it does not go below")

    def lowered(self, ratio: float) -> float:
        """Return the new ratio, never more than the old one."""
        return min(ratio, max(self.least, ratio * self.factor))


ACTIONS: dict[str, type[Config]] = {"stop": Stop, "top_up": TopUp, "lower_ratio": LowerRatio}

if TYPE_CHECKING:
    Action = Stop | TopUp | LowerRatio
else:
    Action = tagged_union(ACTIONS)


def watchable(name: str) -> str:
    """Return the name of a metric of which one way is good, else raise ValueError."""
    allowed = [metric.name for metric in metrics().values() if metric.goal]
    if name not in allowed:
        raise ValueError(f"no metric that can be watched; allowed are {', '.join(allowed)}")
    return name


class Alarm(Config):
    """What goes off when a metric is past a threshold, or heads there too fast."""

    measure: Annotated[str, AfterValidator(watchable)] = Field(
        description="the metric that is watched: of entropies that of the training set"
    )
    generator: str | None = Field(None, description="whose; null: any generator's")
    threshold: float | None = Field(
        None, description="goes off below this value, or above it where lower is better"
    )
    trend: float | None = Field(
        None, gt=0, description="goes off where it gets worse by more than this per iteration"
    )
    over: int = Field(3, ge=2, description="iterations that the trend is fitted to")
    action: Action

    @model_validator(mode="after")
    def _one_of(self) -> "Alarm":
        if (self.threshold is None) == (self.trend is None):
            given = "neither threshold nor trend" if self.trend is None else "threshold and trend"
            raise ValueError(f"found {given}; allowed is one of the two")
        return self

    @property
    def metric(self) -> Metric:
        """The entry of the metric that is watched."""
        return metrics()[self.measure]

    def cause(self, history: Sequence[tuple[Hashable, float]]) -> str | None:
        """Return why it goes off, None if it does not.

        Args:
            history: (card, value) of every iteration up to now.
        """
        sign = -1 if self.metric.goal == "max" else 1
        unit = self.metric.unit_in_text or self.metric.unit
        last, now = history[-1]
        side = "below" if sign < 0 else "above"
        if self.threshold is not None:
            if sign * now <= sign * self.threshold:
                return None
            return f"{self.measure} {now:.4g} {unit} is {side} {self.threshold:g}"
        assert self.trend is not None
        # entropies of sets of different sizes cannot be compared
        values = [value for card, value in history[-self.over :] if card == last]
        if len(values) < self.over:
            return None
        slope = float(np.polyfit(np.arange(self.over), values, 1)[0])
        if sign * slope <= self.trend:
            return None
        moves = "falls" if sign < 0 else "rises"
        return (
            f"{self.measure} {moves} by {abs(slope):.3g} {unit} per iteration over {self.over} "
            f"iterations, to {now:.4g}, more than {self.trend:g}"
        )


def lowered(ratio: float | None, actions: Iterable[LowerRatio]) -> float | None:
    """Return what a selection ratio has come to after some actions; null has none to lower."""
    if ratio is not None:
        for action in actions:
            ratio = action.lowered(ratio)
    return ratio
