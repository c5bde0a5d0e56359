"""Training and sampling on a GPU: as on the CPU, resumed, without waiting, and short of memory."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

if not torch.cuda.is_available():
    pytest.skip("torch finds no GPU", allow_module_level=True)
for package in ("diffusers", "pydantic", "pyarrow", "PIL", "safetensors"):
    pytest.importorskip(package)

from actors.batches import BatchSize
from actors.errors import UserError
from actors.generators import GENERATORS, networks
from actors.generators.family import Conduct, Draw, TrainingSet
from actors.generators.sampling import sample
from actors.generators.training.batches import Batches
from actors.generators.training.checkpoints import Checkpoints
from actors.generators.training.loop import train
from actors.pool.storage import Storage
from actors.refusals import in_one_line
from actors.seeds import sample_noise

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
SHAPE = (32, 32, 3)
ramp = np.linspace(0, 255, 32)[:, None, None] * np.linspace(0.2, 1, 256)[:, None, None, None]
IMAGES = np.broadcast_to(ramp, (256, *SHAPE)).astype(np.uint8)
DENOISERS = ["ddpm", "edm", "flow"]
SAMPLERS: list[tuple[str, dict[str, Any]]] = [
    *(("ddpm", {"sampler": sampler}) for sampler in ("ddpm", "ddim", "dpm_solver++")),
    *(("edm", {}), ("flow", {})),
]
FAST = {"precision": "float16", "channels_last": True}


def data() -> TrainingSet:
    return TrainingSet(lambda rows: IMAGES[rows], len(IMAGES), SHAPE)


def make(kind: str, sampling: dict[str, Any] | None = None, **training: Any) -> Any:
    fields = {"steps": 12, "batch_size": 32, "warmup_steps": 2, "checkpoint_every": 4, **training}
    return GENERATORS[kind].model_validate(
        {"kind": kind, "training": fields, "sampling": {"steps": 6, **(sampling or {})}}
    )


def weights(network: Any) -> torch.Tensor:
    return torch.cat([p.detach().flatten().cpu() for p in network.parameters()])


def build(family: Any, device: torch.device) -> Any:
    torch.manual_seed(0)
    network = family.network.build(SHAPE).eval()
    return network.to(device, memory_format=family.training.layout)


@contextmanager
def no_waiting(calls: Callable[[], int], last: int) -> Iterator[Callable[[], None]]:
    """Give what is to be called at every step: from the first to the last nothing may wait."""

    def step() -> None:
        torch.cuda.set_sync_debug_mode("error" if calls() < last else "default")

    try:
        yield step
    finally:
        torch.cuda.set_sync_debug_mode("default")


@contextmanager
def neighbour(left: int) -> Iterator[None]:
    """Have another process take all memory of the GPU but so many bytes."""
    torch.cuda.empty_cache()
    code = (
        "import sys, torch; torch.zeros(1, device='cuda')\n"
        f"taken = torch.empty(torch.cuda.mem_get_info()[0] - {left}, dtype=torch.uint8, "
        "device='cuda')\nprint('taken', flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], text=True, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout.readline() == "taken\n"
        try:
            yield
        finally:
            process.stdin.close()
            process.wait()


def test_noise_is_that_of_the_cpu() -> None:
    found, expected = (sample_noise(3, torch.arange(9, device=d), SHAPE, 5) for d in (CUDA, CPU))
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-6, atol=1e-6)


def test_batches_are_those_of_the_cpu() -> None:
    batches = Batches(data(), 48, 0)
    there = list(batches.iterate(3, 9, CUDA, torch.channels_last))
    here = list(batches.iterate(3, 9, CPU, torch.contiguous_format))
    for found, expected in zip(there, here, strict=True):
        assert found.images.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(found.noise.cpu(), expected.noise)
        assert torch.equal(found.level.cpu(), expected.level)
        torch.testing.assert_close(found.images.cpu(), expected.images, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", DENOISERS)
def test_a_training_has_the_losses_of_one_on_the_cpu(kind: str) -> None:
    found, expected = Conduct(CUDA), Conduct(CPU)
    for conduct in (found, expected):
        make(kind).train(data(), 0, conduct)
    assert found.losses[-1][1] == pytest.approx(expected.losses[-1][1], rel=1e-2)


@pytest.mark.parametrize("execution", [{}, FAST, {**FAST, "compile": True}], ids=str)
def test_a_training_that_goes_on_ends_as_one_that_was_not_interrupted(
    execution: dict[str, Any], tmp_path: Path
) -> None:
    family = make("ddpm", **execution)
    unbroken, repeated = (weights(family.train(data(), 0, Conduct(CUDA))) for _ in range(2))
    saved = Checkpoints(Storage(str(tmp_path)), "steps/train/x", "a")
    reads = 0

    def images(rows: np.ndarray) -> np.ndarray:
        nonlocal reads
        reads += 1
        if reads > 9:
            raise InterruptedError
        return IMAGES[rows]

    interrupted = TrainingSet(images, len(IMAGES), SHAPE)
    with pytest.raises(InterruptedError):
        family.train(interrupted, 0, Conduct(CUDA, checkpoints=saved))
    last = saved.latest()
    assert last is not None
    assert last.step in (4, 8)
    resumed = weights(family.train(data(), 0, Conduct(CUDA, checkpoints=saved)))
    # some of CUDA's sums differ from run to run; by no more than this where they do
    spread = float((unbroken - repeated).abs().max())
    assert float((resumed - unbroken).abs().max()) <= 2 * spread


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_no_step_of_a_training_waits_for_the_gpu(precision: str) -> None:
    family = make("ddpm", steps=10, precision=precision)
    network = networks.initial(family.network, SHAPE, None, 0, None)
    begun = 0
    # the last one looks at the losses of all
    with no_waiting(lambda: begun, 9) as step:

        def loss(*given: Any) -> torch.Tensor:
            nonlocal begun
            begun += 1
            # the first brings tables to the GPU
            if begun > 1:
                step()
            result: torch.Tensor = family.loss(*given)
            return result

        train(network, loss, family.training, data(), 0, Conduct(CUDA), labels=False)
    assert begun == 10


@pytest.mark.parametrize(("kind", "sampling"), SAMPLERS, ids=str)
def test_no_step_of_a_sampler_waits_for_the_gpu(kind: str, sampling: dict[str, Any]) -> None:
    family = make(kind, sampling)
    network, begun = build(family, CUDA), 0
    draw = Draw(1, torch.arange(4, device=CUDA), SHAPE)
    with torch.inference_mode(), no_waiting(lambda: begun, 1000) as step:

        def predict(images: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
            nonlocal begun
            begun += 1
            step()
            predicted: torch.Tensor = network(images, time, return_dict=False)[0]
            return predicted

        family.generate(predict, draw.noise)
    assert begun >= 6


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(("kind", "sampling"), SAMPLERS, ids=str)
def test_samples_are_those_of_the_cpu(
    kind: str, sampling: dict[str, Any], channels_last: bool
) -> None:
    family = make(kind, sampling, channels_last=channels_last)
    found, expected = (
        sample(
            family,
            build(family, device),
            Draw(1, torch.arange(8, device=device), SHAPE),
            BatchSize(None, device),
        )[0].astype(int)
        for device in (CUDA, CPU)
    )
    # an untrained network makes noise, which no rounding moves far
    assert np.abs(found - expected).mean() < 1
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99


def test_a_training_beside_a_neighbour_says_what_was_needed_and_what_is_free() -> None:
    large = {"kind": "ddpm", "network": "unet48", "training": {"steps": 2, "batch_size": 256}}
    message = r"training\.batch_size: found 256, .* allocate .* free.*; allowed is less"
    with neighbour(1 << 30), pytest.raises(UserError, match=message) as caught:
        GENERATORS["ddpm"].model_validate(large).train(data(), 0, Conduct(CUDA))  # type: ignore[attr-defined]
    assert "\n" not in str(caught.value)


def test_a_sampling_beside_a_neighbour_halves_its_batch_and_makes_the_same() -> None:
    family = make("ddpm")
    draw = Draw(1, torch.arange(4096, device=CUDA), SHAPE)
    network, fits = build(family, CUDA), BatchSize(None, CUDA)
    expected = sample(family, network, draw, BatchSize(64, CUDA))[0].astype(int)
    with neighbour(1 << 30):
        found = sample(family, network, draw, fits)[0].astype(int)
    assert fits.value is not None
    assert fits.value < 4096
    assert np.abs(found - expected).mean() < 1


def test_a_sampling_that_has_no_room_at_all_is_one_line() -> None:
    family = make("ddpm")
    network = build(family, CUDA)
    draw = Draw(1, torch.arange(1 << 12, device=CUDA), SHAPE)
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-6)
    message = r"sampling\.batch_size: found null, .*; allowed is less"
    try:
        with pytest.raises(UserError, match=message), in_one_line("sampling.batch_size", None):
            sample(family, network, draw, BatchSize(None, CUDA))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
