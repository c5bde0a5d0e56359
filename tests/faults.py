"""Faults, and runs on a cluster of several nodes to which they happen at random moments.

    python -m tests.faults --seed 0 --seconds 600

A round is one experiment in a new store, run by one, two or three drivers at a time, and some
faults. Each driver must come to its end, and leave what an undisturbed run leaves; but for the
faults, none may stand still.
"""

import argparse
import json
import logging
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tests.nodes import OBJECT_BYTES, has_redis, nodes
from tests.rounds import Round
from tests.s3 import serve

# how long a driver may take to find out that its cluster is gone
GIVEN_UP_SECONDS = 90.0
# what Python runs first where the project is not installed, and where the clock is an hour ahead
WITHOUT = "import sys\nsys.modules['actors'] = sys.modules['orchestrator'] = None\n"
AHEAD = "import time\ntrue = time.time\ntime.time = lambda: true() + 3600\n"


def _holder(round_: Round) -> bool:
    return round_.kill(round_.workers() & set(round_.doing().values()))


def _waiter(round_: Round) -> bool:
    return round_.kill(round_.workers() - set(round_.doing().values()))


def _catalogue(round_: Round) -> bool:
    return round_.kill(round_.workers("::Catalogue"))


def _node(round_: Round) -> bool:
    if round_.workers():
        round_.nodes.replace_one(round_.chance)
        return True
    return False


def _slow_node(round_: Round) -> bool:
    """A node stands still: for less, or for more than it takes to be taken for dead."""
    if round_.workers():
        round_.nodes.stop_one(round_.chance, round_.chance.choice((0.5, 6.0)))
        return True
    return False


def _driver(round_: Round) -> bool:
    """A driver is killed, and the same command is given once more."""
    running = [number for number, driver in enumerate(round_.drivers) if driver.poll() is None]
    if not running:
        return False
    number = round_.chance.choice(running)
    round_.drivers[number].kill()
    round_.drivers[number].wait()
    round_.start(number)
    return True


def _head(round_: Round) -> bool:
    """The head is away for a moment, and what it knew is in Redis."""
    if not round_.is_under_way():
        return False
    round_.nodes.restart_head(round_.chance.uniform(0.5, 5))
    return True


def _head_for_good(round_: Round) -> bool:
    """The head is lost with all it knew: drivers end by themselves, and are started once more."""
    if not round_.workers():
        return False
    running = [number for number, driver in enumerate(round_.drivers) if driver.poll() is None]
    round_.nodes.lose_head()
    for number in running:
        with suppress(subprocess.TimeoutExpired):
            assert round_.drivers[number].wait(GIVEN_UP_SECONDS), (
                "a driver without a head ended well"
            )
            continue
        raise AssertionError("a driver did not notice that its head is lost")
    round_.nodes.start_over()
    for number in running:
        round_.start(number)
    return True


def _storage(round_: Round) -> bool:
    """The network to the store fails, and works again after a while."""
    if not round_.is_under_way():
        return False
    round_.bucket.network.cut_after(0)
    time.sleep(round_.away)
    round_.bucket.network.mend()
    return True


def _tracking_server(round_: Round) -> bool:
    if not round_.is_under_way():
        return False
    round_.server.kill()
    time.sleep(round_.chance.uniform(1, 10))
    round_.server.start()
    return True


