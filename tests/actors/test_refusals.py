import pytest
import torch

from actors.errors import UserError
from actors.pool.step import Step
from actors.refusals import in_one_line
from actors.workers.worker import memory_errors

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
    with pytest.raises(UserError) as caught, in_one_line("training.batch_size", 128):
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
    with pytest.raises(UserError, match=message), in_one_line("sampling.batch_size", None):
        raise RuntimeError(text)


def test_memory_of_the_cpu_that_is_missing_is_said_as_well() -> None:
    message = r"training.batch_size: found 1, .*DefaultCPUAllocator"
    with pytest.raises(UserError, match=message), in_one_line("training.batch_size", 1):
        torch.empty(1 << 60)


def test_other_errors_are_left_as_they_are() -> None:
    message = "shapes cannot be multiplied"
    with pytest.raises(RuntimeError, match=message), in_one_line("training.batch_size", 2):
        torch.ones(2, 3) @ torch.ones(2, 3)


@pytest.mark.parametrize("room", ["selection", "evaluation", "features"])
def test_a_gpu_without_room_for_a_step_is_said_with_the_field_that_gives_it(room: str) -> None:
    step = Step("select", room, {}, settings={"cpus": 1, "gpus": 0.5})
    message = rf"^resources\.{room}\.gpus: found 0\.5, .* 1\.12 GiB is free.*; allowed is less"
    with pytest.raises(UserError, match=message), memory_errors(step):
        raise torch.OutOfMemoryError(TAKEN)


def test_other_steps_are_not_told_of_a_gpu_that_they_do_not_use() -> None:
    with (
        pytest.raises(torch.OutOfMemoryError),
        memory_errors(Step("select", "selection", {}, settings={"gpus": 0})),
    ):
        raise torch.OutOfMemoryError(TAKEN)
