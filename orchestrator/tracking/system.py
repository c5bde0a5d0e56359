"""Load of the driver's machine, in the tab "System metrics" of a run."""

import threading
import time
from collections.abc import Callable
from typing import Any

INTERVAL_SECONDS = 10.0


class SystemMetrics:
    """Reads CPU, memory, disk, network and GPU now and then, by MLflow's monitors."""

    def __init__(self, since: float, put: Callable[[dict[str, float], int], object]) -> None:
        """Start.

        Args:
            since: POSIX time from which steps are counted, so that a resumed run goes on.
            put: takes metrics and their step.
        """
        self._since = since
        self._put = put
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="system metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        monitors = _monitors()
        while not self._ended.wait(INTERVAL_SECONDS):
            metrics: dict[str, float] = {}
            for monitor in monitors:
                monitor.collect_metrics()
                metrics |= {f"system/{k}": v for k, v in monitor.aggregate_metrics().items()}
                monitor.clear_metrics()
            self._put(metrics, int((time.time() - self._since) / INTERVAL_SECONDS))


def _monitors() -> list[Any]:
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
    from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
    from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

    monitors = [CPUMonitor(), DiskMonitor(), NetworkMonitor()]
    try:
        return [*monitors, GPUMonitor()]
    except Exception:  # no GPU, or not the library that reads it
        return monitors
