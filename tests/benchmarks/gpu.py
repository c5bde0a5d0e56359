"""The paper's size on a GPU: selection, evaluation, training and sampling, against bare loops.

* selection: greedy selection of half of 65,536 rows of 384 and of 3,072 features, the same ids as
  on the CPU, against one product for every pick in torch on the same GPU.
* evaluation: all measures of 65,536 samples against 32,768 training rows and 10,000 held-out rows
  of 3,072 pixels, group by group; on an eighth of the rows their values against the CPU's.
* training: `cifar10.yaml`'s network, steps and images per second against bare loops, with compiled
  networks, CUDA graphs and larger batches.
* hours: what one arm of `cifar10.yaml` takes by these figures.

Prints a line and ends where torch finds no GPU. Needs no Ray; what needs a package that is not
there is left out, with a line that says so.

    python -m tests.benchmarks.gpu [--only selection evaluation training]
"""

import argparse
import importlib.util
import platform
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from actors.distances.space import PIXELS
from actors.metrics.base import Sets
from actors.metrics.groups import GROUPS
from actors.selection.greedy import greedy

ROWS, TRAINED_ON, HELD_OUT, PIXEL_COUNT = 65_536, 32_768, 10_000, 3_072
PICKS, EIGHTH = 500, 8
# of cifar10.yaml
EPOCHS, BATCH, SAMPLER_STEPS, ITERATIONS = 500, 128, 1_000, 8
CUDA = torch.device("cuda")

# of what an iteration of cifar10.yaml does once
Seconds = dict[str, float]


def clusters(rows: int, features: int, seed: int) -> np.ndarray:
    """Return 200 Gaussian clusters of different width, the same ones for every seed."""
    centres = np.random.default_rng(0).normal(size=(200, features)) * 3
    rng = np.random.default_rng(seed)
    width = rng.uniform(0.2, 1.5, (rows, 1))
    noise = rng.normal(size=(rows, features))
    return (centres[rng.integers(0, 200, rows)] + noise * width).astype(np.float32)


def levels(rows: int, seed: int) -> np.ndarray:
    """Return rows of 3,072 pixels at 256 levels in [-1, 1], near 200 centres."""
    whole = np.rint(clusters(rows, PIXEL_COUNT, seed) * 14 + 127.5).clip(0, 255)
    return (whole / 127.5 - 1).astype(np.float32)


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes on the GPU, the second time."""
    for _ in range(2):
        torch.cuda.synchronize()
        started = time.perf_counter()
        call()
        torch.cuda.synchronize()
    return time.perf_counter() - started


def plain(rows: torch.Tensor, picks: int) -> None:
    """Pick rows by one product each, as a loop in torch does."""
    norms = rows.square().sum(dim=1)
    closest = torch.full((len(rows),), torch.inf, device=rows.device)
    for _ in range(picks):
        place = closest.argmax()
        torch.minimum(closest, norms + norms[place] - 2 * (rows @ rows[place]), out=closest)


def selection() -> Seconds:
    """Measure greedy selection; return its seconds at the paper's size."""
    took, kept = 0.0, ROWS // 2
    for features in (384, PIXEL_COUNT):
        rows = clusters(ROWS, features, 1)
        took = seconds(partial(greedy, rows, kept, seed=0, device="cuda"))
        loop = seconds(partial(plain, torch.from_numpy(rows).to(CUDA), PICKS)) * kept / PICKS
        chosen = greedy(rows, kept, seed=0, device="cuda").positions
        same = np.array_equal(chosen, greedy(rows, kept, seed=0).positions)
        print(
            f"greedy, {ROWS:,} x {features:,} to {kept:,}: {took:.2f} s, plain loop "
            f"{loop:.1f} s (scaled), ids {'the same as' if same else 'NOT THOSE OF'} the CPU",
            flush=True,
        )
    return {"selection": took}


