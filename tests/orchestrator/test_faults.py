"""A run to which faults happen, on a Ray of several nodes; `make soak` has the long form."""

import json
import sys

from tests.runs import finish


def test_a_run_to_which_faults_happen_gives_what_one_left_alone_does() -> None:
    faults = ("holder", "node", "catalogue")
    few = ("--rounds", "1", "--per-round", "3", "--together", "1", "--faults", *faults)
    done = finish([sys.executable, "-m", "tests.faults", "--seed", "1", *few])
    assert done.returncode == 0, done.stdout + done.stderr
    # Ray prints as well
    *_, last = (line for line in done.stdout.splitlines() if line.startswith("{"))
    found = json.loads(last)
    assert (found["failed"], found["rows_lost"], found["rows_twice"]) == (0, 0, 0)
    assert found["survived"]
