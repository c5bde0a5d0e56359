"""A Ray of several nodes on this machine, to which all can happen that happens to machines."""

import logging
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

os.environ["RAY_AUTH_MODE"] = "disabled"
# a head is given up after so long
os.environ.update({"RAY_gcs_rpc_server_reconnect_timeout_s": "15"})

import psutil
import ray
from ray.cluster_utils import Cluster

from actors.pool.catalogue import NAMESPACE

# a node is taken for dead within two seconds
NOTICED = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_failure_threshold": 3,
    "health_check_timeout_ms": 500,
}
OBJECT_BYTES = 100 << 20


class Nodes:
    """A head that has no CPU, and nodes that come and go.

    Attributes:
        keeps: whether the head's state outlives it, in a Redis.
    """

    def __init__(self, number: int, cpus: int, *, keeps: bool = False) -> None:
        self._number = number
        self._cpus = cpus
        self.keeps = keeps
        self._redis: subprocess.Popen[bytes] | None = None
        self._start()

    def _start(self) -> None:
        head: dict[str, Any] = {"num_cpus": 0, "include_dashboard": False}
        if self.keeps:
            self._redis, address = _start_redis()
            head["external_addresses"] = [address, address]
        head["_system_config"] = NOTICED
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self._head: Any = self.cluster.head_node
        self.ordinary = [self.add() for _ in range(self._number)]
        self.address: str = self.cluster.address
        ray.init(
            self.address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR
        )

    def add(self, **variables: str) -> Any:
        """Add a node with more variables in its environment."""
        return self.cluster.add_node(
            num_cpus=self._cpus, object_store_memory=OBJECT_BYTES, env_vars=variables or None
        )

    def remove(self, node: Any) -> None:
        """Cut the power of a node, if it is still there."""
        if node in self.cluster.worker_nodes:
            self.cluster.remove_node(node, allow_graceful=False)

    def replace_one(self, chance: Random) -> None:
        """Cut the power of a node; another comes."""
        lost = self.ordinary.pop(chance.randrange(len(self.ordinary)))
        self.remove(lost)
        self.ordinary.append(self.add())

    def stop_one(self, chance: Random, seconds: float) -> None:
        """Let all processes of a node stand still for a while."""
        raylet = psutil.Process(chance.choice(self.ordinary).all_processes["raylet"][0].process.pid)
        stopped = [raylet, *raylet.children(recursive=True)]
        for number, pause in ((signal.SIGSTOP, seconds), (signal.SIGCONT, 0)):
            for process in stopped:
                with suppress(psutil.Error):
                    process.send_signal(number)
            time.sleep(pause)
        # taken for dead meanwhile, it leaves
        with suppress(psutil.TimeoutExpired):
            raylet.wait(3)
        for node in [node for node in self.ordinary if not node.remaining_processes_alive()]:
            self.ordinary.remove(node)
            self.remove(node)
            self.ordinary.append(self.add())

    def restart_head(self, seconds: float) -> None:
        """Kill the process that is the head, and start it at its address after a while."""
        self._head.kill_gcs_server(False)
        time.sleep(seconds)
        self._head._ray_params.gcs_server_port = int(self.address.rpartition(":")[2])
        self._head.start_gcs_server()

    def lose_head(self) -> None:
        """Cut the power of the head; the other nodes are left to find out."""
        ray.shutdown()
        self._head.kill_all_processes(check_alive=False, allow_graceful=False)

    def start_over(self) -> None:
        """End what is left, and start all of it at another address."""
        self.stop()
        self._start()

    def stop(self) -> None:
        """End all of it."""
        if ray.is_initialized():
            ray.shutdown()
        for node in self.cluster.list_all_nodes():
            node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)
        if self._redis:
            self._redis.kill()
            self._redis.wait()

    def process_of(self, worker: str) -> int | None:
        """Return the process id of a worker, from the name of its log file."""
        logs = Path(self._head.get_logs_dir_path())
        files = list(logs.glob(f"worker-{worker}-*.out"))
        return int(files[0].stem.rpartition("-")[2]) if files else None

    @staticmethod
    def processes() -> Iterator[tuple[int, str]]:
        """Yield the process id and the title of every worker."""
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                title = " ".join(process.cmdline())
                if title.startswith("ray::"):
                    yield process.pid, title


@contextmanager
def nodes(number: int, cpus: int, *, keeps: bool = False) -> Iterator[Nodes]:
    """Start nodes, and end them."""
    there = Nodes(number, cpus, keeps=keeps)
    try:
        yield there
    finally:
        there.stop()


def has_redis() -> bool:
    """Whether the state of a head can outlive it here."""
    return shutil.which("redis-server") is not None


def _start_redis() -> "tuple[subprocess.Popen[bytes], str]":
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {"port": str(port), "bind": "127.0.0.1", "save": "", "appendonly": "no"}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    process = subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process, f"127.0.0.1:{port}"
        time.sleep(0.05)
    raise TimeoutError("redis-server does not answer")
