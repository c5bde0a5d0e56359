"""`ouroboros report`: write the report of a run or sweep."""

import argparse

from orchestrator.commands.base import STORE, Command, refuse


def report(command: argparse.Namespace, tokens: list[str]) -> int:
    """Write the report of a run or a sweep that is in a store."""
    refuse(tokens, "RUN_OR_SWEEP, --store, --out and --figures")
    from pathlib import Path

    from orchestrator.commands.prepare import locate_store
    from orchestrator.report import REPORT, find, write_report

    storage = locate_store(command.store)
    folders = find(storage, command.name)
    if len(folders) > 1:
        print(f"{len(folders)} have this name; this is the newest, {folders[0]}")
    out, figures = command.out, command.figures
    page = None if figures and not out else Path(out or REPORT)
    write_report(storage, folders[0], page, Path(figures) if figures else None)
    for written in filter(None, (page, figures)):
        print(f"report: {written}")
    return 0


COMMAND = Command(
    summary="write a report of a run or sweep, with its figures",
    call=report,
    arguments=(
        ("name", {"metavar": "RUN_OR_SWEEP", "help": "its name, or NAME-KEY"}),
        STORE,
        ("--out", {"metavar": "FILE", "help": "the page (default report.html), written over"}),
        ("--figures", {"metavar": "FOLDER", "help": "folder for its figures as PNG, SVG and CSV"}),
    ),
)
