import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
import torch.distributed
from hypothesis import given
from hypothesis import strategies as st
from torch.multiprocessing.spawn import spawn

from actors.data.dataset import split
from actors.data.digits import Digits
from actors.errors import NonFiniteError, UserError
from actors.generators import GENERATORS
from actors.generators.denoiser import Denoiser
from actors.generators.family import Conduct, TrainingSet
from actors.generators.networks import guided, predictor
from actors.generators.training.batches import Batches, batch_positions
from actors.generators.training.checkpoints import Checkpoints
from actors.pool.storage import Storage

IMAGES, _labels = split(Digits(rows=64, reference_rows=64), "train", 0)
assert _labels is not None
LABELS: np.ndarray = _labels
CPU = torch.device("cpu")
DENOISERS = [kind for kind, family in GENERATORS.items() if issubclass(family, Denoiser)]


def data(labels: np.ndarray | None = None) -> TrainingSet:
    return TrainingSet(lambda i: IMAGES[i], len(IMAGES), (8, 8, 1), labels, 10)


def make(kind: str, *, labels: bool = False, dropout: float = 0.0, **training: Any) -> Any:
    fields = {"steps": 20, "batch_size": 16, "warmup_steps": 5, "checkpoint_every": 4, **training}
    network = {"widths": [8, 8], "norm_groups": 4, "dropout": dropout}
    return GENERATORS[kind].model_validate(
        {"kind": kind, "network": network, "labels": labels, "training": fields}
    )


def fit(kind: str, steps: int, seed: int = 0, **training: Any) -> Any:
    family = make(kind, steps=steps, **training)
    return family, family.train(data(), seed, Conduct(CPU))


def weights(network: Any) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def loss_of(family: Any, network: Any) -> float:
    draws = torch.Generator().manual_seed(1)
    images = torch.from_numpy(IMAGES).permute(0, 3, 1, 2) / 127.5 - 1
    noise = torch.randn(images.shape, generator=draws)
    level = torch.rand(len(images), generator=draws)
    with torch.no_grad():
        return float(family.loss(predictor(network), images, noise, level))


@pytest.mark.parametrize("kind", DENOISERS)
def test_loss_falls(kind: str) -> None:
    early = loss_of(*fit(kind, 1))
    late = loss_of(*fit(kind, 80, learning_rate=3e-3))
    assert late < 0.7 * early


@pytest.mark.parametrize("kind", DENOISERS)
def test_same_seed_same_weights_another_seed_others(kind: str) -> None:
    found = [weights(fit(kind, 5, seed)[1]) for seed in (0, 0, 1)]
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_training_leaves_torchs_own_random_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    fit("ddpm", 2)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_loss_that_is_not_finite_names_its_step_the_rate_and_the_last_finite_loss() -> None:
    message = r"loss is (nan|inf) at step \d+ of 60 \(learning rate .*last finite loss [\d.]+"
    with pytest.raises(NonFiniteError, match=message):
        fit("ddpm", 60, learning_rate=1e30, warmup_steps=0)


class StoppedError(Exception):
    pass


def stop_at(step: int) -> Any:
    """Return a data set whose rows cannot be read from that step on."""
    reads = 0

    def images(positions: np.ndarray) -> np.ndarray:
        nonlocal reads
        reads += 1
        if reads > step:
            raise StoppedError
        return IMAGES[positions]

    return TrainingSet(images, len(IMAGES), (8, 8, 1), LABELS, 10)


def checkpoints(folder: Path, identity: str = "a") -> Checkpoints:
    return Checkpoints(Storage(str(folder)), "steps/train/x", identity)


EXECUTION: list[Any] = [
    *((kind, {}) for kind in DENOISERS),
    ("edm", {"channels_last": True}),
    # compiles C++ for a minute
    pytest.param("ddpm", {"channels_last": True, "compile": True}, marks=pytest.mark.soak),
]


