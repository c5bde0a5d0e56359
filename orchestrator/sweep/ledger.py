"""The ledger of a sweep: which copy of the generators serves which point, and what was spent."""

from typing import Any

import ray


@ray.remote(num_cpus=0)
class Ledger:
    """Lends copies of the generators to points, and counts what their steps cost, each once."""

    def __init__(self, copies: int) -> None:
        self._free = list(range(copies))
        self._lent: dict[str, int] = {}
        self._charged: set[str] = set()
        self._spent = {"cpu_hours": 0.0, "gpu_hours": 0.0}

    def lend(self, point: str) -> int:
        """Return the copy that serves a point from now on; one is shared where none is free."""
        if point not in self._lent:
            self._lent[point] = self._free.pop(0) if self._free else 0
        return self._lent[point]

    def give_back(self, point: str) -> None:
        """Take back what a point was lent."""
        copy = self._lent.pop(point, None)
        if copy is not None and copy not in self._lent.values():
            self._free.append(copy)

    def charge(self, costs: dict[str, tuple[float, float]]) -> dict[str, float]:
        """Count steps by path, with their CPU and GPU hours; return what was spent in all."""
        for path, (cpu, gpu) in costs.items():
            if path not in self._charged:
                self._charged.add(path)
                self._spent["cpu_hours"] += cpu
                self._spent["gpu_hours"] += gpu
        return self._spent


def open_ledger(copies: int) -> Any:
    """Start the ledger."""
    ledger: Any = Ledger
    return ledger.remote(copies)
