"""Runs on a cluster of several nodes whose processes and nodes are killed at random moments.

    python -m tests.kills --seed 0 --kills 200

A round is one experiment in a new store, run by one, two or three drivers at a time. Each must come
to its end, and leave what an undisturbed run leaves; without a kill, none may stand still.
"""

import argparse
import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_AUTH_MODE"] = "disabled"

import psutil
import ray
from ray.cluster_utils import Cluster

from actors.pool.catalogue import NAMESPACE, Alone
from actors.pool.storage import Storage
from tests.runs import MIXTURE, ROOT, Store, command, environment

# longest time without a kill and without a new file, or without an end
STILL_SECONDS = 60.0
# a node is taken for dead within two seconds
NOTICED = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_failure_threshold": 3,
    "health_check_timeout_ms": 500,
}
KINDS = ("holder", "waiter", "catalogue", "node")
# a lock is held for moments, so the killer waits for one of the kind that it drew
FOUND_SECONDS = 10.0


class Nodes:
    """A head that has no CPU, and nodes that come and go."""

    def __init__(self, number: int, cpus: int) -> None:
        self._cpus = cpus
        self.cluster = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "include_dashboard": False, "_system_config": NOTICED},
        )
        for _ in range(number):
            self.cluster.add_node(num_cpus=cpus)
        self.address: str = self.cluster.address
        head: Any = self.cluster.head_node
        self.logs: str = head.get_logs_dir_path()

    def kill_one(self, chance: random.Random) -> None:
        """Kill a node at once; another comes."""
        nodes = sorted(self.cluster.worker_nodes, key=lambda node: str(node.unique_id))
        self.cluster.remove_node(chance.choice(nodes), allow_graceful=False)
        self.cluster.add_node(num_cpus=self._cpus)

    def processes(self) -> Iterator[tuple[int, str]]:
        """Yield the process id and the title of every worker."""
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                title = " ".join(process.cmdline())
                if title.startswith("ray::"):
                    yield process.pid, title


@contextmanager
def nodes(number: int, cpus: int) -> Iterator[Nodes]:
    there = Nodes(number, cpus)
    ray.init(there.address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
    try:
        yield there
    finally:
        ray.shutdown()
        there.cluster.shutdown()


def start(store: Path, address: str, log: Path) -> "subprocess.Popen[str]":
    variables = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "disabled"}
    with log.open("w") as output:
        return subprocess.Popen(
            command("run", str(MIXTURE), "--store", str(store)),
            cwd=ROOT,
            env=environment(RAY_ADDRESS=address, **variables),
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )


class Round:
    """Some drivers of one experiment on one store, and what is killed meanwhile."""

    def __init__(self, there: Nodes, folder: Path, drivers: int, chance: random.Random) -> None:
        self._nodes = there
        self._chance = chance
        self.store = folder / "store"
        self._alone = Alone(Storage(str(self.store)))
        self.logs = [folder / f"log{number}" for number in range(drivers)]
        self._running = [start(self.store, there.address, log) for log in self.logs]
        self.killed: Counter[str] = Counter()
        self.longest_still = 0.0

    def carry_out(self, kills: int, pause: tuple[float, float]) -> list[str]:
        """Kill as often, and wait for the end; return what is wrong."""
        begun = moved = time.monotonic()
        next_kill, state = begun + self._chance.uniform(*pause), self._state()
        kind = self._chance.choice(KINDS)
        while any(process.poll() is None for process in self._running):
            time.sleep(0.1)
            now = time.monotonic()
            if self._state() != state:
                moved, state = now, self._state()
            self.longest_still = max(self.longest_still, now - moved)
            if now - moved > STILL_SECONDS:
                self._end()
                return [f"nothing moved for {STILL_SECONDS:.0f} s", *self._tails()]
            if now > next_kill and self.killed.total() < kills:
                if killed := self._kill(kind):
                    moved = now
                if killed or now > next_kill + FOUND_SECONDS:
                    next_kill = now + self._chance.uniform(*pause)
                    kind = self._chance.choice(KINDS)
        statuses = [process.returncode for process in self._running]
        return [f"exit statuses {statuses}", *self._tails()] if any(statuses) else []

    def _state(self) -> tuple[Any, ...]:
        files = sorted(map(str, (self.store / "steps").rglob("*")))
        return files, [log.stat().st_size for log in self.logs]

    def _kill(self, kind: str) -> bool:
        """Kill one of the kind; return whether there was any."""
        workers = dict(self._nodes.processes())
        holders = self._holders()
        at_work = {pid for pid, title in workers.items() if "::Worker: " in title}
        found = {
            "holder": at_work & holders,
            "waiter": at_work - holders,
            "catalogue": {pid for pid, title in workers.items() if "::Catalogue" in title},
            "node": {0} if at_work else set(),
        }
        if not found[kind]:
            return False
        if kind == "node":
            self._nodes.kill_one(self._chance)
        else:
            try:
                os.kill(self._chance.choice(sorted(found[kind])), signal.SIGKILL)
            except ProcessLookupError:
                return False
        self.killed[kind] += 1
        return True

    def _holders(self) -> set[int]:
        """Return the process ids of those who hold a lock, from the names of their log files."""
        running = (self._alone.running() or {}).values()
        logs = Path(self._nodes.logs)
        files = [f for one in running for f in logs.glob(f"worker-{one.holder.worker}-*.out")]
        return {int(file.stem.rpartition("-")[2]) for file in files}

    def _end(self) -> None:
        for process in self._running:
            process.kill()
            process.wait()

    def _tails(self) -> list[str]:
        return [log.read_text()[-3000:] for log in self.logs]


def left(store: Path) -> tuple[Any, Any]:
    """Return what two runs of one experiment have in common: selected ids and results."""
    return Store(store).selected_ids(), Store(store).results()


def main() -> int:
    """Run rounds until as many kills are done; return how many rounds failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no round after those")
    parser.add_argument("--together", type=int, default=3, help="most drivers of a round")
    parser.add_argument("--per-round", type=int, default=8)
    parser.add_argument("--pause", type=float, nargs=2, default=(0.5, 5))
    given = parser.parse_args()
    chance, begun, total, failed = random.Random(given.seed), time.monotonic(), Counter[str](), 0
    still = 0.0
    with nodes(2, 2) as there, tempfile.TemporaryDirectory(prefix="kills-") as folder:
        undisturbed = Round(there, _folder(folder, "undisturbed"), 1, chance)
        wrong = undisturbed.carry_out(0, given.pause)
        assert not wrong, wrong
        expected, number = left(undisturbed.store), 0
        while total.total() < given.kills and time.monotonic() - begun < given.seconds:
            number += 1
            drivers = chance.randint(1, given.together)
            one = Round(there, _folder(folder, f"round{number}"), drivers, chance)
            kills = min(given.per_round, given.kills - total.total())
            wrong = one.carry_out(kills, given.pause)
            if not wrong and left(one.store) != expected:
                wrong = ["other ids or metrics than the undisturbed run"]
            total += one.killed
            failed += bool(wrong)
            still = max(still, one.longest_still)
            said = {"round": number, "drivers": drivers, "killed": one.killed, "wrong": wrong}
            said["still"] = round(one.longest_still, 1)
            said["seconds"] = round(time.monotonic() - begun, 1)
            print(json.dumps(said), flush=True)
    print(
        json.dumps(
            {"rounds": number, "failed": failed, "kills": total, "longest_still": round(still, 1)}
        )
    )
    return failed


def _folder(parent: str, name: str) -> Path:
    folder = Path(parent) / name
    folder.mkdir()
    return folder


if __name__ == "__main__":
    sys.exit(main())
