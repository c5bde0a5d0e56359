"""The MLflow store that a run writes to: SQLite beside the pool, or the server that is named."""

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from actors.errors import UserError
from actors.pool.filesystems import without_secrets
from actors.pool.storage import Storage

URI_VARIABLE = "MLFLOW_TRACKING_URI"
SQLITE = "sqlite:///"
EXPERIMENT = "ouroboros"
ARTIFACTS = "mlflow-artifacts"
PROBE_SECONDS = 5
LOCKED_SECONDS = 120
NOTE = """\
**experiment → arm → generator**, or sweep → trial → generator: the + before a name opens it. The \
step of a metric is the iteration.

* an arm's run compares its generators: `ddpm/frechet_distance`, `training_set/entropy/ddpm`
* a generator's run has its metrics by plain names, its `training_loss` over all iterations, its \
pictures by iteration and, under Artifacts, `checkpoints.json`: where its checkpoints lie in the \
store that the tag `ouroboros.store` names
* to compare arms, tick their runs and choose Compare, or open the chart view of this page
"""
# without a kind, MLflow's page opens on traces of language models
TAGS = {"mlflow.experimentKind": "custom_model_development", "mlflow.note.content": NOTE}
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Server:
    """An MLflow store that answered.

    Attributes:
        client: an MlflowClient.
        experiment_id: MLflow's experiment with all runs of this project.
    """

    uri: str
    client: Any
    experiment_id: str

    @property
    def name(self) -> str:
        """What to call it in messages, without passwords."""
        kind = "server" if self.uri.startswith("http") else "store"
        return f"the {kind} at {without_secrets(self.uri)}"


def tracking_uri(storage: Storage) -> str:
    """Return MLFLOW_TRACKING_URI, by default SQLite beside the pool."""
    if uri := os.environ.get(URI_VARIABLE):
        return uri
    folder = Path(storage.root) if storage.is_local else Path.cwd()
    return f"{SQLITE}{folder / 'mlflow.db'}"


def connect(storage: Storage) -> Server:
    """Return the MLflow store of a run; its tables and experiment are made when there are none.

    Raises:
        UserError: it does not answer, or not as an MLflow store.
    """
    uri = tracking_uri(storage)
    _prepare()
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    with explained(uri), _alone(uri):
        if uri.startswith("http"):
            _probe(uri)
        try:
            client = MlflowClient(uri)
            return Server(uri, client, _find_experiment(client, uri))
        except (MlflowException, OSError) as error:
            raise UnusableError(error) from None


def check_answers(storage: Storage) -> None:
    """Ask the server that is named, if one is, before anything else is started.

    Raises:
        UserError: nothing answers at its address.
    """
    uri = tracking_uri(storage)
    if uri.startswith("http"):
        with explained(uri):
            _probe(uri)


class UnusableError(Exception):
    """Why a store cannot be used."""


@contextmanager
def explained(uri: str) -> Iterator[None]:
    """Make a store that fails a user's error, in one line."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (UnusableError, MlflowException) as error:
        cause = " ".join(str(error).split())[:200]
        raise UserError(
            f"{URI_VARIABLE}: {without_secrets(uri)!r} does not answer as an MLflow store "
            f"({cause}); unset {URI_VARIABLE} for SQLite beside the pool"
        ) from None


def patiently(call: Callable[[], Answer]) -> Answer:
    """Return what a call returns, made again while SQLite is locked by other writers."""
    from mlflow.exceptions import MlflowException

    deadline = time.monotonic() + LOCKED_SECONDS
    while True:
        try:
            return call()
        except MlflowException as error:
            if "database is locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _alone(uri: str) -> AbstractContextManager[object]:
    """Return what lets one process at a time make the tables of an SQLite file."""
    if not uri.startswith(SQLITE):
        return nullcontext()
    file = Path(uri.removeprefix(SQLITE))
    file.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(f"{file}.lock", timeout=LOCKED_SECONDS)


def _prepare() -> None:
    """Let MLflow fail early, since all is tried again here, and keep quiet about it."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # the tables of a new SQLite file are no news, and a locked one is tried again
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def _probe(uri: str) -> None:
    """Raise UnusableError when nothing answers at a server's address, whatever it answers."""
    import requests

    try:
        requests.get(f"{uri.rstrip('/')}/health", timeout=PROBE_SECONDS)
    except requests.Timeout:
        raise UnusableError(f"no answer in {PROBE_SECONDS} s") from None
    except requests.ConnectionError:
        raise UnusableError("no connection: is the server running?") from None
    except requests.RequestException as error:
        raise UnusableError(error) from None


def _find_experiment(client: Any, uri: str) -> str:
    from mlflow.exceptions import MlflowException

    # direct SQLite would put artifacts under the folder of whoever came first
    file = Path(uri.removeprefix(SQLITE)).absolute()
    location = (file.parent / ARTIFACTS).as_uri() if uri.startswith(SQLITE) else None
    if experiment := patiently(lambda: client.get_experiment_by_name(EXPERIMENT)):
        before = experiment.artifact_location
        if location and before != location and before.endswith(f"/{ARTIFACTS}"):
            _move_artifacts(file, before, location)
        return str(experiment.experiment_id)
    # another run may make it at the same time
    with suppress(MlflowException):
        made = patiently(lambda: client.create_experiment(EXPERIMENT, location, TAGS))
        return str(made)
    return str(client.get_experiment_by_name(EXPERIMENT).experiment_id)


def _move_artifacts(file: Path, before: str, now: str) -> None:
    """Let the artifacts of an SQLite file that was moved or copied lie beside it.

    MLflow keeps their whole paths, and has no call that changes them.
    """
    with closing(sqlite3.connect(file, timeout=LOCKED_SECONDS)) as database, database:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            database.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                (now, len(before) + 1, before, len(before) + 1, f"{before}/"),
            )
