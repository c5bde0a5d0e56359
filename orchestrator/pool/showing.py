"""`pool show`: a sample, a step or a named run."""

import time
from collections import Counter

import yaml
from PIL import Image
from rich.console import Console
from rich.table import Table
from rich.text import Text

from actors.errors import DamagedError, UserError
from actors.pool import shards
from actors.pool.atomic import atomic_output, check_target
from actors.pool.inspect.contents import Contents, Finished, place
from actors.pool.inspect.export import picture
from actors.pool.manifest import damage
from actors.pool.storage import Storage
from orchestrator.amounts import size
from orchestrator.pool.runs import NamedRun, named_runs

# a picture is enlarged to about this many pixels
SHOWN_PIXELS = 512


def show(
    console: Console, storage: Storage, contents: Contents, name: str, image: str | None
) -> None:
    """Print what is known of a sample id, a run's name, or a step's key or its beginning.

    Raises:
        UserError: there is no such thing, or a picture is wanted of what has none.
    """
    runs = [run for run in named_runs(storage) if name in (run.name, run.name.rpartition("-")[0])]
    is_sample = not runs and name.rpartition("-")[0] != ""
    if image is not None:
        if not is_sample:
            raise UserError(f"--image: only a sample has a picture; {name!r} is no sample id")
        if not image.lower().endswith(".png"):
            raise UserError(f"--image: found {image!r}; allowed is a name that ends in .png")
        check_target("--image", image)
    for run in runs:
        _print(console, _run(storage, contents, run))
    if is_sample:
        _show_sample(console, storage, *contents.find_sample(name), image)
    elif not runs:
        _print(console, _step(contents.find_step(name, "ID")))


def _show_sample(
    console: Console, storage: Storage, step: Finished, index: int, image: str | None
) -> None:
    file, row = place(step, index)
    (record,) = (record for record in step.files if record["path"] == file)
    if found := damage(storage, record):
        raise DamagedError(step.path, file, found)
    table = shards.read_table(storage, file)
    about = table.drop_columns(["image"]).slice(row, 1).to_pylist()[0]
    pixels = shards.tensor(table, "image")[row]
    height, width, channels = pixels.shape
    label = about.pop("label")
    about["label"] = "none" if label is None else label
    about["image"] = f"{width} x {height} pixels, {channels} channel{'s'[: channels > 1]}"
    about["made by"] = step.reads("checkpoint") or "no model of this store"
    about["stored in"] = f"{file}, row {row}"
    _print(console, {name: str(value) for name, value in about.items()})
    if image is not None:
        factor = max(1, SHOWN_PIXELS // max(height, width))
        enlarged = (width * factor, height * factor)
        with atomic_output("--image", image) as temporary:
            shown = picture(pixels).resize(enlarged, Image.Resampling.NEAREST)
            shown.save(temporary, "PNG")
        console.print(f"{image}: enlarged {factor} times", soft_wrap=True)


def _step(step: Finished) -> dict[str, str]:
    manifest = step.manifest
    files = [
        f"{record['path'].removeprefix(step.path + '/')}  {size(record['bytes'])}"
        + (f", {record['rows']:,} rows" if "rows" in record else "")
        for record in step.files
    ]
    inputs = [f"{role}: {path}" for role, paths in manifest["inputs"].items() for path in paths]
    started = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(manifest["started"]))
    return {
        "step": step.path,
        "kind": step.kind,
        "configuration": _yaml(step.config),
        "settings": _yaml(manifest.get("settings") or {}),
        "inputs": "\n".join(inputs) or "none",
        "seed": str(manifest["seed"]),
        "files": "\n".join(files) or "none",
        "started": started,
        "seconds": f"{manifest['seconds']:.3g}",
        "host": manifest.get("host", "not known"),
        "version": str(manifest["version"]),
        "libraries": _yaml(manifest.get("libraries")),
    }


def _run(storage: Storage, contents: Contents, run: NamedRun) -> dict[str, str]:
    state = run.state(storage)
    steps = run.steps(storage)
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
    return yaml.safe_dump(value, sort_keys=False).strip() if value else "none"


def _print(console: Console, facts: dict[str, str]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, Text(value))
    console.print(table)
