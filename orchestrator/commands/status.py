"""`ouroboros status`: what the runs of a store do, also from another machine."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from orchestrator.commands.base import (
    STORE,
    Command,
    argument,
    counted,
    locate_store,
    newest,
    refuse,
)

if TYPE_CHECKING:
    from orchestrator.named_runs import NamedRun
    from orchestrator.status import Status

SHOWN = 5


def status(command: argparse.Namespace, tokens: list[str]) -> int:
    """Print one line for each run of a store, or all that is known of one."""
    refuse(tokens, "RUN_OR_SWEEP and --store")
    from orchestrator.named_runs import find_runs, named_runs
    from orchestrator.status import read_status

    storage = locate_store(command.store)
    if command.name:
        runs = [newest(find_runs(storage, command.name, "RUN_OR_SWEEP"))]
    else:
        runs = sorted(named_runs(storage), key=lambda run: run.changed, reverse=True)
    if not runs:
        print(f"no run or sweep in {storage.uri}")
    for run in runs:
        written, state = read_status(storage, run.folder), run.state()
        print(f"{run.kind} {run.name}: {_summary(run, state.get('status', 'not known'), written)}")
        if written and command.name:
            for line in _details(written, is_running=state.get("status") == "running"):
                print(f"  {line}")
            if state.get("error"):
                print(f"  error: {state['error']}")
    return 0


def _summary(run: NamedRun, state: str, written: Status | None) -> str:
    """Return in one line how far a run is, and whether it still lives."""
    from orchestrator.status import SILENT_SECONDS

    if written is None:
        return state
    unit = "step" if run.kind == "run" else "point"
    parts = [state, f"{written.done:,} of {counted(written.planned, unit)} done"]
    silent = time.time() - written.written
    if state == "running":
        left = written.activity.seconds_left
        if silent > SILENT_SECONDS:
            parts[0] = (
                f"no sign of life for {duration(silent)}, last from process {written.process} on "
                f"{written.host}; if that is gone, run it again to resume"
            )
        elif left is not None:
            parts.append(f"about {duration(left)} left")
    return ", ".join(parts)


def _details(written: Status, *, is_running: bool) -> list[str]:
    """Return what runs where and how far, what waits for what, and what happened."""
    doing, lines = written.activity, []
    if is_running:
        when = time.time() - written.written
        lines.append(
            f"process {written.process} on {written.host}, {counted(doing.workers, 'worker')}, "
            f"as of {duration(when)} ago"
        )
        for step in doing.running:
            how_far = "   " if step.fraction is None else f"{step.fraction:.0%}"
            said = f" ({step.note})" if step.note else ""
            where = ", ".join(dict.fromkeys(step.nodes))
            lines.append(f"{how_far:>4}  {step.name}{said}: {duration(step.seconds)} on {where}")
        for name in doing.ready[:SHOWN]:
            lines.append(f"      {name}: waits for a free worker")
        if len(doing.ready) > SHOWN:
            more = counted(len(doing.ready) - SHOWN, "more step")
            lines.append(f"      {more}: waiting for a free worker")
        if doing.blocked:
            lines.append(
                f"      {counted(doing.blocked, 'step')}: waiting for the output of others"
            )
    for at, note in written.notes:
        lines.append(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(at))}  {note}")
    return lines


def duration(seconds: float) -> str:
    """Return e.g. "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{max(0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


COMMAND = Command(
    summary="show what runs where, how far it is and what it waits for",
    call=status,
    arguments=(
        argument("name", "RUN_OR_SWEEP", "its name, or NAME-KEY; all, if left out", nargs="?"),
        STORE,
    ),
)
