"""Neighbours and balls on a GPU: those of the CPU, bit for bit."""

import numpy as np
import pytest
import torch

if not torch.cuda.is_available():
    pytest.skip("torch finds no GPU", allow_module_level=True)

from actors.distances.balls import inside
from actors.distances.neighbours import nearest, without_repeats
from tests.actors.distances.hard import HARD


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("name", HARD)
def test_neighbours_of_hard_rows_are_those_of_the_cpu_to_the_bit(name: str, k: int) -> None:
    rows = HARD[name]
    there = torch.from_numpy(rows).cuda()
    for found, expected in zip(
        nearest(there, there, k, exclude_self=True),
        nearest(rows, rows, k, exclude_self=True),
        strict=True,
    ):
        assert np.array_equal(found, expected)
    assert np.array_equal(without_repeats(there, 1), without_repeats(rows, 1))


@pytest.mark.parametrize("d", [384, 3072])
def test_neighbours_are_found_in_more_than_one_block_with_tf32_allowed_elsewhere(
    d: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", True)
    rng = np.random.default_rng(0)
    base = rng.normal(size=(20_000, d)).astype(np.float32)
    queries = base[:9000] + rng.normal(size=(9000, d)).astype(np.float32) * 0.5
    found = nearest(torch.from_numpy(queries).cuda(), torch.from_numpy(base).cuda(), 3)
    for there, here in zip(found, nearest(queries, base, 3), strict=True):
        assert np.array_equal(there, here)
    assert torch.backends.cuda.matmul.allow_tf32


@pytest.mark.parametrize("name", HARD)
def test_rows_are_in_the_balls_that_they_are_in_on_the_cpu(name: str) -> None:
    rows, others = HARD[name][::2], HARD[name][1::2]
    radii = [nearest(each, each, 2, exclude_self=True)[0][:, 1] for each in (rows, others)]
    (here,) = inside(rows, others, radii[0], radii[1])
    on_gpu = [torch.from_numpy(np.ascontiguousarray(each)).cuda() for each in (rows, others)]
    (there,) = inside(on_gpu[0], on_gpu[1], radii[0], radii[1])
    assert torch.equal(here.of_row, there.of_row.cpu())
    assert torch.equal(here.of_column, there.of_column.cpu())