@pytest.mark.parametrize(("kind", "execution"), EXECUTION, ids=str)
def test_an_interrupted_training_ends_with_the_very_weights_of_an_unbroken_one(
    kind: str, execution: dict[str, Any], tmp_path: Path
) -> None:
    family = make(kind, labels=True, dropout=0.2, **execution)
    unbroken = family.train(data(LABELS), 0, Conduct(CPU))
    saved = checkpoints(tmp_path)
    for stop in (6, 9):
        with pytest.raises(StoppedError):
            family.train(stop_at(stop), 0, Conduct(CPU, checkpoints=saved))
    last = saved.latest()
    assert last is not None
    assert last.step == 12
    names = [Path(path).name for path in saved.storage.files("steps")]
    assert names == ["step-000000008.safetensors", "step-000000012.safetensors"]
    resumed = family.train(data(LABELS), 0, Conduct(CPU, checkpoints=saved))
    assert torch.equal(weights(resumed), weights(unbroken))


def test_a_checkpoint_of_another_configuration_is_refused_with_both_hashes(tmp_path: Path) -> None:
    make("edm").train(data(), 0, Conduct(CPU, checkpoints=checkpoints(tmp_path)))
    other = checkpoints(tmp_path, identity="b")
    with pytest.raises(UserError, match="configuration a; allowed is b"):
        make("edm").train(data(), 0, Conduct(CPU, checkpoints=other))


def test_a_loss_that_is_not_finite_leaves_the_checkpoint_before_it(tmp_path: Path) -> None:
    saved = checkpoints(tmp_path)
    bad = make("ddpm", steps=60, learning_rate=1e30, warmup_steps=0)
    with pytest.raises(NonFiniteError):
        bad.train(data(), 0, Conduct(CPU, checkpoints=saved))
    last = saved.latest()
    assert last is None or all(bool(t.isfinite().all()) for t in last.tensors.values())


def test_a_training_without_memory_says_which_setting_asks_for_it() -> None:
    def images(positions: np.ndarray) -> np.ndarray:
        return torch.empty(len(positions), 1 << 56).numpy()

    rows = TrainingSet(images, len(IMAGES), (8, 8, 1))
    with pytest.raises(UserError, match=r"training.batch_size: found 16, .*; allowed is less"):
        make("ddpm").train(rows, 0, Conduct(CPU))


def test_rows_without_label_are_refused_where_labels_are_learned() -> None:
    some = LABELS.copy()
    some[:3] = -1
    with pytest.raises(UserError, match="3 of the 64 training rows have none"):
        make("edm", labels=True).train(data(some), 0, Conduct(CPU))
    with pytest.raises(UserError, match="the training set has none"):
        make("edm", labels=True).train(data(), 0, Conduct(CPU))


def test_training_from_the_previous_checkpoint_starts_with_its_weights(tmp_path: Path) -> None:
    family = make("ddpm", steps=10)
    first = family.train(data(), 0, Conduct(CPU))
    family.save(first, tmp_path)
    still = make("ddpm", steps=1, learning_rate=1e-30, warmup_steps=0, weight_decay=0)
    again = still.train(data(), 1, Conduct(CPU, initial=tmp_path))
    torch.testing.assert_close(weights(again), weights(first), rtol=1e-6, atol=1e-7)
    other: Any = GENERATORS["ddpm"].model_validate(
        {"kind": "ddpm", "network": {"widths": [16, 16], "norm_groups": 4}}
    )
    with pytest.raises(UserError, match=r"training.init: .* has the network \w+; allowed is \w+"):
        other.train(data(), 1, Conduct(CPU, initial=tmp_path))


def test_guidance_of_scale_0_ignores_labels_and_of_scale_1_follows_them() -> None:
    family = make("ddpm", labels=True)
    network = family.train(data(LABELS), 0, Conduct(CPU))
    x, time = torch.randn(4, 1, 8, 8), torch.tensor([900, 500, 100, 3])
    labels, none = torch.tensor([0, 1, 2, 3]), torch.full((4,), 10)
    with torch.no_grad():
        without, within = (network(x, time, class_labels=c).sample for c in (none, labels))
        assert torch.equal(guided(network, labels, 0)(x, time), without)
        assert torch.equal(guided(network, labels, 1)(x, time), within)
        assert not torch.allclose(without, within)
        torch.testing.assert_close(
            guided(network, labels, 3)(x, time), 3 * within - 2 * without, rtol=1e-4, atol=1e-5
        )


