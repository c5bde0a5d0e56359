from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from actors.pool.real import SPLIT_ROWS, Digits, ImageFolder, split
from actors.pool.real.splits import split_positions
from tests.actors.pool.real.fixtures import noise, png, write


@given(
    rows=st.integers(2, 900),
    reference_rows=st.integers(2, 800),
    fresh_rows=st.integers(0, 97),
    seed=st.integers(0, 2**63),
)
def test_splits_of_one_seed_share_no_row(
    rows: int, reference_rows: int, fresh_rows: int, seed: int
) -> None:
    dataset = Digits(rows=rows, reference_rows=reference_rows, fresh_rows=fresh_rows)
    parts = [split_positions(dataset, name, seed) for name in SPLIT_ROWS]
    assert [len(part) for part in parts] == [rows, reference_rows, fresh_rows]
    everything = np.concatenate(parts)
    assert len(set(everything.tolist())) == rows + reference_rows + fresh_rows
    assert 0 <= everything.min() <= everything.max() < 1797


def test_splits_that_take_all_rows_hold_each_row_once() -> None:
    dataset = Digits(rows=600, reference_rows=1100, fresh_rows=97)
    everything = np.concatenate([split(dataset, name, 1)[0] for name in SPLIT_ROWS])
    whole, _ = dataset.read(np.arange(1797))
    assert np.array_equal(_sorted(everything), _sorted(whole))


def test_another_seed_gives_another_training_set_and_the_same_seed_the_same() -> None:
    dataset = Digits(rows=64)
    first, again, other = (split(dataset, "train", seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_holding_rows_back_leaves_training_set_and_reference_alone() -> None:
    for name in ("train", "reference"):
        without, with_fresh = (split(Digits(fresh_rows=n), name, 1)[0] for n in (0, 200))
        assert np.array_equal(without, with_fresh)


def test_only_the_rows_of_the_split_are_decoded(tmp_path: Path) -> None:
    for i in range(6):
        content = png(noise(i, 4, 4))
        write(tmp_path / f"{i}.png", content)
    dataset = ImageFolder(path=str(tmp_path), rows=2, reference_rows=4)
    for position in split_positions(dataset, "reference", 0).tolist():
        (tmp_path / f"{position}.png").unlink()
    images, labels = split(dataset, "train", 0)
    expected = [noise(i, 4, 4) for i in split_positions(dataset, "train", 0).tolist()]
    assert np.array_equal(images, expected)
    assert labels is None


def test_more_rows_than_there_are_is_refused_with_the_numbers() -> None:
    with pytest.raises(ValidationError, match=r"rows 1000 \+ reference_rows 1000 .* 1797"):
        Digits(rows=1000, reference_rows=1000)
    with pytest.raises(ValidationError, match=r"rows 2 \+ .* \+ fresh_rows 1794 is more .* 1797"):
        Digits(rows=2, reference_rows=2, fresh_rows=1794)


def _sorted(images: np.ndarray) -> np.ndarray:
    return np.sort(images.reshape(len(images), -1).view("V64").ravel())
