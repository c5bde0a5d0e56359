"""The losses of a training: watched for what is not finite, kept as a curve."""

import torch
import torch.distributed

from actors.errors import NonFiniteError

# steps between two looks, each of which waits for the device
CHECK_EVERY = 50


class Losses:
    """Collects losses on the device and looks at them together."""

    def __init__(self, device: torch.device, steps: int, curve: list[list[float]]) -> None:
        """Take the steps of the training, and the curve to go on with."""
        self._curve = curve
        self._steps = steps
        self._recent = torch.zeros(CHECK_EVERY, device=device)
        self._count = 0

    def add(self, loss: torch.Tensor) -> None:
        """Take the loss of a step."""
        self._recent[self._count] = loss.detach()
        self._count += 1

    def due(self, step: int) -> bool:
        """Whether to look after so many steps."""
        return self._count == CHECK_EVERY or step == self._steps

    def look(self, step: int, learning_rate: float) -> None:
        """Put the mean of the recent losses, of all workers, on the curve.

        Raises:
            NonFiniteError: one is not finite; gives the step, the rate and the last finite loss.
        """
        recent = self._recent[: self._count]
        if torch.distributed.is_initialized():
            torch.distributed.all_reduce(recent)
            recent /= torch.distributed.get_world_size()
        values = recent.tolist()
        first = step - self._count + 1
        self._count = 0
        bad = [number for number, finite in enumerate(recent.isfinite().tolist()) if not finite]
        if bad:
            before = [*(value for _, value in self._curve), *values[: bad[0]]]
            last = f"{before[-1]:.4g}" if before else "none"
            raise NonFiniteError(
                f"the training loss is {values[bad[0]]} at step {first + bad[0]} of {self._steps} "
                f"(learning rate {learning_rate:.3g}, last finite loss {last}); "
                "try a smaller training.learning_rate or longer warmup_steps"
            )
        self._curve.append([step, sum(values) / len(values)])
