"""How far samples are from the rows their generator was trained on, and whether they are copies."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial

import numpy as np

from actors.distances.neighbours import nearest
from actors.metrics.base import Group, Measure, Metric, Sets, check

# a sample is memorized when its nearest training row is nearer than this share of its second
MEMORIZED = 1 / 3
# what a cell of C_T needs in the package of Jiralerspong et al. 2023
FEWEST = 20


def generalization_score(samples: np.ndarray, training_set: np.ndarray) -> float:
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
    check(samples=samples, training_set=training_set)
    return float(nearest(samples, training_set)[0].mean())


def nearest_quantiles(
    samples: np.ndarray,
    training_set: np.ndarray,
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
    check(samples=samples, training_set=training_set)
    outside = [level for level in levels if not 0 <= level <= 1]
    if outside:
        raise ValueError(f"levels: found {outside[0]}; allowed are numbers from 0 to 1")
    return tuple(np.quantile(nearest(samples, training_set)[0], levels).tolist())


def memorization_rate(samples: np.ndarray, training_set: np.ndarray) -> float:
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
    check(samples=samples, training_set=training_set)
    same = np.ascontiguousarray(training_set + 0)  # -0 and 0 are one number
    keys = same.view(np.dtype((np.void, same.shape[1] * same.itemsize)))[:, 0]
    rows = training_set[np.sort(np.unique(keys, return_index=True)[1])]
    if len(rows) < 2:
        raise ValueError(
            "training_set: found 1 distinct row; a second nearest one needs at least 2"
        )
    first, second = nearest(samples, rows, 2)[0].T
    return float((first < MEMORIZED * second).mean())


def authenticity(samples: np.ndarray, training_set: np.ndarray) -> float:
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
    check(samples=samples)
    check(2, training_set=training_set)
    check(samples=samples, training_set=training_set)
    distances, positions = nearest(samples, training_set)
    rows, index = np.unique(positions[:, 0], return_inverse=True)
    # the second, as the row itself is at distance 0
    others = nearest(training_set[rows], training_set, 2)[0][:, 1]
    return float((distances[:, 0] > others[index]).mean())


def data_copying(samples: np.ndarray, training_set: np.ndarray, held_out: np.ndarray) -> float:
    """Return the z-score of samples being farther from the training set than held-out rows are.

    z = (U - mn / 2) / sqrt(mn (m + n + 1) / 12), with U the number of pairs of a sample and a
    held-out row in which the sample's nearest training row is farther, ties half (Mann and Whitney
    1947): C_T of Meehan et al. 2020 with the whole space as its one cell and without continuity
    correction. Far below 0 the samples copy, far above they are off the data.

    Args:
        samples: (m, d), m >= 20.
        training_set: (l, d), l >= 1.
        held_out: (n, d), n >= 20, real rows that were not trained on.

    Raises:
        ValueError: too few rows, sets of different width, values that are not finite.
    """
    check(FEWEST, samples=samples)
    check(FEWEST, held_out=held_out)
    check(training_set=training_set, samples=samples, held_out=held_out)
    made, real = (nearest(rows, training_set)[0][:, 0] for rows in (samples, held_out))
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
    samples, rows = sets.samples, sets.training_set
    if rows is None:
        return
    yield sets.measure(SCORE, lambda: generalization_score(samples, rows))
    quantiles = cache(lambda: nearest_quantiles(samples, rows, tuple(QUANTILES)))
    for place, metric in enumerate(QUANTILES.values()):
        yield sets.measure(metric, partial(lambda place: quantiles()[place], place))
    yield sets.measure(MEMORIZATION, lambda: memorization_rate(samples, rows))


def take_copying(sets: Sets) -> Iterator[Measure]:
    """Authenticity and the data-copying statistic."""
    samples, rows = sets.samples, sets.training_set
    if rows is None:
        return
    yield sets.measure(AUTHENTICITY, lambda: authenticity(samples, rows))
    yield sets.measure(
        DATA_COPYING,
        lambda: data_copying(samples, rows, sets.reference),
        settings={"held_out_n": len(sets.reference)},
    )


GENERALIZATION = Group(take_distances, (SCORE, *QUANTILES.values(), MEMORIZATION))
COPYING = Group(take_copying, (AUTHENTICITY, DATA_COPYING))
