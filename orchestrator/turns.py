"""Turns: which copy of its generator makes a model, where there are several."""

from collections import Counter

from actors.pool.step import Step


class Turns:
    """Gives each model, its training and its sampling, to the copy that has the fewest to make.

    What is asked for again goes to the copy that it went to, where it is found done.
    """

    def __init__(self, copies: int) -> None:
        self._copies = copies
        self._given: dict[tuple[str, str], int] = {}
        self._open: set[tuple[str, str]] = set()

    def copy(self, generator: str, step: Step) -> int:
        """Return the number of the copy for a step of a generator."""
        model = _model(generator, step)
        if model not in self._given:
            mine = {one: copy for one, copy in self._given.items() if one[0] == generator}
            busy = Counter(mine[one] for one in self._open if one in mine)
            # of those with as many, the one that was given its last model first
            last = {copy: number for number, copy in enumerate(mine.values())}
            self._given[model] = min(
                range(self._copies), key=lambda copy: (busy[copy], last.get(copy, -1))
            )
            self._open.add(model)
        return self._given[model]

    def done(self, generator: str, step: Step) -> None:
        """Take down that a model was sampled."""
        self._open.discard(_model(generator, step))


def _model(generator: str, step: Step) -> tuple[str, str]:
    """Return what tells a model apart: its training, or its sampling where it needs none."""
    (path,) = step.inputs.get("checkpoint", (step.path,))
    return generator, path
