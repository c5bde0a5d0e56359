"""The log of a run or sweep in MLflow: its topmost run, and what is written to that."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from actors.pool.filesystems import without_secrets
from actors.pool.storage import Storage
from orchestrator.tracking import runs
from orchestrator.tracking.names import git_commit, valid_name
from orchestrator.tracking.outbox import Outbox
from orchestrator.tracking.server import connect, explained
from orchestrator.tracking.system import SystemMetrics

# how a run ended, in MLflow's words; any other way is KILLED
MLFLOW_STATUS = {"finished": "FINISHED", "failed": "FAILED"}


class Log:
    """A run in MLflow, and others below it.

    Opening it waits for the server; everything after goes through an outbox and waits for nothing.

    Attributes:
        uri: of the MLflow store.
        experiment_id: MLflow's experiment with all runs of this project.
        run_id: of the topmost run.
    """

    def __init__(
        self,
        storage: Storage,
        key: str,
        name: str,
        tags: Mapping[str, str],
        params: Mapping[str, Any],
        parent: str | None = None,
        datasets: Sequence[Any] = (),
    ) -> None:
        """Find the run by its key, or make it.

        Args:
            parent: run id of a sweep, below which this is a trial's run.

        Raises:
            UserError: the server does not answer, or not as an MLflow store.
        """
        server = connect(storage)
        self.uri, self.experiment_id = server.uri, server.experiment_id
        self._client = server.client
        self._storage = storage
        self._outbox = Outbox(server.name)
        self._datasets = datasets
        self._opened: list[str] = []
        with explained(self.uri):
            self._found = runs.Runs(server, self._outbox, key)
            run = self._open(key, name, parent, tags, params)
        self.run_id = str(run.info.run_id)
        self._known = dict(run.data.metrics)
        # of the machine, which the process of a sweep does for its trials
        self._system = None
        if not parent:
            self._system = SystemMetrics(run.info.start_time / 1000, self._put_metrics)

    def _open(
        self,
        key: str,
        name: str,
        parent: str | None,
        tags: Mapping[str, str],
        params: Mapping[str, Any],
    ) -> Any:
        """Return the run with a key, found or made."""
        every = {runs.STORE_TAG: without_secrets(self._storage.uri), **tags}
        if commit := git_commit():
            every["mlflow.source.git.commit"] = commit
        run = self._found.open(key, name, parent, every, params, self._datasets)
        self._opened.append(run.info.run_id)
        return run

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Write metrics of the topmost run, but for those whose last value is the same."""
        new = {name: value for name, value in metrics.items() if self._known.get(name) != value}
        self._known |= new
        if new:
            self._put_metrics(new, step)

    def tag(self, tags: Mapping[str, str]) -> None:
        """Set tags of the topmost run, in place of those of the same name."""
        for name, value in tags.items():
            self._outbox.put(partial(self._client.set_tag, self.run_id, valid_name(name), value))

    def log_files(self, path: Path) -> None:
        """Write a file or folder as artifacts of the topmost run; it must stay until the end."""
        self._outbox.put(partial(runs.write_files, self._client, self.run_id, path))

    def close(self, status: str) -> None:
        """End every run, and wait until all is written.

        Where the server is away and not back soon, say what is not there.
        """
        if self._system:
            self._system.close()
        ended = MLFLOW_STATUS.get(status, "KILLED")
        for run_id in reversed(self._opened):
            self._outbox.put(partial(self._client.set_terminated, run_id, ended))
        self._outbox.close()

    def _put_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        points = runs.as_metrics(metrics, step)
        self._outbox.put(partial(runs.write_metrics, self._client, self.run_id, points))
