"""Rows on the first two principal components."""

import numpy as np
from matplotlib.axes import Axes
from sklearn.utils.extmath import randomized_svd

from actors.curation.curation import Curated
from actors.curation.themes import Theme
from actors.data.feature_source import pick

SHOWN = 3000


def principal(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (m, 2) coordinates of (m, d) rows and the (2,) shares of the variance they have."""
    centred = features.astype(np.float64)
    centred -= centred.mean(axis=0)
    found = min(2, *centred.shape)
    left, values, _ = randomized_svd(centred, found, random_state=0)
    total = np.square(centred).sum()
    pad = 2 - found
    shares = np.square(values) / total if total else np.zeros(found)
    return np.pad(left * values, ((0, 0), (0, pad))), np.pad(shares, (0, pad))


def draw_projection(axes: Axes, theme: Theme, curated: Curated) -> None:
    """Draw a random part of the candidates, kept or not."""
    rows = len(curated.ids)
    shown = np.sort(np.random.default_rng(0).choice(rows, min(rows, SHOWN), replace=False))
    coordinates, shares = principal(pick(curated.features, shown))
    is_kept = np.zeros(rows, bool)
    is_kept[curated.selection.positions] = True
    for label, colour, marker, chosen in (
        ("left out", theme.left_out, "x", ~is_kept[shown]),
        ("kept", theme.kept, "o", is_kept[shown]),
    ):
        x, y = coordinates[chosen].T
        axes.scatter(x, y, s=14, c=colour, marker=marker, linewidths=0.8, alpha=0.7, label=label)
    axes.set_xlabel(f"first principal component ({shares[0]:.0%} of the variance, feature units)")
    axes.set_ylabel(f"second principal component ({shares[1]:.0%}, feature units)")
    axes.set_aspect("equal", "datalim")
    part = "" if rows <= SHOWN else f"{SHOWN:,} of {rows:,} candidates"
    axes.legend(title=part or None)
