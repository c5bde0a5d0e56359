"""The Ray cluster: join the one there is, else start one on loopback."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from actors.errors import UserError

if TYPE_CHECKING:
    from orchestrator.execution.placement import Node

ADDRESS = "RAY_ADDRESS"
CONNECT_SECONDS = 10


class Closable(Protocol):
    """What is closed with the status of what it was open for."""

    def close(self, status: str) -> None: ...


Opened = TypeVar("Opened", bound=Closable)


def is_joined() -> bool:
    """Whether the environment names a cluster to join, as inside a job."""
    return bool(os.environ.get(ADDRESS))


def local_node() -> Node:
    """Return what this machine has."""
    import joblib
    import torch

    from orchestrator.execution.placement import Node

    return Node(joblib.cpu_count(), torch.cuda.device_count())


def prepare() -> None:
    """Set what Ray reads from the environment when it is imported: before anything imports it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # a run ends with its first error; those of the steps beside it would print hundreds of lines
    os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")
    # and Ray prints forty lines about every worker and node that dies
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
    if not is_joined():
        # Ray 2.60 listens on all interfaces unless it is told that it is alone on this machine
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"


def connect() -> None:
    """Join the cluster that RAY_ADDRESS names, or start a local Ray with every port on loopback.

    Where that was done before, nothing is.

    Raises:
        UserError: the cluster cannot be reached.
    """
    import ray

    if ray.is_initialized():
        return
    handler, terminated = signal.getsignal(signal.SIGTERM), False
    try:
        _connect()
    except SystemExit:  # of Ray's own handler, which it puts in the place of ours
        terminated = True
    signal.signal(signal.SIGTERM, handler)
    if terminated:
        signal.raise_signal(signal.SIGTERM)


def _connect() -> None:
    import ray

    from actors.pool.catalogue import NAMESPACE
    from orchestrator.execution import log

    options: dict[str, Any] = {
        "namespace": NAMESPACE,
        "logging_level": logging.ERROR,
        "log_to_driver": False,
    }
    if not is_joined():
        node = local_node()
        try:
            log.init_ray(
                "local",
                num_cpus=int(node.cpus),
                num_gpus=int(node.gpus),
                include_dashboard=False,
                **options,
            )
        except Exception as error:  # Ray raises Exception itself for what is late
            ray.shutdown()
            raise UserError(
                f"Ray did not start on this machine ({_shortened(error)}); it may be too busy or "
                "short of memory or disk: run again when it is less so, or set "
                f"{ADDRESS} to join a cluster"
            ) from None
        return
    address = os.environ[ADDRESS]
    try:
        _check_listens(address)
        log.init_ray(**options)
    except Exception as error:  # as above
        raise UserError(
            f"{ADDRESS}: no cluster answers at {address!r} ({_shortened(error)}); where it wants a "
            "token, set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN; unset it to start a local Ray"
        ) from None


def _shortened(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def connect_beside(open_runs: Callable[[], Opened]) -> Opened:
    """Connect while runs are opened for tracking, which takes as long; return those.

    Raises:
        UserError: the cluster or the tracking server cannot be reached.
    """
    with ThreadPoolExecutor(1) as beside:
        opening = beside.submit(open_runs)
        try:
            connect()
        except BaseException:
            opening.result().close("FAILED")
            raise
        return opening.result()


def _check_listens(address: str) -> None:
    """Raise OSError when nobody listens at host:port; ray.init would try for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()


def nodes() -> list[Node]:
    """Return the machines of the connected cluster."""
    import ray

    from orchestrator.execution.placement import Node

    return [
        Node(
            node["Resources"].get("CPU", 0),
            node["Resources"].get("GPU", 0),
            node["NodeID"],
            node["NodeManagerAddress"],
        )
        for node in ray.nodes()
        if node["Alive"]
    ]
