from typing import Any

import numpy as np
import pytest
import torch

from actors.errors import NonFiniteError
from actors.generator import GENERATORS
from actors.generator.sampling import sample, to_uint8

CPU = torch.device("cpu")
CASES = [("ddpm", {"steps": 5}), ("ddpm", {"steps": 5, "eta": 1}), ("edm", {"steps": 5})]


def make(kind: str, sampling: dict[str, Any]) -> tuple[Any, Any]:
    family = GENERATORS[kind].model_validate({"kind": kind, "sampling": sampling})
    torch.manual_seed(0)
    return family, family.network.build((8, 8, 1)).eval()


@pytest.mark.parametrize(("kind", "sampling"), CASES)
def test_samples_do_not_depend_on_how_the_work_is_cut(kind: str, sampling: dict[str, Any]) -> None:
    family, network = make(kind, sampling)
    whole = sample(family, network, 0, 24, (8, 8, 1), 1, 24, CPU)
    assert whole.shape == (24, 8, 8, 1)
    assert whole.dtype == np.uint8
    parts = [sample(family, network, a, b, (8, 8, 1), 1, 24, CPU) for a, b in ((0, 10), (10, 24))]
    small = sample(family, network, 0, 24, (8, 8, 1), 1, 5, CPU)
    for other in (np.concatenate(parts), small):
        # rounding may move a value over the edge of one of 256 levels, no further
        assert np.abs(other.astype(int) - whole).max() <= 1
        assert (other != whole).mean() < 0.01


@pytest.mark.parametrize(("kind", "sampling"), CASES)
def test_samples_of_one_seed_differ_from_each_other_and_from_another_seeds(
    kind: str, sampling: dict[str, Any]
) -> None:
    family, network = make(kind, sampling)
    first, second = (sample(family, network, 0, 8, (8, 8, 1), s, 8, CPU) for s in (1, 2))
    rows = np.concatenate((first, second)).reshape(16, -1)
    assert len(np.unique(rows, axis=0)) == 16


def test_samples_with_nan_are_refused_with_their_count() -> None:
    family, network = make("edm", {"steps": 2})

    def half_broken(x: torch.Tensor, time: torch.Tensor) -> Any:
        output = network(x, time)
        output.sample[::2] = torch.nan
        return output

    with pytest.raises(NonFiniteError, match="4 of the samples 8 to 15 contain NaN"):
        sample(family, half_broken, 8, 16, (8, 8, 1), 1, 8, CPU)


def test_bytes_are_the_nearest_levels_with_the_ends_clipped() -> None:
    values = torch.tensor([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]).reshape(6, 1, 1, 1)
    assert to_uint8(values).flatten().tolist() == [0, 0, 128, 191, 255, 255]
