"""Progress: a live display on a terminal, plain lines elsewhere."""

import time
from collections.abc import Collection, Iterable
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from orchestrator.plan import PlannedStep


class Running:
    """Knows the steps that may run, and says how far those are that do."""

    def __init__(self, planned: Iterable[PlannedStep]) -> None:
        self._by_name: dict[str, PlannedStep] = {}
        self.add(planned)

    def add(self, planned: Iterable[PlannedStep]) -> None:
        """Know more steps."""
        self._by_name |= {name: p for p in planned for name in (p.step.key, p.step.path)}

    def lines(self, progress: dict[str, tuple[float, str]]) -> list[Text]:
        """Return a line for each step that runs, from what the actors reported by key or unit."""
        lines = []
        for key, (fraction, note) in progress.items():
            planned = self._by_name.get(key) or self._by_name.get(key.rpartition("/")[0])
            if planned:
                lines.append(Text(f"  {fraction:4.0%}  {planned.describe()}  ({note})", "dim"))
        return lines


class Display:
    """Shows which steps are done and how far the running ones are."""

    def __init__(self, console: Console, done: int) -> None:
        self._console = console
        self._running = Running(())
        self._done = done
        self._total = done
        self._started = time.monotonic()
        self._bar = Progress(
            TextColumn("[bold]steps"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._bar.add_task("steps", total=self._total, completed=done)
        self._live = Live(self._bar, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> "Display":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def add(self, planned: Collection[PlannedStep]) -> None:
        """Have more steps to do."""
        self._running.add(planned)
        self._total += len(planned)
        self._bar.update(self._task, total=self._total)

    def done(self, planned: PlannedStep) -> None:
        """Show that a step is done."""
        self._done += 1
        self._bar.update(self._task, completed=self._done)
        elapsed = time.monotonic() - self._started
        width = len(str(self._total))
        line = f"[{self._done:{width}d}/{self._total}] {elapsed:6.1f} s  {planned.describe()}"
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def running(self, progress: dict[str, tuple[float, str]]) -> None:
        """Show how far the running steps are, on a terminal."""
        if self._console.is_terminal:
            self._live.update(Group(*self._running.lines(progress), self._bar))
