"""Generalization score of a generator."""

import numpy as np

from actors.evaluation.neighbours import nearest


def generalization_score(samples: np.ndarray, training_set: np.ndarray) -> float:
    """Return the mean distance of the samples to their nearest training rows, in feature units.

    Source: Shi et al. 2025, GS in the form the text gives. 0 when every sample is a copy.

    Args:
        samples: (m, d) features of what the generator made.
        training_set: (n, d) features of what it was trained on.
    """
    return float(nearest(samples, training_set)[0].mean())
