"""Rows whose distances products of low precision lose, by what makes them so."""

import numpy as np


def copies(points: int, of_each: int, d: int, noise: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.normal(size=(points, d)), of_each, axis=0)
    return (rows + noise * rng.normal(size=rows.shape)).astype(np.float32)


def images_that_differ_in_a_few_levels() -> np.ndarray:
    """Return 20 images x 40 copies that differ in 1 to 30 pixels by one level, as features."""
    rng = np.random.default_rng(0)
    images = np.repeat(rng.integers(1, 255, (20, 768)), 40, axis=0)
    for image in images:
        image[rng.choice(768, rng.integers(1, 31), replace=False)] += 1
    return (images / 127.5 - 1).astype(np.float32)


def far_feature(size: float) -> np.ndarray:
    rows = np.random.default_rng(0).normal(size=(1500, 64)).astype(np.float32)
    rows[:, 0] = np.where(rows[:, 0] > 0, size, -size)
    return rows


def one_far_row(size: float) -> np.ndarray:
    rows = np.random.default_rng(0).normal(size=(800, 32)).astype(np.float32)
    rows[17] = size
    return rows


HARD = {
    "near-copies": copies(20, 30, 384, 1e-5),
    "near-copies at float32's last digit": copies(5, 60, 16, 1e-7),
    "images of few levels apart": images_that_differ_in_a_few_levels(),
    "one feature at 1e4": far_feature(1e4),
    "one row at 1e7": one_far_row(1e7),
    "one row at 1e18": one_far_row(1e18),
    "all the same": np.ones((300, 5), np.float32),
    "many exact copies": np.repeat(copies(3, 1, 8, 0), 200, axis=0),
    "tiny": copies(10, 20, 6, 1e-2) * np.float32(1e-30),
    "of squares that float32 loses": copies(10, 20, 6, 1e-2) * np.float32(1e-22),
    "huge": copies(10, 20, 6, 1e-5) * np.float32(1e30),
    "one dimension": copies(40, 10, 1, 1e-6),
}