def test_labels_are_dropped_at_the_given_rate_and_otherwise_those_of_the_rows() -> None:
    made = [Batches(data(LABELS), 64, 0, 0.25).make(step) for step in range(40)]
    labels = torch.stack([b.labels for b in made if b.labels is not None]).numpy()
    rows = np.stack([batch_positions(step * 64, 64, 64, 0) for step in range(40)])
    dropped = labels == 10
    assert dropped.mean() == pytest.approx(0.25, abs=0.03)
    assert (labels == LABELS[rows])[~dropped].all()


@pytest.fixture(scope="module")
def exact_loss() -> float:
    return loss_of(*fit("edm", 60, learning_rate=3e-3))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_learns_as_well(precision: str, exact_loss: float) -> None:
    family, network = fit("edm", 60, learning_rate=3e-3, precision=precision)
    assert all(p.dtype == torch.float32 for p in network.parameters())
    assert loss_of(family, network) == pytest.approx(exact_loss, rel=0.1)


def _one_of_two(rank: int, port: int, kind: str, folder: str) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2
    )
    family = make(kind, labels=True, workers=2)
    network = family.train(data(LABELS), 0, Conduct(CPU))
    torch.save(weights(network), f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


def test_two_workers_with_half_batches_end_where_one_with_whole_batches_does(
    tmp_path: Path,
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    spawn(_one_of_two, (port, "ddpm", str(tmp_path)), nprocs=2)
    alone = weights(make("ddpm", labels=True).train(data(LABELS), 0, Conduct(CPU)))
    both = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    assert torch.equal(both[0], both[1])
    torch.testing.assert_close(both[0], alone, rtol=1e-3, atol=1e-4)


@given(rows=st.integers(1, 50), batch=st.integers(1, 70), steps=st.integers(1, 12))
def test_every_epoch_visits_every_row_once(rows: int, batch: int, steps: int) -> None:
    firsts = range(0, batch * steps, batch)
    visits = np.concatenate([batch_positions(first, batch, rows, seed=3) for first in firsts])
    assert len(visits) == batch * steps
    assert np.array_equal(visits, batch_positions(0, batch * steps, rows, seed=3))
    for start in range(0, len(visits) - rows + 1, rows):
        assert sorted(visits[start : start + rows].tolist()) == list(range(rows))


@pytest.mark.parametrize(("batch", "workers"), [(12, 3), (12, 12), (48, 2), (60, 3), (60, 5)])
def test_parts_of_a_batch_together_are_the_batch(batch: int, workers: int) -> None:
    whole = Batches(data(LABELS), batch, 0, 0.5).make(3)
    parts = [Batches(data(LABELS), batch, 0, 0.5, p, workers).make(3) for p in range(workers)]
    for name in ("images", "noise", "level", "labels"):
        assert torch.equal(torch.cat([getattr(p, name) for p in parts]), getattr(whole, name))


def test_random_numbers_of_batches_have_their_distributions_and_no_two_are_equal() -> None:
    made = [Batches(data(LABELS), 60, 0).make(step) for step in range(10)]
    noise = torch.stack([batch.noise for batch in made]).flatten(2).double()
    level = torch.stack([batch.level for batch in made]).double()
    assert scipy.stats.kstest(noise.flatten().numpy(), "norm").pvalue > 0.01
    assert scipy.stats.kstest(level.flatten().numpy(), "uniform").pvalue > 0.01
    assert len(noise.flatten(0, 1).unique(dim=0)) == len(level.flatten().unique()) == 600


def test_a_worker_draws_no_more_than_its_part_and_the_rest_of_its_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[int] = []
    normal = torch.Tensor.normal_

    def count(tensor: torch.Tensor, **given: Any) -> torch.Tensor:
        drawn.append(len(tensor))
        return normal(tensor, **given)

    monkeypatch.setattr(torch.Tensor, "normal_", count)
    for rank in range(8):
        drawn.clear()
        Batches(data(), 800, 0, rank=rank, workers=8).make(0)
        assert 100 <= sum(drawn) < 100 + 2 * 16
