"""Selections computed on a GPU are those of the CPU, whatever makes rows hard to distinguish.

Greedy's traversal is tested without what configures it, so that torch and numpy are all it needs.
"""

import numpy as np
import pytest
import torch

from actors.distances.farthest_first import Covered, LocalShards, farthest_first
from actors.distances.nearest_chosen import as_tensor
from actors.distances.pairs import squared_lengths
from actors.errors import UserError

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch.cuda finds no GPU")

ROWS, DIMENSIONS = 6000, 192


def clustered() -> np.ndarray:
    """Clusters of different width, far from the origin."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(60, DIMENSIONS)) * 5 + 100
    width = rng.uniform(0.01, 1, (ROWS, 1))
    rows = centres[rng.integers(0, 60, ROWS)] + rng.normal(size=(ROWS, DIMENSIONS)) * width
    return rows.astype(np.float32)


def gaussian() -> np.ndarray:
    """One Gaussian, where nothing can be ruled out."""
    return np.random.default_rng(1).normal(size=(ROWS, DIMENSIONS)).astype(np.float32)


def copies() -> np.ndarray:
    """Exact copies, and copies that differ in the last digits."""
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(ROWS // 4, DIMENSIONS))
    near = rows + 1e-6 * rng.normal(size=rows.shape)
    return np.concatenate((rows, near, rows, near)).astype(np.float32)


def pixels() -> np.ndarray:
    """Images that differ in a few levels of a few pixels, as pixel features: many exact ties."""
    rng = np.random.default_rng(3)
    images = np.repeat(rng.integers(1, 255, (ROWS // 40, DIMENSIONS)), 40, axis=0)
    for image in images:
        image[rng.choice(DIMENSIONS, rng.integers(0, 12), replace=False)] += 1
    return (images.astype(np.float32) / np.float32(127.5)) - 1


def lattice() -> np.ndarray:
    """Integers, of which nearly all distances are tied."""
    return np.random.default_rng(4).integers(-1, 2, (ROWS, 12)).astype(np.float32)


KINDS = {make.__name__: make for make in (clustered, gaussian, copies, pixels, lattice)}


@pytest.fixture(params=KINDS)
def rows(request: pytest.FixtureRequest) -> np.ndarray:
    made: np.ndarray = KINDS[request.param]()
    return made


def plain_loop(rows: np.ndarray, n: int, first: int) -> np.ndarray:
    """The loop as published, one pass over all rows per pick, by the sums that decide."""
    exact = torch.from_numpy(rows).cuda().double()
    nearest = torch.full((len(rows),), torch.inf, dtype=torch.float64, device="cuda")
    chosen = [first]
    while len(chosen) < n:
        squared = squared_lengths(exact - exact[chosen[-1]])
        nearest = torch.minimum(nearest, squared)
        nearest[chosen[-1]] = -1
        largest = torch.nonzero(nearest == nearest.max())[0, 0]
        chosen.append(int(largest))
    return np.array(chosen)


def traversal(
    rows: np.ndarray, n: int, device: str, shards: int = 1
) -> tuple[np.ndarray, np.ndarray, list[Covered]]:
    """Return the picks of greedy selection from row 7, their distances, and what covers others."""
    with torch.inference_mode():
        held = LocalShards(rows, n, shards, device)
        positions, distances = farthest_first(held, n, np.array([7]))
        return positions, distances, held.ask("cover")


def test_greedy_picks_the_rows_of_the_cpu_at_the_same_distances_for_the_same_reasons(
    rows: np.ndarray,
) -> None:
    n = len(rows) // 2
    here, there = traversal(rows, n, "cpu"), traversal(rows, n, "cuda")
    assert np.array_equal(here[0], there[0])
    assert np.array_equal(here[1], there[1])
    assert np.array_equal(here[2][0].ranks, there[2][0].ranks)
    assert np.array_equal(here[2][0].distances, there[2][0].distances)


def test_greedy_picks_the_rows_of_the_plain_loop_on_the_gpu(rows: np.ndarray) -> None:
    positions, _, _ = traversal(rows, 1200, "cuda")
    assert np.array_equal(positions, plain_loop(rows, 1200, 7))


def test_several_shards_on_the_gpu_pick_the_same_rows(rows: np.ndarray) -> None:
    one, several = traversal(rows, 1500, "cpu"), traversal(rows, 1500, "cuda", shards=3)
    assert np.array_equal(one[0], several[0])
    assert np.array_equal(one[1], several[1])


@pytest.mark.parametrize("kind", ["threshold_decay", "two_level", "gist"])
def test_other_methods_choose_the_rows_of_the_cpu(kind: str, rows: np.ndarray) -> None:
    for package in ("faiss", "pydantic"):
        pytest.importorskip(package, reason="methods are configured with pydantic, and need faiss")
    from actors.selection import METHODS

    some, method = rows[::4], METHODS[kind].model_validate({"kind": kind})
    n = len(some) // 3
    here, there = method.select(some, n, 1), method.select(some, n, 1, device="cuda")
    assert np.array_equal(here.positions, there.positions)


def test_the_sums_that_decide_have_the_bits_of_the_cpu() -> None:
    rng = np.random.default_rng(0)
    for d in (1, 2, 7, 192, 3072):
        rows = torch.from_numpy(rng.normal(size=(100, d)) * 10.0 ** rng.integers(-9, 9, (100, d)))
        there = squared_lengths(rows.cuda()).cpu()
        assert torch.equal(squared_lengths(rows.clone()), there)


def test_features_that_do_not_fit_are_one_line_that_says_what_is_allowed() -> None:
    free, _ = torch.cuda.mem_get_info()
    taken = torch.empty(free - (64 << 20), dtype=torch.uint8, device="cuda")
    try:
        with pytest.raises(UserError, match=r"gpus: 0\.3 GB of features do not fit"):
            as_tensor(np.zeros((1 << 20, 64), np.float32), "cuda")
    finally:
        del taken
        torch.cuda.empty_cache()
