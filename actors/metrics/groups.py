"""The registry of metrics, in groups that are asked for together.

To add a metric: a file with its mathematics, its entry and how it is taken of some sets, and its
group here.
"""

from collections.abc import Sequence

from actors.metrics.base import Group, Measure, Metric, Sets, expect
from actors.metrics.entropy import DISPERSION
from actors.metrics.fld import LIKELIHOOD
from actors.metrics.frechet import FRECHET
from actors.metrics.generalization import COPYING, GENERALIZATION
from actors.metrics.kernel_distance import KERNEL
from actors.metrics.manifold import FIDELITY
from actors.metrics.vendi import DIVERSITY

GROUPS: dict[str, Group] = {
    "dispersion": DISPERSION,
    "generalization": GENERALIZATION,
    "frechet": FRECHET,
    "likelihood": LIKELIHOOD,
    "kernel": KERNEL,
    "fidelity": FIDELITY,
    "diversity": DIVERSITY,
    "copying": COPYING,
}


def metrics() -> dict[str, Metric]:
    """Return the entries of all metrics by their names."""
    return {metric.name: metric for group in GROUPS.values() for metric in group.metrics}


def measure(sets: Sets, groups: Sequence[str] = tuple(GROUPS)) -> list[Measure]:
    """Return every measure of some groups, in their order."""
    expect(sets, [GROUPS[group] for group in groups])
    return [measure for group in groups for measure in GROUPS[group].take(sets)]
