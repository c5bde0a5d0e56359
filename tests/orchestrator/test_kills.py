"""Runs whose workers, catalogue and nodes are killed, on a Ray of several nodes of its own."""

import json
import sys

import pytest

from tests.runs import finish


def kills(*arguments: str, seconds: int) -> dict[str, object]:
    """Run rounds of kills; return what came out of all of them."""
    done = finish([sys.executable, "-m", "tests.kills", *arguments], seconds=seconds)
    assert done.returncode == 0, done.stdout + done.stderr
    # Ray prints as well
    *_, last = (line for line in done.stdout.splitlines() if line.startswith("{"))
    found: dict[str, object] = json.loads(last)
    return found


def test_a_run_whose_workers_and_node_are_killed_gives_what_one_left_alone_does() -> None:
    found = kills("--seed", "1", "--kills", "2", "--together", "2", seconds=300)
    assert found["failed"] == 0


@pytest.mark.soak
def test_two_hundred_kills_change_no_id_and_no_metric_and_nothing_stands_still() -> None:
    found = kills("--kills", "200", seconds=4 * 3600)
    assert found["failed"] == 0
