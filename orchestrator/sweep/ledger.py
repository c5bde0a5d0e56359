"""The ledger of a sweep: which copy does which training, what was spent, and whether it goes on."""

from typing import Any

import ray

from actors.pool.step import Step
from orchestrator.turns import Turns


@ray.remote(num_cpus=0)
class Ledger:
    """Gives the trainings of all points to the copies of the generators, and counts their costs."""

    def __init__(self, copies: int) -> None:
        self._turns = Turns(copies)
        self._halted = False
        self._charged: set[str] = set()
        self._spent = {"cpu_hours": 0.0, "gpu_hours": 0.0}

    def copy(self, generator: str, step: Step) -> int:
        """Return the number of the copy for a step of a generator."""
        return self._turns.copy(generator, step)

    def done(self, generator: str, step: Step) -> None:
        """Take down that a model was sampled."""
        self._turns.done(generator, step)

    def charge(self, costs: dict[str, tuple[float, float]]) -> dict[str, float]:
        """Count steps by path, with their CPU and GPU hours, each once; return the sum so far."""
        for path, (cpu, gpu) in costs.items():
            if path not in self._charged:
                self._charged.add(path)
                self._spent["cpu_hours"] += cpu
                self._spent["gpu_hours"] += gpu
        return self._spent

    def halt(self) -> None:
        """Take down that the sweep ends before its points do."""
        self._halted = True

    def halted(self) -> bool:
        """Whether the sweep ends before its points do."""
        return self._halted


class LedgersTurns:
    """The turns that the ledger keeps for all points."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger

    def copy(self, generator: str, step: Step) -> int:
        """Return the number of the copy for a step of a generator."""
        return int(ray.get(self._ledger.copy.remote(generator, step)))

    def done(self, generator: str, step: Step) -> None:
        """Take down that a model was sampled."""
        self._ledger.done.remote(generator, step)


def open_ledger(copies: int) -> Any:
    """Start the ledger."""
    ledger: Any = Ledger
    return ledger.remote(copies)