def sets(device: str, share: int = 1) -> Sets:
    """Return the sets of the paper's size, or of a share of it, with their rows on a device."""
    samples, training_set, reference = (
        torch.from_numpy(levels(size // share, seed)).to(device)
        for seed, size in enumerate((ROWS, TRAINED_ON, HELD_OUT), 1)
    )
    return Sets(samples, reference, training_set, card={"features": "pixels"}, space=PIXELS)


def evaluation() -> Seconds:
    """Measure every group of metrics; return the seconds of all at the paper's size."""
    farthest = 0.0
    for group in GROUPS.values():
        cpu, gpu = (list(group.take(sets(device, EIGHTH))) for device in ("cpu", "cuda"))
        for one, other in zip(cpu, gpu, strict=True):
            if one.value is not None and other.value is not None:
                off = abs(other.value - one.value) / max(1e-12, abs(one.value))
                farthest = max(farthest, off)
    print(f"metrics of an eighth of the rows: at most {farthest:.1e} from the CPU's")
    whole, total = sets("cuda"), 0.0
    for name, group in GROUPS.items():
        torch.cuda.synchronize()
        started = time.perf_counter()
        taken = len(list(group.take(whole)))
        torch.cuda.synchronize()
        took = time.perf_counter() - started
        total += took
        # what a group searches is there for those after it
        print(f"  {name:16s} {taken:3d} metrics  {took:8.2f} s", flush=True)
    print(f"evaluation at the paper's size: {total:.1f} s", flush=True)
    return {"evaluation": total}


def training() -> Seconds:
    """Measure training and sampling of cifar10.yaml; return the seconds of both at its size."""
    lacking = [name for name in ("diffusers", "pydantic") if not importlib.util.find_spec(name)]
    if lacking:
        print(f"training: left out, as {lacking[0]} is not installed")
        return {}
    from tests.benchmarks.training import family, random_images, sample_speed, train_speed

    images, best = random_images(32, 3), 0.0
    fast = {"precision": "float16", "channels_last": True}
    variants: list[tuple[str, dict[str, object], str | None]] = [
        ("batch 128", {}, None),
        ("batch 128, compiled", {"compile": True}, None),
        (
            "batch 128, compiled; the bare loop with CUDA graphs",
            {"compile": True},
            "reduce-overhead",
        ),
        ("batch 512, compiled", {"compile": True, "batch_size": 4 * BATCH}, None),
    ]
    for name, more, mode in variants:
        chosen = family("unet48", training={"steps": 105, "batch_size": BATCH, **fast, **more})
        speed = train_speed(CUDA, chosen, images, mode=mode, rounds=2)
        print(
            f"training UNet48, {name}: bare {speed.plain:.1f}, ours {speed.ours:.1f} steps/s, "
            f"{speed.ratio:.2f}",
            flush=True,
        )
        if chosen.training.batch_size == BATCH:
            best = max(best, speed.ours)
    chosen = family("unet48", training=fast, sampling={"steps": 50, "precision": "float16"})
    network = chosen.network.build((32, 32, 3))
    speed = sample_speed(CUDA, chosen, network, (32, 32, 3), 2048, rounds=2)
    print(
        f"sampling, DDIM of 50 steps, 2,048 together: stock {speed.plain:.0f}, "
        f"ours {speed.ours:.0f} images/s, {speed.ratio:.2f}",
        flush=True,
    )
    steps = EPOCHS * TRAINED_ON / BATCH
    # DDPM's 1,000 steps are twenty times those of 50
    return {"training": steps / best, "sampling": ROWS * SAMPLER_STEPS / 50 / speed.ours}


PARTS: dict[str, Callable[[], Seconds]] = {
    "selection": selection,
    "evaluation": evaluation,
    "training": training,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    given = parser.parse_args()
    if not torch.cuda.is_available():
        print("torch finds no GPU: nothing is measured")
        return
    started = time.perf_counter()
    taken: Seconds = {}
    for part in given.only:
        taken |= PARTS[part]()
    if len(taken) == 4:
        hours = {name: ITERATIONS * each / 3600 for name, each in taken.items()}
        parts = ", ".join(f"{name} {each:.1f}" for name, each in hours.items())
        print(f"one arm of cifar10.yaml: {sum(hours.values()):.1f} hours ({parts})")
    print(
        f"{(time.perf_counter() - started) / 60:.1f} minutes; {torch.cuda.get_device_name()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}, CUDA {torch.version.cuda}"
    )


if __name__ == "__main__":
    main()
