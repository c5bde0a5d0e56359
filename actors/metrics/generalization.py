"""How far a generator's samples are from the rows it was trained on."""

import numpy as np

from actors.distances.neighbours import nearest
from actors.metrics.rows import check, distinct

# a sample is memorized when its nearest training row is nearer than this share of its second
MEMORIZED = 1 / 3


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
    rows = distinct(training_set)
    if len(rows) < 2:
        raise ValueError(
            "training_set: found 1 distinct row; a second nearest one needs at least 2"
        )
    first, second = nearest(samples, rows, 2)[0].T
    return float((first < MEMORIZED * second).mean())
