"""Nodes that are lost, on a Ray of several nodes, in a process of its own."""

import re
import sys
from pathlib import Path

import pytest

from tests.runs import Store, finish

# the only node that has room is killed once a step is being done there, and comes back for what
# goes on with the run
PROGRAM = """
import os, sys, threading, time
from tests.kills import MIXTURE, nodes

def lose():
    while not any("::Worker: " in title for _, title in there.processes()):
        time.sleep(0.05)
    there.cluster.remove_node(*there.cluster.worker_nodes, allow_graceful=False)

with nodes(1, 2) as there:
    os.environ["RAY_ADDRESS"] = there.address
    from orchestrator.cli import main
    from orchestrator.execution import executor
    executor.NODE_SECONDS = 5
    command = ["run", str(MIXTURE), "--store", sys.argv[1]]
    losing = threading.Thread(target=lose)
    losing.start()
    print("STATUS", main(command), flush=True)
    losing.join()
    there.cluster.add_node(num_cpus=2)
    executor.NODE_SECONDS = 60
    print("STATUS", main(command), flush=True)
"""


@pytest.mark.soak
def test_a_run_whose_only_node_is_lost_ends_with_a_line_that_names_it_and_goes_on_with_another(
    tmp_path: Path,
) -> None:
    done = finish([sys.executable, "-c", PROGRAM, str(tmp_path)])
    assert re.findall(r"STATUS (\d+)", done.stdout) == ["1", "0"], done.stdout + done.stderr
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert re.search(
        r"node 127\.0\.0\.1 \([0-9a-f]{8}\) lost(, which did .*)?; "
        "what is left has no room for the work$",
        error,
    )
    assert "Traceback" not in done.stderr
    assert Store(tmp_path).results()
