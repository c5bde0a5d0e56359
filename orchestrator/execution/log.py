"""Log lines for machines: what happens to steps, with whose they are and where.

Ray's own RAY_LOGGING_CONFIG_ENCODING=JSON asks for them. Every process then writes one JSON object
per line into Ray's folder of logs on its node: a worker or actor where Ray keeps what it prints,
the driver into a file of its own, as its terminal is for people.
"""

import logging
import os
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import ray

from actors.pool.notes import LOG
from orchestrator.execution.jobs import Job

VARIABLE = "RAY_LOGGING_CONFIG_ENCODING"
# where nobody asked for them, Python would print warnings to the terminal
LOG.addHandler(logging.NullHandler())


def write(level: int, message: str, job: Job, node: str, **more: Any) -> None:
    """Write a line about a step.

    Args:
        node: name of the machine; empty where it is about none.
        more: further fields.
    """
    planned = job.planned
    fields = {
        "run": ",".join(sorted(job.clients)),
        "arm": ",".join(planned.arms),
        "iteration": planned.iteration,
        "generator": planned.generator,
        "step": planned.step.kind,
        "key": planned.step.key,
        "node": node,
    }
    LOG.log(level, message, extra=fields | more)


def init_ray(*address: str, **options: Any) -> None:
    """Call ray.init, and have what Ray says in this process, and we, written to a file."""
    if not os.environ.get(VARIABLE):
        ray.init(*address, **options)
        return
    before = list(logging.getLogger().handlers)
    with redirect_stderr(StringIO()) as said:
        context: Any = ray.init(*address, **options)
    folder = Path(context.address_info["session_dir"]) / "logs"
    # open as long as this process lives
    file = (folder / f"ouroboros-{os.getpid()}.log").open("a", encoding="utf-8")
    file.write(said.getvalue())
    for handler in logging.getLogger().handlers:
        if handler not in before and isinstance(handler, logging.StreamHandler):
            handler.setStream(file)
