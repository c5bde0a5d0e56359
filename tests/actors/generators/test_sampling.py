from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from actors.batches import BatchSize
from actors.errors import NonFiniteError
from actors.generators import GENERATORS
from actors.generators.family import Draw
from actors.generators.sampling import sample, to_uint8
from actors.pool.step import Step
from actors.workers.sample import family_of

CPU = torch.device("cpu")
CASES: list[tuple[str, dict[str, Any]]] = [
    ("ddpm", {"steps": 5}),
    ("ddpm", {"steps": 5, "sampler": "ddpm"}),
    ("ddpm", {"steps": 5, "sampler": "dpm_solver++"}),
    ("ddpm", {"steps": 5, "guidance_scale": 2}),
    ("edm", {"steps": 5}),
    ("edm", {"steps": 5, "guidance_scale": 0}),
    ("flow", {"steps": 5}),
]


def make(kind: str, sampling: dict[str, Any]) -> tuple[Any, Any]:
    labels = "guidance_scale" in sampling
    family: Any = GENERATORS[kind].model_validate(
        {"kind": kind, "sampling": sampling, "labels": labels}
    )
    torch.manual_seed(0)
    return family, family.network.build((8, 8, 1), 10 if labels else None).eval()


def draw(
    family: Any, network: Any, rows: range, seed: int = 1, batch_size: int | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    these = Draw(seed, torch.arange(rows.start, rows.stop), (8, 8, 1), classes=10)
    return sample(family, network, these, BatchSize(batch_size, CPU))


@pytest.mark.parametrize(("kind", "sampling"), CASES)
def test_samples_do_not_depend_on_how_the_work_is_cut(kind: str, sampling: dict[str, Any]) -> None:
    family, network = make(kind, sampling)
    whole, labels = draw(family, network, range(24))
    assert whole.shape == (24, 8, 8, 1)
    assert whole.dtype == np.uint8
    assert (labels is None) == ("guidance_scale" not in sampling)
    parts = [draw(family, network, rows)[0] for rows in (range(10), range(10, 24))]
    small, small_labels = draw(family, network, range(24), batch_size=5)
    for other in (np.concatenate(parts), small):
        # rounding may move a value over the edge of one of 256 levels, no further
        assert np.abs(other.astype(int) - whole).max() <= 1
        assert (other != whole).mean() < 0.01
    assert np.array_equal(labels, small_labels)  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "sampling"), CASES)
def test_samples_of_one_seed_differ_from_each_other_and_from_another_seeds(
    kind: str, sampling: dict[str, Any]
) -> None:
    family, network = make(kind, sampling)
    first, second = (draw(family, network, range(8), seed)[0] for seed in (1, 2))
    rows = np.concatenate((first, second)).reshape(16, -1)
    assert len(np.unique(rows, axis=0)) == 16


def test_every_class_is_sampled_as_often_as_the_others() -> None:
    family, network = make("edm", {"steps": 1, "guidance_scale": 0})
    _, labels = draw(family, network, range(5, 45))
    assert labels is not None
    assert np.bincount(labels).tolist() == [4] * 10


def test_samples_with_nan_are_refused_with_their_count() -> None:
    family, network = make("edm", {"steps": 2})

    def half_broken(x: torch.Tensor, time: torch.Tensor, return_dict: bool) -> Any:
        (output,) = network(x, time, return_dict=False)
        output[::2] = torch.nan
        return (output,)

    with pytest.raises(NonFiniteError, match="4 of the samples 8 to 15 contain NaN"):
        draw(family, half_broken, range(8, 16))


def test_the_batch_that_fits_is_found_by_halving_and_remembered() -> None:
    family, network = make("edm", {"steps": 1})
    tried = []

    def small(x: torch.Tensor, time: torch.Tensor, return_dict: bool) -> Any:
        tried.append(len(x))
        if len(x) > 6:
            raise torch.OutOfMemoryError
        return network(x, time, return_dict=False)

    fits = BatchSize(None, torch.device("cuda"))
    for start in (0, 20):
        rows = torch.arange(start, start + 20)
        images, _ = sample(family, small, Draw(1, rows, (8, 8, 1)), fits)
        assert np.array_equal(images, draw(family, network, range(start, start + 20))[0])
    assert tried == [20, 10, 5, 5, 5, 5, 5, 5, 5, 5]


def test_bytes_are_the_nearest_levels_with_the_ends_clipped() -> None:
    values = torch.tensor([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]).reshape(6, 1, 1, 1)
    assert to_uint8(values).flatten().tolist() == [0, 0, 128, 191, 255, 255]


@pytest.mark.parametrize(("kind", "sampling"), CASES)
def test_no_step_of_a_sampler_waits_for_the_device(kind: str, sampling: dict[str, Any]) -> None:
    family, network = make(kind, sampling)
    # tensors of this device have no values that could be waited for
    there = torch.device("meta")
    network.to(there)
    labels = {"class_labels": torch.empty(6, dtype=torch.int64, device=there)}

    def predict(images: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        given = labels if family.labels else {}
        predicted: torch.Tensor = network(images, time, return_dict=False, **given)[0]
        return predicted

    images = family.generate(predict, lambda number: torch.empty(6, 1, 8, 8, device=there))
    assert images.shape == (6, 1, 8, 8)
    assert images.device == there


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(("kind", "sampling"), CASES)
def test_all_steps_of_a_sampler_have_the_memory_layout_of_the_training(
    kind: str, sampling: dict[str, Any], channels_last: bool, tmp_path: Path
) -> None:
    labels = "guidance_scale" in sampling
    trained: Any = GENERATORS[kind].model_validate(
        {
            "kind": kind,
            "labels": labels,
            "training": {"channels_last": channels_last},
            "sampling": sampling,
        }
    )
    trained.save(trained.network.build((8, 8, 3), 10 if labels else None), tmp_path)
    config, execution = trained.divided("training")
    assert "channels_last" not in str(config)
    step = Step("sample", "generator", {"generator": config}, settings={"generator": execution})
    family: Any = family_of(step)
    network = family.load(tmp_path, CPU)
    given: list[torch.Tensor] = []
    network.register_forward_pre_hook(lambda module, arguments: given.append(arguments[0]))
    sample(family, network, Draw(1, torch.arange(4), (8, 8, 3), classes=10), BatchSize(None, CPU))
    assert len(given) >= 5
    for tensor in (*given, network.conv_in.weight, network.conv_out.weight):
        assert tensor.is_contiguous(memory_format=torch.channels_last) == channels_last
        assert tensor.is_contiguous() != channels_last
