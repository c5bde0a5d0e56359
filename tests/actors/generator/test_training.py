from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import NonFiniteError
from actors.generator import GENERATORS
from actors.generator.training import batch_positions, to_tensor, train
from actors.pool.real import Digits, split

IMAGES, _ = split(Digits(rows=64, reference_rows=64), "train", 0)
CPU = torch.device("cpu")


def fit(kind: str, steps: int, seed: int = 0, **training: Any) -> Any:
    fields = {"steps": steps, "batch_size": 16, "warmup_steps": 5, **training}
    family = GENERATORS[kind].model_validate(
        {"kind": kind, "network": {"widths": [8, 8], "norm_groups": 4}, "training": fields}
    )
    network = train(family, lambda i: IMAGES[i], len(IMAGES), (8, 8, 1), seed, CPU)
    return family, network


def loss_of(family: Any, network: Any) -> float:
    draws = torch.Generator().manual_seed(1)
    images = to_tensor(IMAGES, CPU)
    noise = torch.randn(images.shape, generator=draws)
    level = torch.rand(len(images), generator=draws)
    with torch.no_grad():
        return float(family.loss(network, images, noise, level))


@pytest.mark.parametrize("kind", list(GENERATORS))
def test_loss_falls(kind: str) -> None:
    early = loss_of(*fit(kind, 1))
    late = loss_of(*fit(kind, 80, learning_rate=3e-3))
    assert late < 0.7 * early


@pytest.mark.parametrize("kind", list(GENERATORS))
def test_same_seed_same_weights_another_seed_others(kind: str) -> None:
    weights = [
        torch.cat([p.flatten() for p in fit(kind, 5, seed)[1].parameters()]) for seed in (0, 0, 1)
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_training_leaves_torchs_own_random_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    fit("ddpm", 2)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_loss_that_is_not_finite_stops_the_training_and_names_the_step() -> None:
    with pytest.raises(NonFiniteError, match=r"loss is (nan|inf) at step 50 of 60.*learning_rate"):
        fit("ddpm", 60, learning_rate=1e30, warmup_steps=0)


@given(rows=st.integers(1, 50), batch=st.integers(1, 70), steps=st.integers(1, 12))
def test_every_epoch_visits_every_row_once(rows: int, batch: int, steps: int) -> None:
    visits = np.concatenate([batch_positions(s, batch, rows, seed=3) for s in range(steps)])
    assert len(visits) == batch * steps
    for start in range(0, len(visits) - rows + 1, rows):
        assert sorted(visits[start : start + rows].tolist()) == list(range(rows))
