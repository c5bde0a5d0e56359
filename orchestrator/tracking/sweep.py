"""The run of a sweep, below which its trials have theirs."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from actors.pool.filesystems import without_secrets
from actors.pool.storage import Storage
from orchestrator.tracking import runs
from orchestrator.tracking.names import flatten, git_commit, valid_name
from orchestrator.tracking.outbox import Outbox
from orchestrator.tracking.server import connect, explained
from orchestrator.tracking.system import SystemMetrics


class SweepRun:
    """A sweep's run: its driver opens it before any trial, so that the tables are made once."""

    def __init__(
        self, storage: Storage, name: str, key: str, config: dict[str, Any], tags: Mapping[str, str]
    ) -> None:
        """Find the run by its key, or make it.

        Raises:
            UserError: the server does not answer, or not as an MLflow store.
        """
        server = connect(storage)
        self.uri, self.experiment_id = server.uri, server.experiment_id
        self._client = server.client
        self._outbox = Outbox(server.name)
        tags = {runs.STORE_TAG: without_secrets(storage.uri), "sweep": name, **tags}
        if commit := git_commit():
            tags["mlflow.source.git.commit"] = commit
        with explained(self.uri):
            found = runs.Runs(server, self._outbox, key)
            run = found.open(key, name, None, tags, flatten(config))
        self.run_id = str(run.info.run_id)
        self._known = dict(run.data.metrics)
        self._system = SystemMetrics(run.info.start_time / 1000, self._put)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Write metrics, but for those whose last value is the same."""
        new = {name: value for name, value in metrics.items() if self._known.get(name) != value}
        self._known |= new
        if new:
            self._put(new, step)

    def tag(self, tags: Mapping[str, str]) -> None:
        """Set tags, in place of those of the same name."""
        for name, value in tags.items():
            self._outbox.put(partial(self._client.set_tag, self.run_id, valid_name(name), value))

    def log_files(self, path: Path) -> None:
        """Write a local file or folder as artifacts; it must stay until the end."""
        self._outbox.put(partial(runs.write_files, self._client, self.run_id, path))

    def close(self, status: str) -> None:
        """End the run as FINISHED, FAILED or KILLED, and wait until all is written."""
        self._system.close()
        self._outbox.put(partial(self._client.set_terminated, self.run_id, status))
        self._outbox.close()

    def _put(self, metrics: Mapping[str, float], step: int) -> None:
        points = runs.as_metrics(metrics, step)
        self._outbox.put(partial(runs.write_metrics, self._client, self.run_id, points))


def open_sweep(
    storage: Storage, name: str, key: str, config: dict[str, Any], tags: Mapping[str, str]
) -> SweepRun:
    """Return the run of a sweep, made or found again by its key.

    Raises:
        UserError: the server does not answer, or not as an MLflow store.
    """
    return SweepRun(storage, name, key, config, tags)
