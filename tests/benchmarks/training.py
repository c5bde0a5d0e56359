"""Training and sampling against plain PyTorch and diffusers: same network, batch and precision.

Steps per second of our training function and of a bare loop with the same fused optimiser, its rows
on the device; images per second of our sampler and of the stock pipeline with the same scheduler
and steps; and how long a batch takes to make, by the rows that there are.

    python -m tests.benchmarks.training [--device cuda] [--network unet48 --size 32 --channels 3]
        [--precision float16 --channels-last --compile] [--mode reduce-overhead]

`train_speed`, `sample_speed` and `batch_times` need torch, diffusers, NumPy and this project only.
"""

import argparse
import copy
import platform
import time
from typing import Any, NamedTuple

import diffusers
import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMPipeline, DDPMScheduler
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel

from actors.batches import BatchSize
from actors.generators import GENERATORS, networks, sampling
from actors.generators.denoiser import Denoiser
from actors.generators.family import Conduct, Draw, TrainingSet
from actors.generators.networks import autocast
from actors.generators.training.batches import Batches
from actors.generators.training.loop import train

ROUNDS = 5
# torch compiles in the first, and for CUDA graphs in the two after it
WARM_STEPS = 5


class Speeds(NamedTuple):
    """Steps or images per second of the plain program and of ours."""

    plain: float
    ours: float

    @property
    def ratio(self) -> float:
        return self.ours / self.plain


def family(network: str, **fields: Any) -> Denoiser:
    """Return a DDPM of the settings of the digits demo."""
    settings = {"batch_size": 64, "learning_rate": 3e-3, "betas": (0.9, 0.99)}
    made = GENERATORS["ddpm"].model_validate(
        {
            "kind": "ddpm",
            "network": network,
            "training": {**settings, **fields.get("training", {})},
            "sampling": fields.get("sampling", {}),
        }
    )
    assert isinstance(made, Denoiser)
    return made


def random_images(size: int, channels: int, rows: int = 2048) -> np.ndarray:
    """Return images that take as long as any others."""
    return np.random.default_rng(0).integers(0, 256, (rows, size, size, channels), np.uint8)


def train_speed(
    device: torch.device,
    chosen: Denoiser,
    images: np.ndarray,
    *,
    mode: str | None = None,
    rounds: int = ROUNDS,
) -> Speeds:
    """Return steps per second of the bare loop and of ours, the best of some rounds in turns.

    Args:
        mode: of torch.compile in the bare loop, where the training compiles.
    """
    plain, ours = [], []
    for _ in range(rounds):
        plain.append(plain_training(chosen, images, device, mode))
        ours.append(our_training(chosen, images, device)[0])
    steps = chosen.training.steps_for(len(images)) - WARM_STEPS
    return Speeds(steps / min(plain), steps / min(ours))


def plain_training(
    chosen: Denoiser, images: np.ndarray, device: torch.device, mode: str | None = None
) -> float:
    """Run the bare loop; return the seconds of its steps after the first few."""
    settings = chosen.training
    steps = settings.steps_for(len(images))
    height, width, channels = images.shape[1:]
    network = chosen.network.build((height, width, channels)).train()
    network.to(device, memory_format=settings.layout)
    forward = torch.compile(network, mode=mode) if settings.compile else network
    scheduler = DDPMScheduler()
    optimizer = torch.optim.AdamW(
        network.parameters(),
        settings.learning_rate,
        betas=settings.betas,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    schedule = get_cosine_schedule_with_warmup(optimizer, settings.warmup_steps, steps)
    average = EMAModel(
        network.parameters(), decay=settings.ema_decay, use_ema_warmup=True, foreach=True
    )
    scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "float16")
    rows = torch.from_numpy(images).permute(0, 3, 1, 2).to(device).float() / 127.5 - 1
    rows = rows.contiguous(memory_format=settings.layout)
    order: tuple[torch.Tensor, ...] = ()
    for step in range(steps):
        if step == WARM_STEPS:
            started = now(device)
        if not order:
            shuffled = torch.randperm(len(rows), device=device)
            order = shuffled[: len(rows) // settings.batch_size * settings.batch_size].split(
                settings.batch_size
            )
        clean, order = rows[order[0]], order[1:]
        noise = torch.randn_like(clean)
        times = torch.randint(0, 1000, (len(clean),), device=device)
        noisy = scheduler.add_noise(clean, noise, times)
        with autocast(device, settings.precision):
            predicted = forward(noisy, times, return_dict=False)[0]
        loss = torch.nn.functional.mse_loss(predicted.float(), noise)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(network.parameters(), settings.gradient_clip)
        scaler.step(optimizer)
        scaler.update()
        schedule.step()
        optimizer.zero_grad()
        if settings.ema_decay:
            average.step(network.parameters())
    return now(device) - started


