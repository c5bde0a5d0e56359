"""Turns: which copy of its generator does a step, where there are several."""

from actors.pool.step import Step


class Turns:
    """Gives each training, with its sampling, to the copies of its generator in turn.

    What is asked for again goes to the copy that it went to, where it is found done.
    """

    def __init__(self, copies: int) -> None:
        self._copies = copies
        self._taken: dict[str, dict[str, int]] = {}

    def copy(self, generator: str, step: Step) -> int:
        """Return the number of the copy for a step of a generator."""
        (model,) = step.inputs.get("checkpoint", (step.path,))
        taken = self._taken.setdefault(generator, {})
        return taken.setdefault(model, len(taken) % self._copies)
