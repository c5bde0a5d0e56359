"""How much faster samplers of few steps reach the Fréchet distance of DDPM with 1,000, on digits.

python -m tests.benchmarks.presets [--device cuda]
"""

import argparse
from typing import Any

import numpy as np
import torch

from actors.batches import BatchSize
from actors.data.dataset import split
from actors.data.digits import Digits
from actors.generators import sampling
from actors.generators.family import Draw
from actors.metrics.frechet import frechet_distance
from tests.benchmarks.training import family, now, our_training

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
    device = torch.device(parser.parse_args().device)
    data = Digits(rows=512, reference_rows=1024)
    images, held_out = (split(data, name, 0)[0] for name in ("train", "reference"))
    chosen = family("small8", training={"steps": 2000, "batch_size": 128})
    _, trained = our_training(chosen, images, device)
    print_presets(trained.eval(), held_out, device, rows=1024)


if __name__ == "__main__":
    main()
