"""Watching a sweep: what its points have come to, on the terminal and as files, while it runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ray import tune
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from orchestrator.analysis.words import COLUMNS
from orchestrator.execution.activity import Activity
from orchestrator.execution.shared import SharedExecutor
from orchestrator.status import StatusFile
from orchestrator.sweep.config import Limits, SweepConfig, named

NOTES_SECONDS = 2.0


@dataclass
class Row:
    """What is known of one point.

    Attributes:
        measures: by iteration.
    """

    name: str
    status: str = "running"
    error: str | None = None
    measures: dict[int, dict[str, float]] = field(default_factory=dict)


class Watch(tune.Callback):
    """Takes down what is reported to Ray Tune, and shows it."""

    def __init__(
        self,
        console: Console,
        sweep: SweepConfig,
        planned: int,
        iterations: int,
        running: Callable[[], list[Text]],
        executor: SharedExecutor,
        status: StatusFile,
    ) -> None:
        """Begin.

        Args:
            planned: points.
            running: returns a line for each step that runs now.
            executor: does the steps of all points.
            status: is written while the sweep runs.
        """
        self.rows: dict[str, Row] = {}
        self._running = running
        self._executor = executor
        self._status = status
        self._console = console
        self._sweep = sweep
        self._planned = planned
        self._iterations = iterations
        self._started = time.monotonic()
        self._reported = self._noted = 0.0
        self._live = Live(
            console=console, refresh_per_second=2, transient=True, get_renderable=self._view
        )

    def __getstate__(self) -> dict[str, Any]:
        # Ray Tune writes its callbacks down, which a terminal cannot be
        left_out = ("_console", "_live", "_running", "_executor", "_status")
        return {k: v for k, v in vars(self).items() if k not in left_out}

    def __enter__(self) -> "Watch":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        self._status.write(self.ended, self._planned, Activity())

    def on_step_end(self, iteration: int, trials: list[Any], **_: Any) -> None:
        """Show what happened to the workers, and write down what they do."""
        if time.monotonic() - self._noted > NOTES_SECONDS:
            self._noted = time.monotonic()
            for note in self._executor.notes():
                self._note(note)
        if self._status.is_due:
            activity = replace(self._executor.activity(), seconds_left=self.seconds_left())
            self._status.write(self.ended, self._planned, activity)

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        """Add a row."""
        self.rows.setdefault(trial.trial_id, Row(named(self._sweep.point_of(trial.config))))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **_: Any
    ) -> None:
        """Take down the measures of an iteration, or a failure."""
        row = self.rows[trial.trial_id]
        if "failed" in result:
            row.error = result["failed"]
            self._note(f"{row.name}: failed: {row.error}")
        if "ended" in result:
            row.status = result["ended"]
            if row.status == "failed" and not any(name in result for name in COLUMNS):
                return
        row.measures[result["iteration"]] = {
            name: value for name, value in result.items() if isinstance(value, float)
        }
        measured = ", ".join(
            f"{heading} {result[name]:.2f}" for name, heading in COLUMNS.items() if name in result
        )
        self._say(f"{row.name}: iteration {result['iteration']}/{self._iterations}, {measured}")

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        """Take down that a point came to its end, or was stopped before."""
        row = self.rows[trial.trial_id]
        if row.status == "running":
            row.status = "stopped"
        if row.status == "stopped":
            self._say(f"{row.name}: stopped after iteration {max(row.measures, default=0)}")

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        """Take down that a point's process died more often than it is tried."""
        row = self.rows[trial.trial_id]
        row.status, row.error = "failed", last_line(trial.get_error())
        self._note(f"{row.name}: failed: {row.error}")

    def seconds_left(self) -> float | None:
        """Return about how long it will take, from the iterations done; None before the first."""
        rows = list(self.rows.values())
        done = sum(len(row.measures) for row in rows)
        ended = [row for row in rows if row.status in ("stopped", "failed")]
        spared = sum(self._iterations - len(row.measures) for row in ended)
        if not done:
            return None
        # from the last report on, as it is no better known until the next
        whole = (self._planned * self._iterations - spared) * self._reported / done
        return max(0.0, whole - (time.monotonic() - self._started))

    @property
    def ended(self) -> int:
        """How many points came to their end."""
        return sum(row.status != "running" for row in self.rows.values())

    def _note(self, line: str) -> None:
        """Print what happened, and keep it in the status."""
        self._say(line)
        self._status.note(line)

    def _say(self, line: str) -> None:
        elapsed = self._reported = time.monotonic() - self._started
        self._console.print(
            f"[{self.ended}/{self._planned}] {elapsed:6.1f} s  {line}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )

    def _view(self) -> Group:
        """Return what is shown below the lines of what was done."""
        rows = list(self.rows.values())
        table = Table("point", "iteration", *COLUMNS.values())
        for row in rows:
            if row.status == "running":
                last = max(row.measures, default=0)
                now = row.measures.get(last, {})
                cells = [f"{now[name]:.2f}" if name in now else "" for name in COLUMNS]
                table.add_row(row.name, f"{last}/{self._iterations}", *cells)
        summary = (
            f"{self.ended} of {self._planned} points, {_minutes(time.monotonic() - self._started)}"
        )
        if (left := self.seconds_left()) is not None:
            summary += f", about {_minutes(left)} left"
        return Group(table, *self._running(), Text(summary))


def _minutes(seconds: float) -> str:
    return f"{seconds // 60:.0f}:{seconds % 60:02.0f} min"


class Stopper(tune.Stopper):
    """Ends a sweep at its limits, or at a failure, if asked."""

    def __init__(self, limits: Limits, fail_fast: bool, executor: SharedExecutor) -> None:
        self._executor = executor
        self._limits = limits
        self._fail_fast = fail_fast
        self._started = time.monotonic()
        self.reason: str | None = None

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        if self._fail_fast and "failed" in result:
            self.reason = "a point failed"
        for name in ("cpu_hours", "gpu_hours"):
            most = getattr(self._limits, name)
            if most is not None and result.get(name, 0) > most:
                self.reason = f"limits.{name}: {result[name]:.3g} were spent of {most:g}"
        return False

    def stop_all(self) -> bool:
        hours = (time.monotonic() - self._started) / 3600
        if self._limits.hours is not None and hours > self._limits.hours:
            self.reason = f"limits.hours: {self._limits.hours:g} are over"
        if self.reason:
            self._executor.halt()
        return self.reason is not None


def last_line(error: Any) -> str:
    """Return the line of an error that says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "its process died again and again"
