"""Measures on a GPU: those of the CPU."""

from dataclasses import replace

import numpy as np
import pytest
import torch

if not torch.cuda.is_available():
    pytest.skip("torch finds no GPU", allow_module_level=True)

from actors.metrics.base import Sets
from actors.metrics.equal_rows import measure_also_on
from actors.metrics.groups import GROUPS


@pytest.mark.parametrize("d", [16, 384, 3072])
def test_every_measure_is_that_of_the_cpu(d: int) -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, d)) * 2
    samples, reference, training_set, real = (
        (centres[rng.integers(0, 40, n)] + rng.normal(size=(n, d))).astype(np.float32)
        for n in (1500, 1200, 1300, 1100)
    )
    rows = {"training_set": 1000}
    of = Sets(samples, reference, training_set, real, {"features": "drawn"})
    here = list(measure_also_on(of, tuple(GROUPS), rows))
    on_gpu = replace(
        of,
        samples=torch.from_numpy(samples).cuda(),
        reference=torch.from_numpy(reference).cuda(),
        training_set=torch.from_numpy(training_set).cuda(),
        real=torch.from_numpy(real).cuda(),
    )
    there = list(measure_also_on(on_gpu, tuple(GROUPS), rows))
    assert [one.card() for one in there] == [one.card() for one in here]
    for one, other in zip(there, here, strict=True):
        assert one.note == other.note
        assert (one.value is None) == (other.value is None)
        if one.value is not None:
            assert one.value == pytest.approx(other.value, rel=1e-6, abs=1e-6), one.metric
