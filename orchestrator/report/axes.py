"""The axes of a sweep: which are numbers, and where its points lie on them."""

from dataclasses import dataclass
from typing import Any

from orchestrator.outcome import Sweep


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


def axes_of(sweep: Sweep) -> list[Axis]:
    """Return the axes that have more than one value."""
    found = []
    for field in sweep.axes:
        values = list(dict.fromkeys(t.point[field] for t in sweep.trials if field in t.point))
        is_number = all(_is_number(value) for value in values)
        if len(values) > 1:
            found.append(Axis(field, sorted(values, key=float) if is_number else values, is_number))
    return found


def _is_number(value: Any) -> bool:
    # points of a grid are named by labels, which are text
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)
