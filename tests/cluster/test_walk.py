"""The operators' page, walked through by a program of its own, against a local run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.test_nodes import APART, is_allowed
from tests.cluster.walk import EXPERIMENT, KINDS
from tests.runs import ROOT, Store, call, environment

SECONDS = 1500


@pytest.mark.soak
@pytest.mark.skipif(not is_allowed(), reason="needs root and `ip`, for namespaces")
def test_a_job_whose_machines_lose_their_power_and_that_is_stopped_makes_what_a_local_run_makes(
    tmp_path: Path,
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "store").mkdir()
    variables = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": "",
        "HOME": str(tmp_path / "home"),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    done = subprocess.run(
        [*APART, sys.executable, "-m", "tests.cluster.walk", str(tmp_path)],
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(re.findall(r"lost its power in (\w+)", done.stdout)) == {*KINDS}
    assert re.search(r"error: node 10\.99\.0\.3 \(\w{8}\): store '.*' does not hold", done.stdout)
    alone = call("run", str(EXPERIMENT), "--store", str(tmp_path / "alone"))
    assert alone.returncode == 0, alone.stderr
    made, expected = Store(tmp_path / "store"), Store(tmp_path / "alone")
    assert len(expected.selected_ids()) == 6
    assert made.selected_ids() == expected.selected_ids()
    assert made.results() == expected.results()
    assert {*made.tables("sample")} == {*expected.tables("sample")}
