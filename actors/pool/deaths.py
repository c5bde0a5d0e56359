"""How a worker process died, as Ray has it."""

from contextlib import suppress
from typing import Any


def cause_of_death(worker: str) -> str:
    """Return what Ray says about the end of a process, by its worker id in hex."""
    # Ray has no public call for it but in its dashboard; without it the death is still reported
    with suppress(Exception):
        from ray._private.state import state
        from ray.core.generated import gcs_pb2

        table: Any = gcs_pb2
        for entry in state._connect_and_get_accessor().get_worker_table():
            found = table.WorkerTableData.FromString(entry)
            if found.worker_address.worker_id.hex() == worker and not found.is_alive:
                # without the list of what else it might have been
                return " ".join(found.exit_detail.partition(" Some common causes")[0].split())
    return "its process was killed or crashed"
