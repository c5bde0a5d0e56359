"""Local outputs that are there whole or not at all, and never in the place of something else."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actors.errors import UserError


def check_target(field: str, path: str) -> None:
    """Raise UserError unless something new can be written at a path."""
    parent = os.path.dirname(os.path.abspath(path))
    if os.path.lexists(path):
        raise UserError(f"{field}: {path!r} exists; name a new one, nothing is overwritten")
    if not os.path.isdir(parent):
        raise UserError(f"{field}: the folder {parent!r} of {path!r} is not there")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"{field}: the folder {parent!r} of {path!r} cannot be written")


@contextmanager
def atomic_output(field: str, path: str) -> Iterator[Path]:
    """Yield a temporary sibling to fill, as file or folder; it takes its name when all went well.

    Raises:
        UserError: something else has taken that name meanwhile.
    """
    target = Path(os.path.abspath(path))
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}")
    try:
        yield temporary
        check_target(field, path)
        temporary.rename(target)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        temporary.unlink(missing_ok=True)
