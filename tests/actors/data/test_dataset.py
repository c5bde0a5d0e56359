from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from actors.data.dataset import fresh_available, fresh_range, range_positions, split, split_range
from actors.data.digits import Digits
from actors.data.image_folder import ImageFolder
from tests.actors.data.image_files import encoded, noise, write


@given(
    rows=st.integers(2, 900),
    reference_rows=st.integers(2, 800),
    arrivals=st.lists(st.integers(0, 32), max_size=3),
    seed=st.integers(0, 2**63),
)
def test_splits_and_fresh_rows_of_one_seed_share_no_row(
    rows: int, reference_rows: int, arrivals: list[int], seed: int
) -> None:
    dataset = Digits(rows=rows, reference_rows=reference_rows)
    ranges = [split_range(dataset, name) for name in ("train", "reference")]
    ranges += [
        fresh_range(dataset, sum(arrivals[:i]), arriving) for i, arriving in enumerate(arrivals)
    ]
    parts = [range_positions(dataset, *one, seed) for one in ranges]
    assert [len(part) for part in parts] == [rows, reference_rows, *arrivals]
    everything = np.concatenate(parts)
    assert len(set(everything.tolist())) == rows + reference_rows + sum(arrivals)
    assert 0 <= everything.min() <= everything.max() < 1797


def test_splits_and_all_that_is_left_hold_each_row_once() -> None:
    dataset = Digits(rows=600, reference_rows=1100)
    left = range_positions(dataset, *fresh_range(dataset, 0, fresh_available(dataset)), 1)
    parts = [split(dataset, name, 1)[0] for name in ("train", "reference")]
    everything = np.concatenate([*parts, dataset.read(left)[0]])
    whole, _ = dataset.read(np.arange(1797))
    assert np.array_equal(_sorted(everything), _sorted(whole))


def test_another_seed_gives_another_training_set_and_the_same_seed_the_same() -> None:
    dataset = Digits(rows=64)
    first, again, other = (split(dataset, "train", seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_only_the_rows_of_the_split_are_decoded(tmp_path: Path) -> None:
    for i in range(6):
        content = encoded(noise(i, 4, 4))
        write(tmp_path / f"{i}.png", content)
    dataset = ImageFolder(path=str(tmp_path), rows=2, reference_rows=4)
    for position in range_positions(dataset, *split_range(dataset, "reference"), 0).tolist():
        (tmp_path / f"{position}.png").unlink()
    images, labels = split(dataset, "train", 0)
    expected = [
        noise(i, 4, 4) for i in range_positions(dataset, *split_range(dataset, "train"), 0).tolist()
    ]
    assert np.array_equal(images, expected)
    assert labels is None


def test_more_rows_than_there_are_is_refused_with_the_numbers() -> None:
    with pytest.raises(ValidationError, match=r"rows 1000 \+ reference_rows 1000 .* 1797"):
        Digits(rows=1000, reference_rows=1000)


def _sorted(images: np.ndarray) -> np.ndarray:
    return np.sort(images.reshape(len(images), -1).view("V64").ravel())
