"""Optuna's suggestions: each point once, and the same where a sweep was interrupted."""

from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any

import optuna
from optuna.samplers import RandomSampler, TPESampler
from ray.tune.search.optuna import OptunaSearch

from actors.seeds import derive_seed
from orchestrator.sweep.space import Point, Space


class Suggestions(OptunaSearch):
    """Ray Tune's search by Optuna, in which no point comes twice.

    Optuna may suggest what it did before; and a search that goes on would draw again what it drew
    at its beginning.
    """

    _ot_study: Any

    def __init__(self, space: Space, seed: int, begun: Sequence[Point], **options: Any) -> None:
        """Begin.

        Args:
            begun: points of an earlier run, all of which are suggested before any other.
            options: those of Ray Tune.
        """
        super().__init__(**options)
        self._axes = space
        self._seed_of_all = seed
        self._begun = list(begun)
        self._suggested: list[Point] = []

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """Return the point of a trial of Ray Tune."""
        point = self._new_point()
        if self._begun:
            # where points come one by one, what is drawn is what was drawn then
            point = point if point in self._begun else self._begun[0]
            self._begun.remove(point)
        self._suggested.append(point)
        self._ot_study.enqueue_trial(point)
        return super().suggest(trial_id)

    def _new_point(self) -> Point:
        """Return a point that was not suggested before.

        It follows from the seed, the number of points before it, and what came out of those.
        """
        seed = derive_seed(self._seed_of_all, "suggestion", len(self._suggested)) % 2**32
        samplers = chain([TPESampler(seed=seed)], repeat(RandomSampler(seed=seed)))
        while True:
            self._ot_study.sampler = next(samplers)
            drawn = self._ot_study.ask(fixed_distributions=self._space)
            # it may be of more digits than a point has
            self._ot_study.tell(drawn, state=optuna.trial.TrialState.FAIL)
            point = {field: axis.within(drawn.params[field]) for field, axis in self._axes.items()}
            if point not in self._suggested:
                return point
