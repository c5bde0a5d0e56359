"""A disk of its own that is small."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Disk:
    """A file system of so many bytes in memory, mounted at `path`."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        path.mkdir()
        if not shutil.which("mount"):
            pytest.skip("no `mount` here")
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if mounted.returncode:
            pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")

    def resize(self, size: int) -> None:
        """Make it larger or smaller, with all that is on it."""
        subprocess.run(
            ["mount", "-o", f"remount,size={size}", str(self.path)], check=True, timeout=60
        )


@contextmanager
def mounted(path: Path, size: int) -> Iterator[Disk]:
    """Mount a disk; skips the test where that is not permitted."""
    disk = Disk(path, size)
    try:
        yield disk
    finally:
        # a process that is just ending may still hold it
        subprocess.run(["umount", "-l", str(path)], check=True, timeout=60)
