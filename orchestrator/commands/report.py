"""`ouroboros report`: write the report of a run or sweep."""

import argparse

from actors.errors import UserError
from orchestrator.commands.base import STORE, Command, argument, locate_store, newest, refuse


def report(command: argparse.Namespace, tokens: list[str]) -> int:
    """Write the report of a run or a sweep that is in a store."""
    refuse(tokens, "RUN_OR_SWEEP, --store, --out and --figures")
    from pathlib import Path

    from orchestrator.named_runs import find_runs
    from orchestrator.report import REPORT, write_report

    storage = locate_store(command.store)
    run = newest(find_runs(storage, command.name, "RUN_OR_SWEEP"))
    if run.state_path not in run.files:
        raise UserError(
            f"RUN_OR_SWEEP: {run.state_path} is not there, so nothing has come out of "
            f"{run.name} yet; run it again"
        )
    out, figures = command.out, command.figures
    page = None if figures and not out else Path(out or REPORT)
    write_report(storage, run.folder, page, Path(figures) if figures else None)
    for written in filter(None, (page, figures)):
        print(f"report: {written}")
    return 0


COMMAND = Command(
    summary="write a report of a run or sweep, with its figures",
    call=report,
    arguments=(
        argument("name", "RUN_OR_SWEEP", "its name, or NAME-KEY"),
        STORE,
        argument("--out", "FILE", "the page (default report.html), written over"),
        argument("--figures", "FOLDER", "folder for its figures as PNG, SVG and CSV"),
    ),
)
