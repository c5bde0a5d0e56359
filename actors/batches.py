"""Batches that fit into the memory of a device."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

Result = TypeVar("Result")

# rows computed together on a CPU when nothing is said; more is no faster
CPU_BATCH = 256


class BatchSize:
    """The largest number of rows that were found to fit together; None: all, until one fails."""

    def __init__(self, wanted: int | None, device: "torch.device") -> None:
        self.value = wanted or (CPU_BATCH if device.type == "cpu" else None)

    def batches(self, rows: int, compute: Callable[[int, int], Result]) -> Iterator[Result]:
        """Yield what a function of first row and end returns, batch after batch of all rows.

        A batch that does not fit into the memory of a GPU is halved, as are those after it.
        """
        import torch

        done = 0
        while done < rows:
            size = min(rows - done, self.value or rows)
            try:
                made = [compute(done, done + size)]
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
                made, self.value = [], size // 2
            if made:
                done += size
                yield made.pop()
            else:
                # here, as the error that is gone held on to what there was of them
                torch.cuda.empty_cache()
