import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from actors.seeds import derive_seed, philox, sample_noise


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_gives_the_known_answers_of_random123(
    counter: tuple[int, ...], key: tuple[int, int], expected: str
) -> None:
    words = philox(torch.tensor(counter)[:, None], key)
    assert " ".join(f"{word:08x}" for word in words.flatten().tolist()) == expected


def test_noise_is_standard_normal() -> None:
    noise = sample_noise(7, torch.arange(2000), (3, 5, 5)).flatten().double().numpy()
    assert scipy.stats.kstest(noise, "norm").pvalue > 0.01
    assert abs(noise.mean()) < 0.01
    assert abs(noise.std() - 1) < 0.01


@given(start=st.integers(0, 1000), n=st.integers(1, 20), cut=st.integers(0, 20))
def test_noise_of_a_sample_does_not_depend_on_its_batch(start: int, n: int, cut: int) -> None:
    indices = torch.arange(start, start + n)
    whole = sample_noise(3, indices, (1, 3, 3), draw=2)
    parts = [sample_noise(3, part, (1, 3, 3), draw=2) for part in (indices[:cut], indices[cut:])]
    assert torch.equal(whole, torch.cat(parts))


def test_noise_differs_between_seeds_samples_and_draws() -> None:
    index = torch.tensor([5])
    variants = [
        sample_noise(seed, index + offset, (1, 2, 2), draw)
        for seed in (1, 2, 1 + (1 << 40))
        for offset in (0, 1)
        for draw in (0, 1)
    ]
    assert len({tuple(v.flatten().tolist()) for v in variants}) == len(variants)


def test_derived_seeds_differ_by_name_and_fit_in_63_bits() -> None:
    seeds = {derive_seed(s, name, i) for s in (0, 1) for name in ("train", "x") for i in (1, 2)}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)
