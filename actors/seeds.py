"""Seeds and random bits that depend on names and counters, never on who draws them."""

import hashlib
import math

import numpy as np
import torch

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_MASK = 0xFFFFFFFF
# with fewer, some orders of a handful of rows are measurably rarer than others
_FEISTEL_ROUNDS = 12


def derive_seed(seed: int, *names: object) -> int:
    """Return a 63-bit seed for the purpose spelled by `names`."""
    text = "/".join(str(name) for name in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def permuted(places: np.ndarray, rows: int, seed: int) -> np.ndarray:
    """Return which rows a random permutation of `rows` rows has at some places.

    It takes time and memory in the order of the places and of the square root of the rows: a
    Feistel network on pairs of numbers, of which there are a few more than rows; what lies beyond
    them is sent on. Source: Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA
    2002.

    Args:
        places: (n,) int64, each in [0, rows).

    Returns:
        (n,) int64.
    """
    lefts = 2 * (math.isqrt(rows - 1) // 2 + 1)  # of an odd number, half of the orders never come
    rights = -(-rows // lefts)
    draws = np.random.default_rng(seed)
    shifts = [
        (draws.integers(lefts, size=rights), draws.integers(rights, size=lefts))
        for _ in range(_FEISTEL_ROUNDS // 2)
    ]

    def sent(numbers: np.ndarray) -> np.ndarray:
        left, right = np.divmod(numbers, rights)
        for left_shift, right_shift in shifts:
            left = (left + left_shift[right]) % lefts
            right = (right + right_shift[left]) % rights
        return np.asarray(left * rights + right)

    found = sent(places)
    while (beyond := found >= rows).any():
        found[beyond] = sent(found[beyond])
    return found


def philox(counter: torch.Tensor, key: tuple[int, int]) -> torch.Tensor:
    """Return the Philox4x32-10 block of every counter.

    Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

    Args:
        counter: (4, ...) int64, each entry in [0, 2^32).
        key: two 32-bit words.

    Returns:
        (4, ...) int64 tensor, each entry in [0, 2^32).
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        # int64 products wrap, but their upper and lower 32 bits are those of the unsigned product
        high0, low0 = (p0 >> 32) & _MASK, p0 & _MASK
        high1, low1 = (p1 >> 32) & _MASK, p1 & _MASK
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + _WEYL[0]) & _MASK, (k1 + _WEYL[1]) & _MASK
    return torch.stack((c0, c1, c2, c3))


def sample_noise(
    seed: int, indices: torch.Tensor, shape: tuple[int, ...], draw: int = 0
) -> torch.Tensor:
    """Return standard normal noise that depends on (seed, sample index, draw) alone.

    Args:
        seed: 63-bit seed of the sampling step.
        indices: (n,) int64 sample indices below 2^32, on the device the noise is wanted on.
        shape: shape of one sample.
        draw: which of a sample's independent draws, for samplers that add noise on their way.

    Returns:
        (n, *shape) float32 tensor, by Box-Muller from Philox4x32-10.
    """
    size = int(torch.Size(shape).numel())
    blocks = torch.arange((size + 3) // 4, device=indices.device)
    block, index = torch.broadcast_tensors(blocks[None, :], indices.to(torch.int64)[:, None])
    counter = torch.stack((block, index, torch.full_like(block, draw), torch.zeros_like(block)))
    words = philox(counter, (seed & _MASK, (seed >> 32) & _MASK))
    uniform = (words.to(torch.float64) + 0.5) / 2**32
    radius = (-2 * uniform[0::2].log()).sqrt()
    angle = 2 * torch.pi * uniform[1::2]
    normal = torch.cat((radius * angle.cos(), radius * angle.sin()))
    flat = normal.movedim(0, -1).flatten(1)[:, :size]
    return flat.reshape(len(indices), *shape).to(torch.float32)
