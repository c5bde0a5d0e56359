"""What control groups (containers, jobs of a batch system) leave of the memory."""

import math
from collections.abc import Iterator
from pathlib import Path

# limit, what is used of it, and its part of memory.stat that is given back on demand; v2 and v1
NAMES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def memory_left(root: Path = Path("/")) -> float:
    """Return the bytes that this process's control groups leave it; infinity without a limit.

    Args:
        root: where sys/fs/cgroup and proc/self/cgroup are.
    """
    return min(
        (_left(group, *names) for group in _groups(root) for names in NAMES), default=math.inf
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
