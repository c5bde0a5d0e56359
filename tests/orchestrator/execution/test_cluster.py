"""A Ray that cannot be had is one line of error."""

import sys
from pathlib import Path

import pytest

from tests.runs import TINY, finish

# a raylet that never answers, as on a machine that is too busy
PROGRAM = """
import sys
cluster.prepare()
from ray._private import services
services.RAYLET_EXECUTABLE = sys.argv[1]
from orchestrator.cli import main
from orchestrator.execution import cluster
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.soak
def test_a_ray_that_does_not_start_in_time_is_one_line_that_says_what_to_do(
    tmp_path: Path,
) -> None:
    raylet = tmp_path / "raylet"
    raylet.write_text("#!/bin/sh\nexec sleep 600\n")
    raylet.chmod(0o755)
    command = ["run", str(TINY), "--store", str(tmp_path / "store")]
    done = finish([sys.executable, "-c", PROGRAM, str(raylet), *command])
    assert done.returncode == 2, done.stdout + done.stderr
    (said,) = done.stderr.splitlines()
    assert said.startswith("error: Ray did not start on this machine (The current node timed out")
    assert "run again when it is less so" in said
