"""What a device has no memory for, said in one line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from actors.errors import UserError

# of torch, CUDA and its libraries; only the first of them has a class of its own
NO_MEMORY = re.compile(r"out of memory|ALLOC_FAILED|can't allocate memory")
# what follows in torch's words is advice to those who write programs
ADVICE = " If reserved but unallocated memory"


@contextmanager
def in_one_line(field: str, value: float | None) -> Iterator[None]:
    """Say which field, and its value, asks for what is refused here.

    Raises:
        UserError: there is too little memory.
    """
    try:
        yield
    except RuntimeError as error:
        text = " ".join(str(error).split())
        if NO_MEMORY.search(text):
            found = "null" if value is None else value
            raise UserError(
                f"{field}: found {found}, for which there is too little memory: "
                f"{text.partition(ADVICE)[0].rstrip('.')}; allowed is less, or a device that "
                "others leave free"
            ) from None
        raise
