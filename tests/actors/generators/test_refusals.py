from typing import Any

import pytest
import torch

from actors.errors import UserError
from actors.generators.refusals import in_one_line

# of torch 2.14 on an H100 whose memory another process has taken
TAKEN = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.19 GiB of "
    "which 1.12 GiB is free. Process 4711 has 70.00 GiB memory in use. Including non-PyTorch "
    "memory, this process has 8.07 GiB memory in use. Of the allocated memory 7.00 GiB is "
    "allocated by PyTorch, and 20.00 MiB is reserved by PyTorch but unallocated. If reserved but "
    "unallocated memory is large try setting PYTORCH_ALLOC_CONF=expandable_segments:True to "
    "avoid fragmentation."
)


def test_memory_that_a_neighbour_has_taken_is_said_with_what_was_needed_and_what_is_free() -> None:
    with pytest.raises(UserError) as caught, in_one_line("training", 128):
        raise torch.OutOfMemoryError(TAKEN)
    message = str(caught.value)
    assert message.startswith("training.batch_size: found 128, for which there is too little")
    for part in ("allocate 2.00 GiB", "1.12 GiB is free", "Process 4711 has 70.00 GiB"):
        assert part in message
    assert message.endswith("; allowed is less, or a device that others leave free")
    assert "PYTORCH_ALLOC_CONF" not in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "text",
    [
        "CUDA error: out of memory\nCompile with `TORCH_USE_CUDA_DSA`",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ],
)
def test_so_is_memory_that_is_missing_before_torch_allocates_any(text: str) -> None:
    message = r"sampling.batch_size: found null, .* too little memory"
    with pytest.raises(UserError, match=message), in_one_line("sampling", None):
        raise RuntimeError(text)


def test_memory_of_the_cpu_that_is_missing_is_said_as_well() -> None:
    message = r"training.batch_size: found 1, .*DefaultCPUAllocator"
    with pytest.raises(UserError, match=message), in_one_line("training", 1):
        torch.empty(1 << 60)


def test_a_network_that_torch_refuses_to_compile_is_said_in_one_line() -> None:
    def refuses(graph: Any, inputs: Any) -> Any:
        raise NotImplementedError("no such operator\nhere")

    network = torch.compile(torch.nn.Linear(2, 2), backend=refuses)
    with pytest.raises(UserError) as caught, in_one_line("training", 2):
        network(torch.ones(2, 2))
    assert str(caught.value).startswith("training.compile: found true, but torch cannot compile")
    assert "no such operator here" in str(caught.value)
    assert str(caught.value).endswith("; allowed is false")
    assert "\n" not in str(caught.value)


def test_other_errors_are_left_as_they_are() -> None:
    message = "shapes cannot be multiplied"
    with pytest.raises(RuntimeError, match=message), in_one_line("training", 2):
        torch.ones(2, 3) @ torch.ones(2, 3)
