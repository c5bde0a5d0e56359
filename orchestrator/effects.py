"""What alarms do to a loop once they went off."""

from orchestrator.alarms import LowerRatio, lowered
from orchestrator.config import Experiment
from orchestrator.plan import Decide, Plan


class Alarms:
    """The alarms of an arm, as far as is known which of them went off.

    Attributes:
        ended: whether nothing comes after the iteration that was asked for last.
    """

    def __init__(self, plan: Plan, arm: str, experiment: Experiment, decide: Decide | None) -> None:
        """Take what tells which alarms went off; without it, none does."""
        self.ended = False
        self._plan, self._arm, self._decide = plan, arm, decide
        self._experiment = experiment
        self._lowered: list[LowerRatio] = []

    def fresh_rows(self, iteration: int) -> int | None:
        """Return how many fresh real rows arrive after an iteration; None where the arm ends."""
        events = self._decide(self._plan, self._arm, iteration) if self._decide else []
        if events is None:
            self.ended = True
            self._plan.waiting.append(self._arm)
            return None
        self._plan.alarms += events
        fresh = self._experiment.fresh_rows(iteration)
        for action in (self._experiment.alarms[event.alarm].action for event in events):
            if action.kind == "stop":
                self.ended = True
            elif action.kind == "top_up":
                fresh += action.rows
            else:
                self._lowered.append(action)
        return None if self.ended else fresh

    def lowered(self, ratio: float | None) -> float | None:
        """Return what a selection ratio has become."""
        return lowered(ratio, self._lowered)
