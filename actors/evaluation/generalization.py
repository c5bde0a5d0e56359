"""How far a generator's samples are from the rows it was trained on."""

import numpy as np

from actors.evaluation.neighbours import nearest
from actors.evaluation.rows import check

# samples that the published code looks at
RELEASED_SAMPLES = 1000


def generalization_score(samples: np.ndarray, training_set: np.ndarray) -> float:
    """Return the mean distance of the samples to their nearest training rows, in feature units.

    Source: Shi et al. 2025, GS in the form the text gives. 0 when every sample is a copy.

    Args:
        samples: (m, d) features of what the generator made.
        training_set: (n, d) features of what it was trained on.

    Raises:
        ValueError: an empty set, sets of different width, values that are not finite.
    """
    check(samples=samples, training_set=training_set)
    return float(nearest(samples, training_set)[0].mean())


def as_released(samples: np.ndarray, training_set: np.ndarray) -> float:
    """Return the mean squared error to the nearest training row, in squared feature units.

    Source: Shi et al. 2025, GS in the form of the published code: per dimension, over the first
    1,000 samples.

    Args:
        samples: (m, d), in the order they were made.
        training_set: (n, d).

    Raises:
        ValueError: an empty set, sets of different width, values that are not finite.
    """
    check(samples=samples, training_set=training_set)
    distances = nearest(samples[:RELEASED_SAMPLES], training_set)[0]
    return float(np.square(distances).mean() / samples.shape[1])


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
    """Return the share of samples nearer to the training set than its rows are to each other.

    A sample counts when its distance to its nearest training row is smaller than that row's
    distance to its nearest other row. Equal distances do not count, but a sample at distance 0
    always does: it is a copy, even of a row that the training set has twice. Of nearest rows at
    exactly equal distance one is taken. This is what authenticity leaves (Alaa et al. 2022).

    Args:
        samples: (m, d).
        training_set: (n, d), n >= 2.

    Raises:
        ValueError: too few rows, sets of different width, values that are not finite.
    """
    distance, own = to_training_set(samples, training_set)
    return float(((distance < own) | (distance == 0)).mean())


def to_training_set(samples: np.ndarray, training_set: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples' distances to their nearest training rows, and those rows' to the others.

    Args:
        samples: (m, d).
        training_set: (n, d), n >= 2.

    Returns:
        (m,) float64 each, in feature units.
    """
    check(samples=samples)
    check(2, training_set=training_set)
    check(samples=samples, training_set=training_set)
    distances, positions = nearest(samples, training_set)
    rows, index = np.unique(positions[:, 0], return_inverse=True)
    # the second, as the row itself is at distance 0
    others = nearest(training_set[rows], training_set, 2)[0][:, 1]
    return distances[:, 0], others[index]
