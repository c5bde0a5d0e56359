"""How far samples are from the rows their generator was trained on, and whether they are copies."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from actors.distances.pairs import Rows
from actors.metrics.base import Group, Measure, Metric, Sets
from actors.metrics.searches import Searches

# a sample is memorized when its nearest training row is nearer than this share of its second
MEMORIZED = 1 / 3
# what a cell of C_T needs in the package of Jiralerspong et al. 2023
FEWEST = 20


def generalization_score(samples: Rows, training_set: Rows) -> float:
    """Return the mean distance of the samples to their nearest training rows, in feature units.

    Source: Shi et al. 2025, GS in the form the text gives. 0 when every sample is a copy. The
    published code computes another number, squared errors of all tokens of DINOv2 to about the
    first 1,280 training rows, which features of whole images do not have.

    Args:
        samples: (m, d) features of what the generator made.
        training_set: (n, d) features of what it was trained on.

    Raises:
        ValueError: an empty set, sets of different width, values that are not finite.
    """
    return float(_nearest(Searches(samples=samples, training_set=training_set)).mean())


def nearest_quantiles(
    samples: Rows,
    training_set: Rows,
    levels: tuple[float, ...] = (0.05, 0.25, 0.5, 0.75, 0.95),
) -> tuple[float, ...]:
    """Return quantiles of the samples' distances to their nearest training rows, in feature units.

    Args:
        samples: (m, d).
        training_set: (n, d).
        levels: from 0 to 1; between two distances the quantile is interpolated linearly.

    Raises:
        ValueError: an empty set, sets of different width, values that are not finite, a level
            outside 0 to 1.
    """
    outside = [level for level in levels if not 0 <= level <= 1]
    if outside:
        raise ValueError(f"levels: found {outside[0]}; allowed are numbers from 0 to 1")
    distances = _nearest(Searches(samples=samples, training_set=training_set))
    return tuple(np.quantile(distances, levels).tolist())


def memorization_rate(samples: Rows, training_set: Rows) -> float:
    """Return the share of samples far nearer to one training row than to all the others.

    A sample is memorized when the distance to its nearest training row is less than a third of that
    to its second nearest (Yoon et al. 2023; Gu et al. 2023). Both are measured from the sample, so
    that the rate does not rise where a selection has spread the training set. Rows that the
    training set has several times count once; a copy is always memorized.

    Args:
        samples: (m, d).
        training_set: (n, d), at least 2 of them distinct.

    Raises:
        ValueError: too few rows, sets of different width, values that are not finite.
    """
    return _memorization(Searches(samples=samples, training_set=training_set))


def authenticity(samples: Rows, training_set: Rows) -> float:
    """Return the share of samples that are not taken for noisy copies of a training row.

    A sample is authentic when its nearest training row is nearer to another training row than to
    the sample (Alaa et al. 2022). Equal distances do not count. Its yardstick is the spacing of the
    training set, which a selection widens: compare it between training sets that were chosen alike.

    Args:
        samples: (m, d), m >= 1.
        training_set: (n, d), n >= 2.

    Raises:
        ValueError: too few rows, sets of different width, values that are not finite.
    """
    return _authenticity(Searches(samples=samples, training_set=training_set))


def data_copying(samples: Rows, training_set: Rows, reference: Rows) -> float:
    """Return the z-score of samples being farther from the training set than held-out rows are.

    z = (U - mn / 2) / sqrt(mn (m + n + 1) / 12), with U the number of pairs of a sample and a
    held-out row in which the sample's nearest training row is farther, ties half (Mann and Whitney
    1947): C_T of Meehan et al. 2020 with the whole space as its one cell and without continuity
    correction. Far below 0 the samples copy, far above they are off the data.

    Args:
        samples: (m, d), m >= 20.
        training_set: (l, d), l >= 1.
        reference: (n, d), n >= 20, held-out real rows.

    Raises:
        ValueError: too few rows, sets of different width, values that are not finite.
    """
    return _data_copying(Searches(samples=samples, training_set=training_set, reference=reference))


def _nearest(searches: Searches, of: str = "samples") -> np.ndarray:
    """Return the distances of the rows of a set to their nearest training rows."""
    searches.check(of, "training_set")
    return searches.nearest(of, "training_set")[0][:, 0]


def _memorization(searches: Searches) -> float:
    searches.check("samples", "training_set")
    if len(searches.distinct("training_set")) < 2:
        raise ValueError(
            "training_set: found 1 distinct row; a second nearest one needs at least 2"
        )
    first, second = searches.nearest("samples", "training_set", 2)[0].T
    return float((first < MEMORIZED * second).mean())


def _authenticity(searches: Searches) -> float:
    searches.check("samples")
    searches.check("training_set", least=2)
    searches.check("samples", "training_set")
    distances, positions = searches.nearest("samples", "training_set")
    others = searches.nearest("training_set", "training_set")[0]
    return float((distances > others[positions[:, 0]]).mean())


def _data_copying(searches: Searches) -> float:
    searches.check("samples", least=FEWEST)
    searches.check("reference", least=FEWEST)
    made, real = _nearest(searches), _nearest(searches, "reference")
    ordered = np.sort(real)
    nearer = np.searchsorted(ordered, made, "left") + np.searchsorted(ordered, made, "right")
    m, n = len(made), len(real)
    u = nearer.sum() / 2
    return float((u - m * n / 2) / np.sqrt(m * n * (m + n + 1) / 12))


SCORE = Metric(
    "generalization_score",
    "distance",
    title="generalization score (GS)",
    short="GS",
    goal="max",
    # more is not better without end: noise has it too
    meaning="higher is further from the training set",
    compared_with=("training_set",),
    main=True,
    column="GS",
    legend="generalization score, mean distance of samples to their training set (falls with "
    "memorization)",
)
QUANTILES = {
    level: Metric(
        f"nearest_distance_q{100 * level:02.0f}",
        "distance",
        title=f"distance to training set, {which}",
        compared_with=("training_set",),
    )
    for level, which in ((0.05, "5 % quantile"), (0.5, "median"), (0.95, "95 % quantile"))
}
SHARE = Metric("", "share", unit_in_text="of samples", compared_with=("training_set",))
MEMORIZATION = replace(SHARE, name="memorization_rate", goal="min")
AUTHENTICITY = replace(SHARE, name="authenticity", goal="max")
DATA_COPYING = Metric(
    "data_copying",
    "standard deviations",
    title="data-copying statistic",
    compared_with=("training_set", "reference"),
)


def take_distances(sets: Sets) -> Iterator[Measure]:
    """Distances of the samples to the training set, and the share that is too near."""
    if sets.training_set is None:
        return
    searches = sets.searches
    yield sets.measure(SCORE, lambda: float(_nearest(searches).mean()))
    for level, metric in QUANTILES.items():
        yield sets.measure(
            metric, partial(lambda level: float(np.quantile(_nearest(searches), level)), level)
        )
    yield sets.measure(MEMORIZATION, lambda: _memorization(searches))


def take_copying(sets: Sets) -> Iterator[Measure]:
    """Authenticity and the data-copying statistic."""
    if sets.training_set is None:
        return
    searches = sets.searches
    yield sets.measure(AUTHENTICITY, lambda: _authenticity(searches))
    yield sets.measure(
        DATA_COPYING,
        lambda: _data_copying(searches),
        settings={"held_out_n": len(sets.reference)},
    )


TO_TRAINING = ("samples", "training_set")
GENERALIZATION = Group(
    take_distances, (SCORE, *QUANTILES.values(), MEMORIZATION), depths=lambda _: {TO_TRAINING: 2}
)
COPYING = Group(take_copying, (AUTHENTICITY, DATA_COPYING))
