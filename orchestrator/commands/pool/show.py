"""`ouroboros pool show`: show a sample, a step or a named run."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from typing import TYPE_CHECKING

from actors.errors import DamagedError, UserError
from orchestrator.commands.base import STORE, Command, argument, newest

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from actors.pool.inspect.contents import Contents
    from actors.pool.manifest import StoredStep
    from orchestrator.named_runs import NamedRun

# a picture is enlarged to about this many pixels
SHOWN_PIXELS = 512


def show(console: Console, contents: Contents, command: argparse.Namespace) -> int:
    """Print what is known of a sample id, a run's name, or a step's key or its beginning.

    Raises:
        UserError: there is no such thing, or a picture is wanted of what has none.
    """
    from rich.table import Table
    from rich.text import Text

    from actors.pool.atomic import check_target
    from orchestrator.named_runs import closest_names, matching, named_runs

    name, image = command.id, command.image
    runs = named_runs(contents.storage)
    same = matching(runs, name)
    is_sample = not same and name.rpartition("-")[0] != ""
    if image is not None:
        if not is_sample:
            raise UserError(f"--image: only a sample has a picture; {name!r} is no sample id")
        if not image.lower().endswith(".png"):
            raise UserError(f"--image: found {image!r}; allowed is a name that ends in .png")
        check_target("--image", image)
    pixels = None
    if same:
        shown = _run(contents, newest(same))
    elif is_sample:
        shown, pixels = _sample(contents, name)
    else:
        shown = _step(contents.find_step(name, "ID", hint=closest_names(runs, name)))
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in shown.items():
        table.add_row(label, Text(value))
    console.print(table)
    if image is not None and pixels is not None:
        factor = _draw(pixels, image)
        console.print(f"{image}: enlarged {factor} times", soft_wrap=True)
    return 0


def _sample(contents: Contents, sample_id: str) -> tuple[dict[str, str], np.ndarray]:
    """Return what is known of a sample, and its (h, w, c) uint8 image."""
    from actors.pool import shards
    from actors.pool.manifest import damage

    step, index = contents.find_sample(sample_id)
    file, row = step.locate(index)
    if problem := damage(contents.storage, file):
        raise DamagedError(step.path, file.path, problem)
    table = shards.read_table(contents.storage, file.path)
    about = table.drop_columns(["image"]).slice(row, 1).to_pylist()[0]
    pixels = shards.tensor(table, "image")[row]
    height, width, channels = pixels.shape
    label = about.pop("label")
    about["label"] = "none" if label is None else label
    about["image"] = f"{width} x {height} pixels, {channels} channel{'s'[: channels > 1]}"
    about["made by"] = step.input("checkpoint") or "no model of this store"
    about["stored in"] = f"{file.path}, row {row}"
    return {name: str(value) for name, value in about.items()}, pixels


def _draw(pixels: np.ndarray, target: str) -> int:
    """Write an (h, w, c) image, enlarged, as a PNG file; return how many times it is enlarged."""
    from PIL.Image import Resampling

    from actors.pool.atomic import atomic_output
    from actors.pool.inspect.export import picture

    height, width, _ = pixels.shape
    factor = max(1, SHOWN_PIXELS // max(height, width))
    enlarged = (width * factor, height * factor)
    with atomic_output("--image", target) as temporary:
        picture(pixels).resize(enlarged, Resampling.NEAREST).save(temporary, "PNG")
    return factor


def _step(step: StoredStep) -> dict[str, str]:
    from rich.filesize import decimal

    files = [
        f"{file.path.removeprefix(step.path + '/')}  {decimal(file.bytes)}"
        + (f", {file.rows:,} rows" if file.rows is not None else "")
        for file in step.files
    ]
    inputs = [f"{name}: {path}" for name, paths in step.inputs.items() for path in paths]
    return {
        "step": step.path,
        "kind": step.kind,
        "configuration": _yaml(step.config),
        "settings": _yaml(step.settings),
        "inputs": "\n".join(inputs) or "none",
        "seed": str(step.seed),
        "files": "\n".join(files) or "none",
        "started": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(step.started)),
        "seconds": f"{step.seconds:.3g}",
        "host": step.host,
        "version": str(step.version),
        "libraries": _yaml(step.libraries),
        "notes": "\n".join(step.notes) or "none",
    }


def _run(contents: Contents, run: NamedRun) -> dict[str, str]:
    state, steps = run.state(), run.steps()
    every = Counter(path.split("/")[1] for path in steps)
    done = Counter(path.split("/")[1] for path in steps if path in contents.finished)
    return {
        run.kind: run.name,
        "status": state.get("status", "not known"),
        **({"arms": ", ".join(state["arms"])} if state.get("arms") else {}),
        **({"over": ", ".join(state["axes"])} if state.get("axes") else {}),
        "steps done": "\n".join(f"{kind}: {done[kind]} of {n}" for kind, n in every.items()),
        "files": "\n".join(run.files),
    }


def _yaml(value: object) -> str:
    import yaml

    return yaml.safe_dump(value, sort_keys=False).strip() if value else "none"


QUESTION = Command(
    summary="show a sample, a step or a named run",
    call=show,
    usage="pool show ID [--image FILE.png] [--store PATH]",
    arguments=(
        argument("id", "ID", "sample id, beginning of a step's key, or run"),
        argument("--image", "FILE", "new .png file with the sample, enlarged"),
        STORE,
    ),
)
