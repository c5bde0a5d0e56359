"""`pool export`: a training set, or the rows of a source, as a data set of its own."""

import argparse

from rich.console import Console

from actors.errors import UserError
from actors.pool.atomic import atomic_output, check_target
from actors.pool.inspect.contents import Contents
from actors.pool.inspect.export import Extract, of_selection, of_source, write_folder, write_parquet
from actors.pool.storage import Storage
from orchestrator.pool.runs import find_run, named_runs, training_set

# what each way of naming rows needs, and what it takes beside
WAYS = {
    "selection": ((), ()),
    "run": (("arm", "iteration"), ("arm", "iteration", "generator")),
    "source": ((), ("iteration",)),
}


def export(
    console: Console, storage: Storage, contents: Contents, asked: argparse.Namespace
) -> None:
    """Write the rows asked for to a new Parquet file or folder.

    Raises:
        UserError: there are no such rows, or there is something at the target.
    """
    check_target("--to", asked.to)
    extracts = _extracts(storage, contents, asked)
    rows = sum(len(one.positions) for one in extracts)
    as_file = asked.to.lower().endswith(".parquet")
    with atomic_output("--to", asked.to) as temporary:
        (write_parquet if as_file else write_folder)(storage, extracts, temporary)
    load = (
        f'"parquet", data_files="{asked.to}"'
        if as_file
        else f'"imagefolder", data_dir="{asked.to}"'
    )
    console.print(
        f"{asked.to}: {rows:,} rows; load_dataset({load})",
        soft_wrap=True,
    )


def _extracts(storage: Storage, contents: Contents, asked: argparse.Namespace) -> list[Extract]:
    (way,) = (way for way in WAYS if getattr(asked, way) is not None)
    required, allowed = WAYS[way]
    for option in ("arm", "iteration", "generator"):
        given = getattr(asked, option) is not None
        if option in required and not given:
            raise UserError(f"--{option}: missing; --{way} needs it")
        if given and option not in allowed:
            raise UserError(f"--{option}: does not go with --{way}")
    if way == "selection":
        key = asked.selection.rstrip("/").rpartition("/")[2]
        return of_selection(storage, contents.find_step(key, "--selection", "select"))
    if way == "run":
        runs = [run for run in named_runs(storage) if run.kind == "run"]
        run = find_run(runs, asked.run, "--run")
        path = training_set(storage, contents, run, asked.arm, asked.iteration, asked.generator)
        if path not in contents.finished:
            raise UserError(f"run {run.name}: {path} is not in the store any more; run it again")
        return of_selection(storage, contents.finished[path])
    found = of_source(contents, asked.source, asked.iteration)
    if not found:
        samples = contents.of_kind("sample")
        known = sorted({(s.source or "", s.iteration or 0) for s in samples})
        said = ", ".join(f"{source} {iteration}" for source, iteration in known)
        iteration = "" if asked.iteration is None else f" at iteration {asked.iteration}"
        raise UserError(f"--source: found {asked.source!r}{iteration}; the store has {said}")
    return found
