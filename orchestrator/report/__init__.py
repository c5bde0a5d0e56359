"""The report of a run or a sweep: one HTML page, and each of its figures as files."""

import shutil
import tempfile
import uuid
from functools import partial
from pathlib import Path

from actors.errors import UserError
from actors.pool.storage import Storage
from orchestrator.outcome import Outcome, Sweep
from orchestrator.report.find import find, read
from orchestrator.report.page import render

__all__ = ["REPORT", "find", "read", "render", "store_report", "write_report"]

REPORT = "report.html"
FIGURES = "figures"


def store_report(
    storage: Storage, folder: str, found: Outcome | Sweep, *, overwrite: bool
) -> tuple[Path, Path]:
    """Write the page of a run or a sweep, and its figures, into its folder of the store.

    Args:
        overwrite: whether to write them even if they exist.

    Returns:
        Local paths of the page and of the folder of figures.
    """
    if overwrite or not storage.exists(f"{folder}/{REPORT}"):
        _store(storage, folder, found)
    return storage.local(f"{folder}/{REPORT}"), storage.local_folder(f"{folder}/{FIGURES}")


def _store(storage: Storage, folder: str, found: Outcome | Sweep) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        page = render(found, storage, Path(temporary))
        for file in sorted(Path(temporary).iterdir()):
            path = f"{folder}/{FIGURES}/{file.name}"
            storage.write(path, partial(shutil.copyfile, file))
    # last: where the page is there, its figures are
    storage.write(f"{folder}/{REPORT}", lambda file: file.write_text(page, encoding="utf-8"))


def write_report(storage: Storage, folder: str, out: Path | None, into: Path | None) -> None:
    """Write the report of a run or a sweep, whole or not at all.

    A page of the same name is replaced: a run goes on, and its report is made again.

    Args:
        folder: of the run or sweep in the store, as `find` returns it.
        out: the page; None: none.
        into: folder for the figures; None: none.

    Raises:
        UserError: the page or the folder cannot be written.
    """
    found = read(storage, folder)
    if out is not None:
        check_folder("--out", out)
    if into is not None:
        check_folder("--figures", into)
    drawn = _beside(into or Path(FIGURES))
    try:
        if into is not None:
            drawn.mkdir()
        page = render(found, storage, drawn if into else None)
        if out is not None:
            temporary = _beside(out)
            try:
                temporary.write_text(page, encoding="utf-8")
                temporary.replace(out)
            finally:
                temporary.unlink(missing_ok=True)
        if into is not None:
            into.mkdir(exist_ok=True)
            for file in sorted(drawn.iterdir()):
                file.replace(into / file.name)
    finally:
        shutil.rmtree(drawn, ignore_errors=True)


def check_folder(option: str, path: Path) -> None:
    """Raise UserError unless a page, or a folder of figures, can be written at a path."""
    parent = path.absolute().parent
    if not parent.is_dir():
        raise UserError(f"{option}: the folder {str(parent)!r} of {str(path)!r} is not there")
    if path.exists() and path.is_dir() != (option == "--figures"):
        is_wrong = "a file" if option == "--figures" else "a folder"
        raise UserError(f"{option}: {str(path)!r} is {is_wrong}; name another")


def _beside(path: Path) -> Path:
    return path.absolute().with_name(f".{path.name}.{uuid.uuid4().hex[:12]}")
