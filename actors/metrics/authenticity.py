"""Tests of whether samples are copies of what a generator was trained on."""

import numpy as np

from actors.distances.neighbours import nearest
from actors.metrics.rows import check

# what a cell of C_T needs in the package of Jiralerspong et al. 2023
FEWEST = 20


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
