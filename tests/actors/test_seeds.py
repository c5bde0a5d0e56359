import math
from collections import Counter

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from actors.seeds import derive_seed, permuted, philox, sample_noise


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


@given(rows=st.one_of(st.integers(1, 3000), st.sampled_from((1, 2, 2**12, 2**12 + 1, 4093))))
def test_a_permutation_has_every_row_once(rows: int) -> None:
    found = permuted(np.arange(rows), rows, seed=rows)
    assert np.array_equal(np.sort(found), np.arange(rows))


@given(rows=st.integers(1, 10**9), seed=st.integers(0, 2**63 - 1), data=st.data())
def test_some_places_of_a_permutation_are_those_of_the_whole(
    rows: int, seed: int, data: st.DataObject
) -> None:
    some = st.lists(st.integers(0, rows - 1), min_size=1, max_size=40, unique=True)
    places = np.array(data.draw(some))
    found = permuted(places, rows, seed)
    assert found.min() >= 0
    assert found.max() < rows
    assert len(np.unique(found)) == len(places)
    each = [permuted(places[i : i + 1], rows, seed)[0] for i in range(len(places))]
    assert found.tolist() == each


@pytest.mark.parametrize("rows", [2, 3, 4, 5])
def test_all_orders_of_a_few_rows_are_equally_likely(rows: int) -> None:
    seen = Counter(tuple(permuted(np.arange(rows), rows, seed)) for seed in range(6000))
    assert len(seen) == math.factorial(rows)
    assert scipy.stats.chisquare(list(seen.values())).pvalue > 1e-3


@pytest.mark.parametrize("rows", [9, 50, 97])
def test_any_two_places_have_any_two_rows_equally_often(rows: int) -> None:
    orders = np.stack([permuted(np.arange(rows), rows, seed) for seed in range(4000)])
    for first, second in ((0, 1), (0, rows - 1), (rows // 2, rows // 2 + 1)):
        pairs = np.zeros((rows, rows), dtype=int)
        np.add.at(pairs, (orders[:, first], orders[:, second]), 1)
        assert not pairs.diagonal().any()
        counts = pairs[~np.eye(rows, dtype=bool)]
        assert scipy.stats.chisquare(counts).pvalue > 1e-3


def test_neighbours_in_a_permutation_of_millions_are_no_neighbours_in_the_set() -> None:
    rows = 10**7
    found = permuted(np.arange(20_000), rows, seed=1)
    assert scipy.stats.kstest(found / rows, "uniform").pvalue > 0.01
    steps = np.diff(found) % rows
    assert scipy.stats.kstest(steps / rows, "uniform").pvalue > 0.01
    assert abs(scipy.stats.spearmanr(found[:-1], found[1:]).statistic) < 0.03
