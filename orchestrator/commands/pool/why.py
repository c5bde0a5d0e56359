"""`ouroboros pool why`: say why a sample is in the selections of a store or not."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from orchestrator.commands.base import SAMPLE, STORE, Command, argument

if TYPE_CHECKING:
    from rich.console import Console

    from actors.pool.inspect.contents import Contents
    from actors.pool.manifest import StoredStep


def why(console: Console, contents: Contents, command: argparse.Namespace) -> int:
    """Print a line per selection that chose among the sample's step, or of the one asked for.

    Raises:
        UserError: there is no such sample or selection, or they have nothing to do with each other.
    """
    from actors.curation.why import sentence
    from actors.pool.inspect.reasons import reason

    sample, index = contents.find_sample(command.sample_id)
    if command.selection is not None:
        selections = [contents.find_step(command.selection, "--selection", "select")]
    else:
        every = contents.of_kind("select")
        selections = [step for step in every if sample.path in step.inputs.get("samples", ())]
    for select in selections:
        said = sentence(reason(contents.storage, select, sample, index))
        console.print(f"{_describe(contents, select)}: {said}", soft_wrap=True)
    if not selections:
        console.print(
            f"{command.sample_id}: no selection of this store had rows of its step to choose from"
        )
    return 0


def _describe(contents: Contents, select: StoredStep) -> str:
    """Return e.g. "select 0123456789ab (greedy, 64 rows; trains ddpm of iteration 2)"."""
    from actors.pool.manifest import short_name

    trains = dict.fromkeys(
        f"{step.source} of iteration {step.iteration}"
        for step in contents.of_kind("train")
        if step.input("training_set") == select.path
    )
    method = select.config.get("selection", {}).get("kind", "selection")
    rows = next((file.rows for file in select.files if file.rows is not None), 0)
    behind = f"; trains {', '.join(trains)}" if trains else ""
    return f"{short_name(select.path)} ({method}, {rows:,} rows{behind})"


QUESTION = Command(
    summary="say why a sample is in the selections of a store or not",
    call=why,
    usage="pool why SAMPLE_ID [--selection KEY] [--store PATH]",
    arguments=(SAMPLE, argument("--selection", "KEY", "only in this select step"), STORE),
)
