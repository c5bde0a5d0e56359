"""`pool lineage`: what is behind a sample, as a tree or as JSON."""

import json
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from actors.pool.inspect.contents import Contents, Finished
from actors.pool.inspect.lineage import Ancestry, Part, TrainingSet, behind, trained_on
from actors.pool.storage import Storage
from orchestrator.amounts import counted


def trace(
    console: Console, storage: Storage, contents: Contents, sample_id: str, as_json: bool
) -> None:
    """Print the models and training sets behind a sample, back to real rows.

    Raises:
        UserError: there is no such sample, or a step behind it is gone.
    """
    sample, _ = contents.find_sample(sample_id)
    sets = behind(storage, contents, sample)
    if as_json:
        print(json.dumps(_json(contents, sample_id, sample, sets), indent=1))
        return
    tree = Tree(Text(f"{sample_id}: {_made(sample)}"))
    _grow(tree, contents, sample, sets)
    console.print(tree, soft_wrap=True)


def _grow(root: Tree, contents: Contents, sample: Finished, sets: dict[str, TrainingSet]) -> None:
    """Add what each sample step was made from, every training set told once."""
    told: set[str] = set()
    left = [(root, sample)]
    while left:
        branch, step = left.pop(0)
        made = trained_on(contents, step)
        if made is None:
            branch.add(Text(_origin(step)))
            continue
        train, path = made
        started = train.reads("initial")
        begun = f", which went on from {_short(started)}" if started else ""
        own = sets[path]
        told_before = path in told
        node = branch.add(
            Text(
                f"by {_short(train.path)}{begun}, trained on {own.rows:,} rows, {_short(path)}"
                + (": see above" if told_before else "")
            )
        )
        if told_before:
            continue
        told.add(path)
        node.add(Text(_ancestry(own.ancestry)))
        for part in own.parts:
            below = node.add(Text(f"{part.rows / own.rows:6.1%}  {_part(part)}"))
            if not part.is_real:
                left.append((below, part.sample))


def _made(step: Finished) -> str:
    if step.iteration == 0:
        return f"{step.source}, {_short(step.path)}"
    return f"{step.source} of iteration {step.iteration}, {_short(step.path)}"


def _origin(step: Finished) -> str:
    if step.source in ("real", "fresh"):
        return f"a real row of the data set, split {step.config.get('split', 'not known')}"
    return "by an external model: what it was trained on is not known"


def _part(part: Part) -> str:
    return f"{_made(part.sample)}, {counted(part.rows, 'row')}"


def _ancestry(ancestry: Ancestry) -> str:
    said = f"leads back to real rows: {ancestry.real:.1%}"
    if ancestry.unknown:
        said += f", to external models, real share unknown: {ancestry.unknown:.1%}"
    return f"{said}; models between a row and real ones: {ancestry.generations:.2f} on average"


def _short(path: str) -> str:
    """Return e.g. "train 0123456789ab"."""
    _, kind, key = path.split("/")
    return f"{kind} {key[:12]}"


def _json(
    contents: Contents, sample_id: str, sample: Finished, sets: dict[str, TrainingSet]
) -> dict[str, Any]:
    def made(step: Finished) -> dict[str, Any]:
        found = trained_on(contents, step)
        return {
            "source": step.source,
            "iteration": step.iteration,
            "step": step.path,
            "checkpoint": found[0].path if found else None,
            "training_set": found[1] if found else None,
        }

    return {
        "sample_id": sample_id,
        **made(sample),
        "training_sets": [
            {
                "step": one.path,
                "rows": one.rows,
                "leads_back_to": asdict(one.ancestry),
                "parts": [
                    {**made(part.sample), "rows": part.rows, "share": part.rows / one.rows}
                    for part in one.parts
                ],
            }
            for one in sets.values()
        ],
    }
