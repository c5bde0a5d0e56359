"""What a device has no memory for, and what torch's compiler refuses, said in one line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from actors.errors import UserError

# of torch, CUDA and its libraries; only the first of them has a class of its own
NO_MEMORY = re.compile(r"out of memory|ALLOC_FAILED|can't allocate memory")
# what follows in torch's words is advice to those who write programs
ADVICE = " If reserved but unallocated memory"


@contextmanager
def in_one_line(block: str, batch_size: int | None) -> Iterator[None]:
    """Say which setting of a block, `training` or `sampling`, asks for what is refused here.

    Raises:
        UserError: there is too little memory, or the network cannot be compiled.
    """
    try:
        yield
    except RuntimeError as error:
        text = " ".join(str(error).split())
        if NO_MEMORY.search(text):
            found = "null" if batch_size is None else batch_size
            raise UserError(
                f"{block}.batch_size: found {found}, for which there is too little memory: "
                f"{text.partition(ADVICE)[0].rstrip('.')}; allowed is less, or a device that "
                "others leave free"
            ) from None
        if _is_of_the_compiler(error):
            raise UserError(
                f"{block}.compile: found true, but torch cannot compile this network here: "
                f"{text[:300]}; allowed is false"
            ) from None
        raise


def _is_of_the_compiler(error: RuntimeError) -> bool:
    from torch._dynamo.exc import TorchDynamoException  # costs a second

    return isinstance(error, TorchDynamoException)
