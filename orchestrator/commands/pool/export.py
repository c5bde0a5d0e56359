"""`ouroboros pool export`: write a training set, or the rows of a source."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from actors.errors import UserError
from orchestrator.commands.base import STORE, Command, argument, newest

if TYPE_CHECKING:
    from rich.console import Console

    from actors.pool.inspect.contents import Contents
    from actors.pool.inspect.export import Extract
    from orchestrator.named_runs import NamedRun

EPILOG = """\
Give one of --selection, --run and --source:
  ouroboros pool export --run digits --arm greedy --iteration 3 --to train.parquet
  ouroboros pool export --source ddpm --iteration 2 --to samples
"""
# of each way to name rows, the options that it needs, and all that go with it
WAYS = {
    "selection": ((), ()),
    "run": (("arm", "iteration"), ("arm", "iteration", "generator")),
    "source": ((), ("iteration",)),
}


def export(console: Console, contents: Contents, command: argparse.Namespace) -> int:
    """Write the rows asked for to a new Parquet file or folder.

    Raises:
        UserError: there are no such rows, or there is something at the target.
    """
    from actors.pool.atomic import atomic_output, check_target
    from actors.pool.inspect.export import write_folder, write_parquet

    target = command.to
    check_target("--to", target)
    extracts = _extracts(contents, command)
    is_file = target.lower().endswith(".parquet")
    with atomic_output("--to", target) as temporary:
        (write_parquet if is_file else write_folder)(contents.storage, extracts, temporary)
    rows = sum(len(extract.positions) for extract in extracts)
    load = f'"parquet", data_files="{target}"' if is_file else f'"imagefolder", data_dir="{target}"'
    console.print(f"{target}: {rows:,} rows; load_dataset({load})", soft_wrap=True)
    return 0


def _extracts(contents: Contents, command: argparse.Namespace) -> list[Extract]:
    from actors.pool.inspect.export import of_selection, of_source
    from orchestrator.named_runs import find_runs

    (way,) = (way for way in WAYS if getattr(command, way) is not None)
    required, allowed = WAYS[way]
    for option in ("arm", "iteration", "generator"):
        given = getattr(command, option) is not None
        if option in required and not given:
            raise UserError(f"--{option}: missing; --{way} needs it")
        if given and option not in allowed:
            raise UserError(f"--{option}: does not go with --{way}")
    if way == "selection":
        select = contents.find_step(command.selection, "--selection", "select")
        return of_selection(contents.storage, select)
    if way == "run":
        run = newest(find_runs(contents.storage, command.run, "--run", "run"))
        path = training_set(contents, run, command.arm, command.iteration, command.generator)
        if path not in contents.finished:
            raise UserError(f"run {run.name}: {path} is not in the store any more; run it again")
        return of_selection(contents.storage, contents.finished[path])
    extracts = of_source(contents, command.source, command.iteration)
    if not extracts:
        samples = contents.of_kind("sample")
        known = sorted({(step.source or "", step.iteration or 0) for step in samples})
        said = ", ".join(f"{source} {iteration}" for source, iteration in known)
        iteration = "" if command.iteration is None else f" at iteration {command.iteration}"
        raise UserError(f"--source: found {command.source!r}{iteration}; the store has {said}")
    return extracts


def training_set(
    contents: Contents, run: NamedRun, arm: str, iteration: int, generator: str | None
) -> str:
    """Return the select step of what was trained on, as the run's evaluations tell.

    Raises:
        UserError: the run has no such training set, or generators have different ones.
    """
    results = run.state().get("results", [])
    if not results:
        raise UserError(
            f"run {run.name}: it has no outcome.json with results, so its training sets are not "
            "known; run it again"
        )
    for field, value in (("arm", arm), ("iteration", iteration), ("generator", generator)):
        known = dict.fromkeys(result[field] for result in results)
        results = [result for result in results if value is None or result[field] == value]
        if not results:
            raise UserError(
                f"{field}: found {value!r}; allowed are {', '.join(map(str, known))} in {run.name}"
            )
    sets: dict[str, str] = {}
    for result in results:
        evaluated = contents.finished.get(result["step"])
        if evaluated is None:
            raise UserError(
                f"run {run.name}: {result['step']} is not in the store any more; run it again"
            )
        if trained_on := evaluated.input("training_set"):
            sets[result["generator"]] = trained_on
    if not sets:
        raise UserError(f"run {run.name}: none of these generators is trained in it")
    if len({*sets.values()}) > 1:
        raise UserError(
            f"generator: not given, but {', '.join(sets)} have training sets of their own; "
            "name one with --generator"
        )
    return next(iter(sets.values()))


QUESTION = Command(
    summary="write a training set, or the rows of a source, as Parquet or as a folder of images",
    call=export,
    usage="pool export (--selection KEY | --run NAME --arm ARM --iteration N | --source S) "
    "--to OUT [--store PATH]",
    arguments=(
        argument("--run", "NAME", "run whose training set it is"),
        argument("--selection", "KEY", "key of a select step"),
        argument("--source", "S", "real, fresh or a generator's name"),
        argument("--arm", "ARM", "arm of the run"),
        argument("--iteration", "N", "iteration of the run or source", type=int),
        argument("--generator", "G", "one with a training set of its own"),
        argument("--to", "OUT", "new .parquet file, or folder", required=True),
        STORE,
    ),
    one_of=("--run", "--selection", "--source"),
    epilog=EPILOG,
)
