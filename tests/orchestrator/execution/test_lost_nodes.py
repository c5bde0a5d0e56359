"""Nodes that are lost or join, on a Ray of several nodes, in a process of its own."""

import re
import sys
from pathlib import Path

import pytest

from tests.runs import Store, finish

# the only node that has room is killed once a step is being done there, and comes back for what
# goes on with the run
PROGRAM = """
import os, sys, threading, time
from tests.nodes import nodes
from tests.runs import MIXTURE

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


# more trainings than the only node has CPUs for, and a node that joins once they are being done
JOINING = """
import sys
from collections import deque
from pathlib import Path
from actors.pool.catalogue import Alone
from actors.pool.format import mark_format
from actors.pool.storage import Storage
from orchestrator.execution.execute import execute
from orchestrator.execution.executor import Executor
from orchestrator.planning import make_plan
from tests.nodes import nodes
from tests.orchestrator.execution.test_executor import DENOISER, experiment

slow = {**DENOISER, "training": {"steps": 2000, "batch_size": 16}}
with nodes(1, 1) as there:
    store = Path(sys.argv[1])
    models = {f"model{i}": slow for i in range(4)}
    plan = make_plan(experiment(store, 0, generators=models, iterations=1))
    storage, at_work = Storage(str(store)), set()
    mark_format(storage)
    executor = Executor(storage)
    for _ in execute(deque(plan.steps.values()), executor):
        running = (Alone(storage).running() or {}).values()
        at_work |= {one.holder.node for one in running}
        if at_work and len(there.cluster.worker_nodes) == 1:
            there.cluster.add_node(num_cpus=1)
    print("NODES", len(at_work))
"""


@pytest.mark.soak
def test_a_node_that_joins_during_a_run_is_given_work(tmp_path: Path) -> None:
    done = finish([sys.executable, "-c", JOINING, str(tmp_path)])
    assert "NODES 2" in done.stdout, done.stdout + done.stderr