def our_training(
    chosen: Denoiser, images: np.ndarray, device: torch.device
) -> tuple[float, torch.nn.Module]:
    """Run our training; return the seconds of its steps after the first few, and the network."""
    height, width, channels = images.shape[1:]
    shape = (height, width, channels)
    begun: list[float] = []

    def loss(*given: Any) -> torch.Tensor:
        begun.append(now(device) if len(begun) == WARM_STEPS else 0.0)
        return chosen.loss(*given)

    data = TrainingSet(lambda rows: images[rows], len(images), shape)
    network = networks.initial(chosen.network, shape, None, 0, None)
    train(network, loss, chosen.training, data, 0, Conduct(device), labels=False)
    return now(device) - begun[WARM_STEPS], network


def sample_speed(
    device: torch.device,
    chosen: Denoiser,
    network: Any,
    shape: tuple[int, int, int],
    rows: int,
    *,
    rounds: int = ROUNDS,
) -> Speeds:
    """Return images per second of the stock pipeline and of ours, DDIM, so many rows together."""
    settings = chosen.sampling
    network.eval().to(device, memory_format=chosen.training.layout)
    # the stock pipeline moves its network about: it has its own
    pipeline = DDPMPipeline(copy.deepcopy(network), DDIMScheduler()).to(device)
    pipeline.set_progress_bar_config(disable=True)
    model = network
    if settings.compile:
        pipeline.unet.compile()
        model = networks.Compiled(network)
    fits = BatchSize(rows, device)
    draw = Draw(0, torch.arange(rows, device=device), shape)

    def stock() -> float:
        started = now(device)
        with autocast(device, settings.precision):
            pipeline(batch_size=rows, num_inference_steps=settings.steps, output_type="np")
        return now(device) - started

    def ours() -> float:
        started = now(device)
        sampling.sample(chosen, model, draw, fits)
        return now(device) - started

    ours(), stock()
    turns = [(stock(), ours()) for _ in range(rounds)]
    theirs, mine = map(min, zip(*turns, strict=True))
    return Speeds(rows / theirs, rows / mine)


def batch_times(
    batch_size: int = 128, counts: tuple[int, ...] = (32_768, 10**6, 10**7), workers: int = 1
) -> dict[int, float]:
    """Return the seconds that one worker takes to make its share of a batch of 32 x 32 x 3."""
    images = random_images(32, 3, 256)
    times = {}
    for rows in counts:
        data = TrainingSet(lambda chosen: images[chosen % 256], rows, (32, 32, 3))
        batches = Batches(data, batch_size, 0, workers=workers)
        each = []
        for step in range(30):
            started = time.perf_counter()
            batches.make(step)
            each.append(time.perf_counter() - started)
        times[rows] = sorted(each)[len(each) // 2]
    return times


def now(device: torch.device) -> float:
    """Return the time after what the device was given is done."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def print_speeds(what: str, names: tuple[str, str], unit: str, speeds: Speeds) -> None:
    """Print two speeds and their ratio."""
    print(f"{what}:")
    print(f"  {names[0]:28s} {speeds.plain:8.1f} {unit}")
    print(f"  {names[1]:28s} {speeds.ours:8.1f} {unit}   {speeds.ratio:.2f} x", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--network", default="small8", help="a network preset")
    parser.add_argument("--size", type=int, default=8)
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--mode", help="of torch.compile in the bare loop")
    parser.add_argument("--steps", type=int, default=100)
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    images = random_images(arguments.size, arguments.channels)
    network = {"precision": arguments.precision, "compile": arguments.compile}
    fields = {
        "steps": arguments.steps,
        "batch_size": arguments.batch_size,
        "channels_last": arguments.channels_last,
    }
    chosen = family(
        arguments.network, training={**fields, **network}, sampling={"steps": 25, **network}
    )
    print_speeds(
        f"training, batch {arguments.batch_size}, {arguments.precision}",
        ("plain PyTorch and diffusers", "ours"),
        "steps/s",
        train_speed(device, chosen, images, mode=arguments.mode),
    )
    height, width, channels = images.shape[1:]
    untrained = chosen.network.build((height, width, channels))
    print_speeds(
        "sampling, DDIM of 25 steps, 256 together",
        ("stock DDPMPipeline", "ours"),
        "images/s",
        sample_speed(device, chosen, untrained, (height, width, channels), 256),
    )
    for rows, seconds in batch_times().items():
        print(f"making a batch of 128 of {rows:>10,} rows: {1e3 * seconds:.2f} ms", flush=True)
    print(
        f"{platform.machine()}, {torch.get_num_threads()} threads, {device}, Python "
        f"{platform.python_version()}, torch {torch.__version__}, diffusers {diffusers.__version__}"
    )


if __name__ == "__main__":
    main()