def _object_store(round_: Round) -> bool:
    """Others fill the object stores of all nodes, and keep what they put there."""

    @ray.remote(num_cpus=0)
    class Hoarder:
        def __init__(self) -> None:
            size = 10 << 20
            self._kept = [ray.put(np.ones(size, np.uint8)) for _ in range(OBJECT_BYTES // size + 2)]

        def ready(self) -> None: ...

    remote: Any = Hoarder
    for node in round_.nodes.ordinary:
        where = NodeAffinitySchedulingStrategy(node.node_id, soft=False)
        hoarder = remote.options(scheduling_strategy=where).remote()
        ray.get(hoarder.ready.remote())
        round_.undo.callback(lambda kept: None, hoarder)
    return True


def _without_project(round_: Round) -> bool:
    """A node joins for a while on which the project cannot be imported."""
    if not round_.is_under_way():
        return False
    joined = round_.nodes.add(**round_.first(WITHOUT))
    time.sleep(15)
    round_.nodes.remove(joined)
    return True


def _clock(round_: Round) -> bool:
    """A node and a driver join whose clocks are an hour ahead of the others and of the store's."""
    round_.undo.callback(round_.nodes.remove, round_.nodes.add(**round_.first(AHEAD)))
    round_.start(variables=round_.first(AHEAD))
    return True


# from a fault's name to what causes it, which returns whether there was anything to be disturbed
FAULTS: dict[str, Callable[[Round], bool]] = {
    "holder": _holder,
    "waiter": _waiter,
    "catalogue": _catalogue,
    "node": _node,
    "slow-node": _slow_node,
    "driver": _driver,
    "head": _head,
    "head-for-good": _head_for_good,
    "storage": _storage,
    "tracking-server": _tracking_server,
    "object-store": _object_store,
    "without-project": _without_project,
    "clock": _clock,
}
# those that want a store on S3 and a tracking server
SERVED = {"storage", "tracking-server"}


def missing() -> dict[str, str]:
    """Return the faults that this machine has no means for, and why."""
    return {} if has_redis() else {"head": "no redis-server"}


def shuffled(names: list[str], chance: random.Random) -> Iterator[str]:
    """Yield names without end, each as often as the others."""
    while True:
        yield from chance.sample(names, len(names))


def main() -> int:
    """Run rounds until the time is over; return how many of them failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600, help="begin no round after those")
    parser.add_argument("--rounds", type=int, default=10**9, help="and no more than those")
    parser.add_argument("--together", type=int, default=3, help="most drivers of a round")
    parser.add_argument("--per-round", type=int, default=4, help="most faults of a round")
    parser.add_argument("--pause", type=float, nargs=2, default=(0.5, 5), help="between faults")
    parser.add_argument("--away", type=float, default=60, help="seconds that a store is away")
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=list(FAULTS))
    given = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    chance, begun = random.Random(given.seed), time.monotonic()
    for name, why in missing().items():
        print(f"left out: {name} ({why})", flush=True)
    names = shuffled([name for name in given.faults if name not in missing()], chance)
    caused, redone, lost, twice, failed, longest, number = Counter[str](), 0, 0, 0, 0, 0.0, 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        bucket = stack.enter_context(serve())
        there = stack.enter_context(nodes(2, 1, keeps="head" not in missing()))
        undisturbed = Round(there, bucket, folder / "undisturbed", 1, [], False, chance, given.away)
        wrong = undisturbed.carry_out(given.pause)
        assert not wrong, "\n".join(wrong)
        expected = undisturbed.left()
        while number < given.rounds and time.monotonic() - begun < given.seconds:
            number += 1
            several = [next(names) for _ in range(chance.randint(1, given.per_round))]
            causes = [(name, FAULTS[name]) for name in several]
            served = not SERVED.isdisjoint(several)
            drivers, new = chance.randint(1, given.together), folder / f"{number}"
            round_ = Round(there, bucket, new, drivers, causes, served, chance, given.away)
            with round_.undo:
                wrong = round_.carry_out(given.pause)
                if not wrong:
                    left = round_.left()
                    wrong = left.other_than(expected)
                    lost += len(expected.rows - left.rows)
                    twice += left.rows.total() - len(left.rows)
            caused += round_.caused
            redone += round_.redone
            failed += bool(wrong)
            longest = max(longest, round_.longest_still)
            said = {"round": number, "drivers": drivers, "faults": round_.caused, "wrong": wrong}
            said |= {"still": round(round_.longest_still, 1), "redone": round_.redone}
            print(json.dumps(said | {"seconds": round(time.monotonic() - begun, 1)}), flush=True)
    summary = {"rounds": number, "failed": failed, "survived": caused.total(), "faults": caused}
    summary |= {"steps_redone": redone, "rows_lost": lost, "rows_twice": twice}
    print(json.dumps(summary | {"longest_stall": round(longest, 1)}))
    return failed


if __name__ == "__main__":
    sys.exit(main())
