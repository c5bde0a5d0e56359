"""Fréchet distance and variance, in float64."""

import numpy as np


def moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the (d,) mean and (d, d) unbiased covariance of (n, d) rows, n >= 2."""
    if len(features) < 2:
        raise ValueError(f"rows: found {len(features)}; a covariance needs at least 2")
    exact = features.astype(np.float64)
    mean = exact.mean(axis=0)
    centred = exact - mean
    return mean, centred.T @ centred / (len(exact) - 1)


def frechet_distance(samples: np.ndarray, reference: np.ndarray) -> float:
    """Return the squared Fréchet distance of the Gaussians fitted to two sets of rows.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) (Dowson and Landau 1982; Heusel et al. 2017). The
    trace of the root is taken from the eigenvalues of the symmetric C1^(1/2) C2 C1^(1/2), which are
    those of C1 C2.

    Args:
        samples: (m, d).
        reference: (n, d).
    """
    mean1, cov1 = moments(samples)
    mean2, cov2 = moments(reference)
    values, vectors = np.linalg.eigh(cov1)
    root = vectors * np.sqrt(values.clip(min=0)) @ vectors.T
    product = np.linalg.eigvalsh(root @ cov2 @ root)
    cross = np.sqrt(product.clip(min=0)).sum()
    distance = np.square(mean1 - mean2).sum() + np.trace(cov1) + np.trace(cov2) - 2 * cross
    return max(0.0, float(distance))


def variance(features: np.ndarray) -> float:
    """Return the trace of the covariance of (n, d) rows, n >= 2."""
    if len(features) < 2:
        raise ValueError(f"rows: found {len(features)}; a variance needs at least 2")
    return float(features.astype(np.float64).var(axis=0, ddof=1).sum())
