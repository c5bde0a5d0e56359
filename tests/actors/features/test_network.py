from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import linear

from actors.batches import BatchSize
from actors.features.network import Loaded, Precision, arithmetic

CPU = torch.device("cpu")
IMAGES = np.random.default_rng(0).integers(0, 256, (20, 4, 3, 2), np.uint8)


def loaded(function: Callable[[torch.Tensor], torch.Tensor], batch_size: int | None) -> Loaded:
    return Loaded(function, CPU, "float32", BatchSize(batch_size, CPU))


@pytest.mark.parametrize("batch_size", [1, 7, 20, 64])
def test_features_are_in_the_order_of_the_images_whatever_the_batch(batch_size: int) -> None:
    features = loaded(lambda x: x.flatten(1).half(), batch_size).extract(IMAGES)
    assert features.dtype == np.float32
    assert np.array_equal(features, IMAGES.transpose(0, 3, 1, 2).reshape(20, -1))


def test_a_batch_without_room_is_halved_and_the_next_images_are_too() -> None:
    tried = []

    def small(images: torch.Tensor) -> torch.Tensor:
        tried.append(len(images))
        if len(images) > 6:
            raise torch.OutOfMemoryError
        return images.flatten(1)

    model = loaded(small, 16)
    for _ in range(2):
        assert np.array_equal(model.extract(IMAGES), IMAGES.transpose(0, 3, 1, 2).reshape(20, -1))
    assert tried == [16, 8, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4]


def test_an_image_without_room_alone_is_an_error() -> None:
    def full(images: torch.Tensor) -> Any:
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        loaded(full, 2).extract(IMAGES)


def test_there_is_no_tf32_inside_and_what_was_set_outside_is_kept() -> None:
    flags: tuple[Any, ...] = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [flag.allow_tf32 for flag in flags]
    for set_outside in (True, False):
        for flag in flags:
            flag.allow_tf32 = set_outside
        with arithmetic(CPU, "float32"):
            assert [flag.allow_tf32 for flag in flags] == [False, False]
        assert [flag.allow_tf32 for flag in flags] == [set_outside] * 2
    for flag, value in zip(flags, before, strict=True):
        flag.allow_tf32 = value


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_products_are_of_the_precision_that_is_asked_for(precision: Precision) -> None:
    rows = torch.rand(4, 8)
    with arithmetic(CPU, precision):
        assert linear(rows, rows).dtype == getattr(torch, precision)
