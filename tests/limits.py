"""Reading a pool in a process whose memory is limited."""

import subprocess
import sys
from pathlib import Path

from tests.runs import ROOT

# RLIMIT_DATA bounds private writable memory, what a process fills itself; RLIMIT_AS would count the
# mapped files as well, and RLIMIT_RSS is not enforced
PROGRAM = """
import resource, sys
import numpy as np
from actors.pool import shards
from actors.pool.storage import Storage

def status(field):
    with open("/proc/self/status") as lines:
        return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(field))

root, limit = sys.argv[1], int(sys.argv[2])
storage = Storage(root)
paths = [path for path in storage.files("") if path.endswith(".arrow")]
warm = shards.Gather(storage, paths[:1], "image")[np.arange(1)]
most = status("VmData") + limit
resource.setrlimit(resource.RLIMIT_DATA, (most, most))
before = status("RssAnon")
gather = shards.Gather(storage, paths, "image")
total = 0
for path in paths:
    total += int(shards.tensor(shards.read_table(storage, path), "image").sum(dtype=np.int64))
rng = np.random.default_rng(0)
some = sum(int(gather[rng.integers(0, len(gather), 128)].sum()) for _ in range(50))
after = status("RssAnon")
try:
    gather.all()
    fits = True
except MemoryError:
    fits = False
print(total, some, len(gather), after - before, fits)
"""


def read_within(root: Path, limit: int) -> tuple[int, int, int, int, bool]:
    """Scan all images below a folder and gather 50 batches with so many bytes of memory to fill.

    Returns:
        The sum of all images, that of the batches, the rows, the bytes of anonymous memory that it
        took, and whether all rows would have fitted.
    """
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(root), str(limit)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    total, some, rows, taken, fits = done.stdout.split()
    return int(total), int(some), int(rows), int(taken), fits == "True"
