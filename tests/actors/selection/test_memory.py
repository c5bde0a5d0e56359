"""Memory that selecting takes beyond the features, in a process that may not take more."""

import subprocess
import sys

import pytest

from tests.runs import ROOT

ROWS, DIMENSIONS = 600_000, 64
PER_ROW = 64
# blocks, whatever the number of rows: of products, of float64 differences, and of what is checked
BLOCKS = 96 << 20

# RLIMIT_DATA bounds private writable memory; the features are mapped, and are not counted
PROGRAM = """
import mmap, resource, sys
import numpy as np
from actors.selection import explain, greedy, random_rows, two_level
from actors.selection.variance import variance

def data():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmData"))

kind, rows, dimensions, most = sys.argv[1], *map(int, sys.argv[2:])
memory = mmap.mmap(-1, 4 * rows * dimensions, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
features = np.frombuffer(memory, np.float32).reshape(rows, dimensions)
rng = np.random.default_rng(0)
for start in range(0, rows, 10_000):
    features[start : start + 10_000] = rng.normal(size=(10_000, dimensions))
few = 2000
# libraries that are loaded at first use, and the threads' own memory
greedy(features[:5000], 10, seed=0, reasons=True)
if most:
    limit = data() + most
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
if kind == "two_level":
    two_level(features, few, seed=0)
elif kind == "variance":
    variance(features, few, seed=0)
elif kind == "explain":
    explain(features, random_rows(features, few, seed=0).positions)
elif kind == "a copy":
    features.copy()
print("done")
"""


def run(kind: str, most: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, kind, str(ROWS), str(DIMENSIONS), str(most)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("kind", ["two_level", "variance", "explain"])
def test_distances_take_at_most_64_bytes_a_row_beyond_the_features(kind: str) -> None:
    done = run(kind, PER_ROW * ROWS + BLOCKS)
    assert done.stdout == "done\n", done.stderr


def test_that_much_memory_has_no_room_for_a_copy_of_the_features() -> None:
    assert 4 * ROWS * DIMENSIONS > PER_ROW * ROWS + BLOCKS
    done = run("a copy", PER_ROW * ROWS + BLOCKS)
    assert "MemoryError" in done.stderr
