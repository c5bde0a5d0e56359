"""Population-based training that does not wait for members that have ended."""

import random
from typing import Any

import numpy as np
from ray.tune.experiment import Trial
from ray.tune.schedulers import PopulationBasedTraining

from actors.seeds import derive_seed


class Population(PopulationBasedTraining):
    """Ray Tune's population-based training, in which all members wait for each other.

    Where the one that the others wait for ends, by a failure or an alarm, Ray Tune 2.60 leaves
    them waiting for ever; and what it draws depends on what else the process drew.
    """

    def __init__(self, seed: int, **options: Any) -> None:
        """Begin.

        Args:
            seed: of what is drawn.
            options: those of Ray Tune, without `synch`.
        """
        super().__init__(synch=True, **options)
        self._seed = seed

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Take down a result; when the last member has one, let the worst take over."""
        kept = random.getstate(), np.random.get_state()
        seed = derive_seed(self._seed, "population", result[self._time_attr])
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            return super().on_trial_result(tune_controller, trial, result)
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        """Go on without a member that has come to its end."""
        self._go_on_without(tune_controller, trial)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Go on without a member whose process died, unless it is tried again."""
        # one that is tried again has been stopped as in error before
        if trial.status != Trial.ERROR:
            self._go_on_without(tune_controller, trial)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Go on without a member that is stopped while it waits."""
        self._go_on_without(tune_controller, trial)

    def _go_on_without(self, tune_controller: Any, trial: Trial) -> None:
        """Do what the last result of an interval does, where the others waited for this member."""
        ended = self._trial_state[trial]
        # in no quantile, and behind nobody
        ended.last_score = None
        ended.last_train_time = int(self._next_perturbation_sync)
        left = [member for member in tune_controller.get_live_trials() if member is not trial]
        states = [self._trial_state[member] for member in left]
        waiting = all(member.last_train_time >= self._next_perturbation_sync for member in states)
        if left and waiting and (result := states[0].last_result):
            self.on_trial_result(tune_controller, left[0], result)
