"""The report of a run or a sweep: one HTML page, and each of its figures as files."""

import shutil
import tempfile
from functools import partial
from pathlib import Path

from actors.errors import UserError
from actors.pool.storage import Storage
from orchestrator.outcome import Outcome, Sweep, read_outcome, read_sweep
from orchestrator.report.page import render

__all__ = ["REPORT", "read", "render", "store_report", "write_report"]

REPORT = "report.html"
FIGURES = "figures"


def read(storage: Storage, folder: str) -> Outcome | Sweep:
    """Read what has come out of the run or sweep of a folder."""
    is_sweep = folder.startswith("sweeps/")
    return read_sweep(storage, folder) if is_sweep else read_outcome(storage, folder)


def store_report(
    storage: Storage, folder: str, outcome: Outcome | Sweep, *, overwrite: bool
) -> tuple[Path, Path]:
    """Write the page of a run or a sweep, and its figures, into its folder of the store.

    Args:
        overwrite: whether to write them even if they exist.

    Returns:
        Local paths of the page and of the folder of figures.
    """
    report = f"{folder}/{REPORT}"
    if overwrite or not storage.exists(report):
        with tempfile.TemporaryDirectory() as temporary:
            page = render(outcome, storage, Path(temporary))
            for file in sorted(Path(temporary).iterdir()):
                path = f"{folder}/{FIGURES}/{file.name}"
                storage.write(path, partial(shutil.copyfile, file))
        # last: where the page is there, its figures are
        storage.write(report, lambda file: file.write_text(page, encoding="utf-8"))
    return storage.local(report), storage.local_folder(f"{folder}/{FIGURES}")


def write_report(storage: Storage, folder: str, out: Path | None, figures: Path | None) -> None:
    """Write the report of a run or a sweep, whole or not at all.

    A page of the same name is replaced: a run goes on, and its report is made again.

    Args:
        folder: of the run or sweep in the store.
        out: the page; None: none.
        figures: folder for the figures; None: none.

    Raises:
        UserError: the page or the folder cannot be written.
    """
    outcome = read(storage, folder)
    for option, path in (("--out", out), ("--figures", figures)):
        if path is not None:
            check_path(option, path)
    beside = (out or figures or Path(FIGURES)).absolute().parent
    with tempfile.TemporaryDirectory(prefix=f".{FIGURES}.", dir=beside) as temporary:
        page = render(outcome, storage, Path(temporary) if figures else None)
        if figures is not None:
            figures.mkdir(exist_ok=True)
            for file in sorted(Path(temporary).iterdir()):
                shutil.move(file, figures / file.name)
        if out is not None:
            whole = Path(temporary) / REPORT
            whole.write_text(page, encoding="utf-8")
            whole.replace(out)


def check_path(option: str, path: Path) -> None:
    """Raise UserError unless a page, or a folder of figures, can be written at a path."""
    parent = path.absolute().parent
    if not parent.is_dir():
        raise UserError(f"{option}: the folder {str(parent)!r} of {str(path)!r} is not there")
    if path.exists() and path.is_dir() != (option == "--figures"):
        kind = "a file" if option == "--figures" else "a folder"
        raise UserError(f"{option}: {str(path)!r} is {kind}; name another")
