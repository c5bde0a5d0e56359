"""`ouroboros pool lineage`: show what is behind a sample, back to real rows."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from orchestrator.commands.base import SAMPLE, STORE, Command, counted, flag

if TYPE_CHECKING:
    from rich.console import Console
    from rich.tree import Tree

    from actors.pool.inspect.contents import Contents
    from actors.pool.inspect.lineage import Ancestry, TrainingSet
    from actors.pool.manifest import StoredStep


def lineage(console: Console, contents: Contents, command: argparse.Namespace) -> int:
    """Print the models and training sets behind a sample, back to real rows.

    Raises:
        UserError: there is no such sample, or a step behind it is gone.
    """
    from actors.pool.inspect.lineage import behind

    sample, _ = contents.find_sample(command.sample_id)
    sets = behind(contents, sample)
    if command.json:
        print(json.dumps(_json(contents, command.sample_id, sample, sets), indent=1))
    else:
        console.print(_tree(contents, command.sample_id, sample, sets), soft_wrap=True)
    return 0


def _tree(
    contents: Contents, sample_id: str, sample: StoredStep, sets: dict[str, TrainingSet]
) -> Tree:
    """Return what each sample step was made from, every training set shown once."""
    from rich.text import Text
    from rich.tree import Tree

    from actors.pool.inspect.lineage import model_of
    from actors.pool.manifest import short_name

    tree = Tree(Text(f"{sample_id}: {_made(sample)}"))
    shown: set[str] = set()
    left = [(tree, sample)]
    while left:
        branch, step = left.pop(0)
        train = model_of(contents, step)
        if train is None:
            branch.add(Text(_origin(step)))
            continue
        initial = train.input("initial")
        began = f", which went on from {short_name(initial)}" if initial else ""
        trained_on = sets[train.inputs["training_set"][0]]
        line = (
            f"by {short_name(train.path)}{began}, trained on {trained_on.rows:,} rows, "
            f"{short_name(trained_on.path)}"
        )
        if trained_on.path in shown:
            branch.add(Text(f"{line}: see above"))
            continue
        shown.add(trained_on.path)
        node = branch.add(Text(line))
        node.add(Text(_ancestry(trained_on.ancestry)))
        for group in trained_on.groups:
            rows = f"{_made(group.sample)}, {counted(group.rows, 'row')}"
            below = node.add(Text(f"{group.rows / trained_on.rows:6.1%}  {rows}"))
            if not group.is_real:
                left.append((below, group.sample))
    return tree


def _made(step: StoredStep) -> str:
    from actors.pool.manifest import short_name

    of = f" of iteration {step.iteration}" if step.iteration != 0 else ""
    return f"{step.source}{of}, {short_name(step.path)}"


def _origin(step: StoredStep) -> str:
    if step.source in ("real", "fresh"):
        return f"a real row of the data set, split {step.config.get('split', 'not known')}"
    return "by an external model: what it was trained on is not known"


def _ancestry(ancestry: Ancestry) -> str:
    said = f"leads back to real rows: {ancestry.real:.1%}"
    if ancestry.unknown:
        said += f", to external models, real share unknown: {ancestry.unknown:.1%}"
    return f"{said}; models between a row and real ones: {ancestry.generations:.2f} on average"


def _json(
    contents: Contents, sample_id: str, sample: StoredStep, sets: dict[str, TrainingSet]
) -> dict[str, Any]:
    from actors.pool.inspect.lineage import model_of

    def made(step: StoredStep) -> dict[str, Any]:
        train = model_of(contents, step)
        return {
            "source": step.source,
            "iteration": step.iteration,
            "step": step.path,
            "checkpoint": train.path if train else None,
            "training_set": train.inputs["training_set"][0] if train else None,
        }

    return {
        "sample_id": sample_id,
        **made(sample),
        "training_sets": [
            {
                "step": training_set.path,
                "rows": training_set.rows,
                "leads_back_to": asdict(training_set.ancestry),
                "parts": [
                    {
                        **made(group.sample),
                        "rows": group.rows,
                        "share": group.rows / training_set.rows,
                    }
                    for group in training_set.groups
                ],
            }
            for training_set in sets.values()
        ],
    }


QUESTION = Command(
    summary="show the models and training sets behind a sample, back to real rows",
    call=lineage,
    usage="pool lineage SAMPLE_ID [--json] [--store PATH]",
    arguments=(SAMPLE, flag("--json", "as JSON"), STORE),
)
