"""Features as one array: in memory where they fit well, else in a file that has no name."""

import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from actors.data.feature_source import FeatureSource, Progress, blocks
from actors.errors import UserError

# share of the available memory that features may take; selection and measures need some too
SHARE = 0.25
# limit, what is used of it, and its part of memory.stat that is given back on demand; v2 and v1
LIMIT_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def load(source: FeatureSource, progress: Progress | None = None, first: int = 0) -> np.ndarray:
    """Return every row of a source, (N, d) float32; `first` is the number of its first row.

    What can be mapped is checked, and not copied.

    Raises:
        UserError: rows hold NaN or infinity, or there is no room for them.
    """
    if source.mapped is not None:
        for _ in blocks(source, progress, first):
            pass
        return source.mapped
    features = allocate(source.rows, source.dimension)
    for start, block in blocks(source, progress, first):
        features[start : start + len(block)] = block
    return features


def allocate(rows: int, dimension: int) -> np.ndarray:
    """Return an empty (rows, dimension) float32 array in memory or mapped from an unlinked file."""
    size = 4 * rows * dimension
    if size < SHARE * available_memory():
        return np.empty((rows, dimension), np.float32)
    with tempfile.TemporaryFile(prefix="ouroboros-") as file:
        try:
            # a hole in a file that the disk cannot fill later ends the process, without a word
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
        except OSError as error:
            raise UserError(
                f"input: its features take {size / 1e9:,.1f} GB, more than {SHARE:.0%} of the "
                f"available memory and more than {tempfile.gettempdir()} has room for "
                f"({error.strerror}); name a folder with more room in TMPDIR"
            ) from None
        return np.memmap(file, np.float32, "r+", shape=(rows, dimension)).view(np.ndarray)


def available_memory() -> int:
    """Return the bytes of memory that are free, on the machine and within control groups."""
    pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in os.sysconf_names else "SC_PHYS_PAGES"
    return int(min(os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE"), memory_left()))


def memory_left(root: Path = Path("/")) -> float:
    """Return the bytes that this process's control groups leave it; infinity without a limit.

    Args:
        root: where sys/fs/cgroup and proc/self/cgroup are.
    """
    return min(
        (_left(group, *names) for group in _groups(root) for names in LIMIT_FILES), default=math.inf
    )


def _groups(root: Path) -> Iterator[Path]:
    """Yield the folders that may hold a limit: of the group and of all it lies in."""
    mounted = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        lines = ["0::/"]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            top = mounted / controllers
            # a container may see its own group as the top, under the path that the host knows
            group = top / path.lstrip("/")
            yield from (group, *(p for p in group.parents if p.is_relative_to(top)))


def _left(group: Path, limit: str, used: str, given_back: str) -> float:
    try:
        most = (group / limit).read_text().strip()
        if most == "max":
            return math.inf
        taken = int((group / used).read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except OSError:
        return math.inf
    return max(0, int(most) - taken + int(stat.get(given_back, 0)))
