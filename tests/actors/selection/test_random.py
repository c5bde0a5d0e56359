import numpy as np
import scipy.stats

from actors.selection import random_rows


def test_every_row_is_as_likely_as_any_other() -> None:
    features = np.zeros((10, 1), np.float32)
    counts = np.zeros(10)
    for seed in range(2000):
        chosen = random_rows(features, 3, seed=seed).positions
        assert len(set(chosen.tolist())) == 3
        counts[chosen] += 1
    assert scipy.stats.chisquare(counts).pvalue > 0.001
