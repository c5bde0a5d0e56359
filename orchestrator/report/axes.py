"""The axes of a sweep: which are numbers, and where its points lie on them."""

import math
from dataclasses import dataclass
from typing import Any

from orchestrator.outcome import Sweep
from orchestrator.sweep.config import named

FEWEST = 3  # places along an axis, for a curve to have an inside
MOST_LINES = 7


@dataclass(frozen=True)
class Axis:
    """One field that varies.

    Attributes:
        values: that points have, in order: of numbers, or as they came.
    """

    field: str
    values: list[Any]
    is_number: bool

    def place(self, point: dict[str, Any]) -> float:
        """Return where a point lies, of an axis of numbers."""
        return float(point[self.field])

    def line(self, point: dict[str, Any]) -> str:
        """Return the name of the line along the axis that a point lies on."""
        return named({k: v for k, v in point.items() if k != self.field}) or "all"


def axes_of(sweep: Sweep) -> list[Axis]:
    """Return the axes that have more than one value."""
    axes = []
    for field in sweep.axes:
        values = list(dict.fromkeys(t.point[field] for t in sweep.trials if field in t.point))
        is_number = all(map(_is_number, values))
        if len(values) > 1:
            axes.append(Axis(field, sorted(values, key=float) if is_number else values, is_number))
    return axes


def curve_axis(axes: list[Axis]) -> Axis | None:
    """Return the axis that curves are drawn along: the only number among few combinations."""
    numbers = [axis for axis in axes if axis.is_number and len(axis.values) >= FEWEST]
    lines = math.prod(len(axis.values) for axis in axes if axis not in numbers)
    return numbers[0] if len(numbers) == 1 and lines <= MOST_LINES else None


def _is_number(value: Any) -> bool:
    # points of a grid are named by labels, which are text
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)
