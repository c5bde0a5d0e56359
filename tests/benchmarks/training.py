"""Training and sampling against plain PyTorch and diffusers: same network, batch and precision.

Steps per second of our training function and of the loop of diffusers' unconditional example;
images per second of our sampler and of the stock pipeline with the same scheduler and steps; and
how much faster the presets of few steps reach the Fréchet distance of DDPM with 1,000.

    python -m tests.benchmarks.training [--device cuda] [--network unet48 --size 32 --channels 3]
"""

import argparse
import copy
import platform
import time
from typing import Any

import diffusers
import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMPipeline, DDPMScheduler
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel

from actors.batches import BatchSize
from actors.data.dataset import split
from actors.data.digits import Digits
from actors.generators import GENERATORS, sampling
from actors.generators.denoiser import Denoiser
from actors.generators.family import Conduct, Draw, TrainingSet
from actors.generators.networks import autocast
from actors.metrics.frechet import frechet_distance

ROUNDS = 5
WARM_STEPS = 5


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


def plain_training(chosen: Denoiser, images: np.ndarray, device: torch.device) -> float:
    """Run the plain loop; return the seconds of its steps after the first few."""
    settings = chosen.training
    steps = settings.steps_for(len(images))
    height, width, channels = images.shape[1:]
    network = chosen.network.build((height, width, channels)).to(device).train()
    scheduler = DDPMScheduler()
    optimizer = torch.optim.AdamW(
        network.parameters(),
        settings.learning_rate,
        betas=settings.betas,
        weight_decay=settings.weight_decay,
    )
    schedule = get_cosine_schedule_with_warmup(optimizer, settings.warmup_steps, steps)
    average = EMAModel(network.parameters(), decay=settings.ema_decay, use_ema_warmup=True)
    scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "float16")
    rows = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(rows), settings.batch_size, shuffle=True, drop_last=True
    )
    step = 0
    while step < steps:
        for (batch,) in loader:
            if step == WARM_STEPS:
                started = now(device)
            clean = batch.to(device)
            noise = torch.randn_like(clean)
            times = torch.randint(0, 1000, (len(clean),), device=device)
            noisy = scheduler.add_noise(clean, noise, times)
            with autocast(device, settings.precision):
                predicted = network(noisy, times).sample
            loss = torch.nn.functional.mse_loss(predicted.float(), noise)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(network.parameters(), settings.gradient_clip)
            scaler.step(optimizer)
            scaler.update()
            schedule.step()
            optimizer.zero_grad()
            average.step(network.parameters())
            step += 1
            if step == steps:
                break
    return now(device) - started


def our_training(
    chosen: Denoiser, images: np.ndarray, device: torch.device
) -> tuple[float, torch.nn.Module]:
    """Run our training; return the seconds of its steps after the first few, and the network."""
    height, width, channels = images.shape[1:]
    reads: list[float] = []

    def read(chosen_rows: np.ndarray) -> np.ndarray:
        reads.append(now(device) if len(reads) == WARM_STEPS else 0.0)
        return images[chosen_rows]

    data = TrainingSet(read, len(images), (height, width, channels))
    network = chosen.train(data, 0, Conduct(device))
    return now(device) - reads[WARM_STEPS], network


def now(device: torch.device) -> float:
    """Return the time after what the device was given is done."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def print_training(chosen: Denoiser, images: np.ndarray, device: torch.device) -> None:
    """Compare training, one after the other in turns."""
    plain, ours = [], []
    for _ in range(ROUNDS):
        plain.append(plain_training(chosen, images, device))
        ours.append(our_training(chosen, images, device)[0])
    steps = chosen.training.steps_for(len(images)) - WARM_STEPS
    ratio = min(plain) / min(ours)
    print(f"training, batch {chosen.training.batch_size}, {chosen.training.precision}:")
    print(f"  plain PyTorch and diffusers  {steps / min(plain):8.1f} steps/s")
    print(f"  ours                         {steps / min(ours):8.1f} steps/s   {ratio:.2f} x plain")


def print_sampling(network: Any, images: np.ndarray, device: torch.device, rows: int) -> None:
    """Compare sampling with the stock pipeline, DDIM of 25 steps."""
    shape = images.shape[1:]
    chosen = family("small8", sampling={"steps": 25})
    fits = BatchSize(rows, device)
    draw = Draw(0, torch.arange(rows, device=device), (shape[0], shape[1], shape[2]))
    # the stock pipeline moves its network about: it has its own
    pipeline = DDPMPipeline(copy.deepcopy(network), DDIMScheduler()).to(device)
    pipeline.set_progress_bar_config(disable=True)

    def stock() -> float:
        started = now(device)
        pipeline(batch_size=rows, num_inference_steps=25, output_type="np")
        return now(device) - started

    def ours() -> float:
        started = now(device)
        sampling.sample(chosen, network, draw, fits)
        return now(device) - started

    ours(), stock()
    turns = [(stock(), ours()) for _ in range(ROUNDS)]
    theirs, mine = map(min, zip(*turns, strict=True))
    print(f"sampling, DDIM of 25 steps, {rows} together:")
    print(f"  stock DDPMPipeline           {rows / theirs:8.1f} images/s")
    print(
        f"  ours                         {rows / mine:8.1f} images/s   {theirs / mine:.2f} x stock"
    )


PRESETS = {
    "ddpm": [1000],
    "ddim": [100, 50, 25],
    "dpm_solver++": [50, 25, 15, 10],
}


def print_presets(network: Any, held_out: np.ndarray, device: torch.device, rows: int) -> None:
    """Print speed and Fréchet distance in pixel space of every preset."""
    real = held_out.reshape(len(held_out), -1) / 127.5 - 1
    shape = held_out.shape[1:]
    slowest = 0.0
    print(f"presets, {rows} samples each, Fréchet distance to {len(real)} held-out rows in pixels:")
    for sampler, counts in PRESETS.items():
        for steps in counts:
            chosen = family("small8", sampling={"sampler": sampler, "steps": steps})
            draw = Draw(0, torch.arange(rows, device=device), (shape[0], shape[1], shape[2]))
            started = now(device)
            made, _ = sampling.sample(chosen, network, draw, BatchSize(None, device))
            seconds = now(device) - started
            slowest = slowest or seconds
            distance = frechet_distance(made.reshape(rows, -1) / 127.5 - 1, real)
            print(
                f"  {sampler:13s} {steps:5d} steps  {rows / seconds:8.1f} images/s   "
                f"{slowest / seconds:5.1f} x ddpm 1000   Fréchet {distance:.3f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--network", default="small8", help="a network preset")
    parser.add_argument("--size", type=int, default=8)
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--steps", type=int, default=100)
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    if arguments.size == 8:
        images = split(Digits(rows=512, reference_rows=1024), "train", 0)[0]
    else:
        shape = (2048, arguments.size, arguments.size, arguments.channels)
        images = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    settings = {"steps": arguments.steps, "batch_size": arguments.batch_size}
    chosen = family(arguments.network, training={**settings, "precision": arguments.precision})
    print_training(chosen, images, device)
    if arguments.size == 8:
        _, network = our_training(
            family("small8", training={"steps": 2000, "batch_size": 128}), images, device
        )
        print_sampling(network, images, device, rows=256)
        held_out = split(Digits(rows=512, reference_rows=1024), "reference", 0)[0]
        print_presets(network, held_out, device, rows=1024)
    print(
        f"{platform.machine()}, {torch.get_num_threads()} threads, {device}, Python "
        f"{platform.python_version()}, torch {torch.__version__}, diffusers {diffusers.__version__}"
    )


if __name__ == "__main__":
    main()
