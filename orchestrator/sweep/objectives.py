"""Objectives as Ray Tune is given them: a finite number of every point, whatever came out."""

import math
from collections.abc import Mapping

import numpy as np

# the largest number that schedulers and searches are given; differences of two are finite as well
WORST = float(np.finfo(np.float32).max)


def reported(objectives: Mapping[str, str], measures: Mapping[str, float]) -> dict[str, float]:
    """Return the objectives as Ray Tune is given them, by the name that `objective` gives.

    Its schedulers and searches ask for a finite number of every point: one that failed, or whose
    measure could not be taken, has the worst there is.

    Args:
        objectives: `min` or `max` by measure.
    """
    values = {}
    for name, mode in objectives.items():
        worst = WORST if mode == "min" else -WORST
        value = measures.get(name, worst)
        values[objective(name)] = worst if math.isnan(value) else min(max(value, -WORST), WORST)
    return values


def objective(name: str) -> str:
    """Return what Ray Tune calls a measure that is an objective."""
    return f"objective_{name}"
