"""Runs in MLflow: found again by key, made where there are none, written to in batches."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from actors.pool.storage import Storage
from orchestrator.plan import Plan
from orchestrator.steps import rows_of
from orchestrator.tracking.names import valid_name
from orchestrator.tracking.outbox import Outbox, is_refusal
from orchestrator.tracking.server import Server, patiently

KEY_TAG = "ouroboros.key"
STORE_TAG = "ouroboros.store"
LONGEST_PARAM = 500
LONGEST_TAG = 5000
# MLflow's limits of one batch
PARAMS_TOGETHER = 100
METRICS_TOGETHER = 1000


class Runs:
    """The runs whose keys begin alike: an experiment and what is below it."""

    def __init__(self, server: Server, outbox: Outbox, key: str) -> None:
        self._server = server
        self._outbox = outbox
        self._found: dict[str, Any] = {}
        query, token = f"tags.`{KEY_TAG}` LIKE '{key}%'", None
        while True:
            page = patiently(
                partial(
                    server.client.search_runs,
                    [server.experiment_id],
                    query,
                    max_results=500,
                    page_token=token,
                )
            )
            self._found |= {run.data.tags[KEY_TAG]: run for run in page}
            token = page.token
            if not token:
                return

    def open(
        self,
        key: str,
        name: str,
        parent: str | None,
        tags: Mapping[str, str],
        params: Mapping[str, Any],
        datasets: Sequence[Any] = (),
    ) -> Any:
        """Return the run with a key, set to run again, or a new one; what it is made from."""
        client = self._server.client
        run = self._found.get(key)
        if run:
            patiently(partial(client.update_run, run.info.run_id, status="RUNNING"))
            if run.data.tags.get(STORE_TAG) != tags[STORE_TAG]:
                store = tags[STORE_TAG][:LONGEST_TAG]
                self._outbox.put(partial(client.set_tag, run.info.run_id, STORE_TAG, store))
        else:
            below = {"mlflow.parentRunId": parent} if parent else {}
            short = {valid_name(name): value[:LONGEST_TAG] for name, value in tags.items()}
            run = patiently(
                partial(
                    client.create_run,
                    self._server.experiment_id,
                    tags={KEY_TAG: key, **below, **short},
                    run_name=name,
                )
            )
        if params and not run.data.params:
            self._outbox.put(partial(write_params, client, run.info.run_id, params))
        if datasets and not (run.inputs and run.inputs.dataset_inputs):
            self._outbox.put(partial(client.log_inputs, run.info.run_id, list(datasets)))
        return run


def write_params(client: Any, run_id: str, params: Mapping[str, Any]) -> None:
    """Write parameters, however many."""
    from mlflow.entities import Param

    given = [Param(valid_name(name), str(value)[:LONGEST_PARAM]) for name, value in params.items()]
    _write(lambda some: client.log_batch(run_id, params=some), given, PARAMS_TOGETHER)


def write_metrics(client: Any, run_id: str, metrics: Sequence[Any]) -> None:
    """Write Metrics, however many; those that are there with the same time are not doubled."""
    _write(lambda some: client.log_batch(run_id, metrics=some), metrics, METRICS_TOGETHER)


def _write(write: Callable[[Any], None], records: Sequence[Any], together: int) -> None:
    """Write records in batches; of a batch that is refused, all but those at fault.

    Raises:
        MlflowException: of the first record that was refused, once the others are written.
    """
    refused: list[Exception] = []
    batches = [records[first : first + together] for first in range(0, len(records), together)]
    while batches:
        batch = batches.pop(0)
        try:
            write(batch)
        except Exception as error:  # MLflow's clients raise many kinds
            if not is_refusal(error):
                raise
            if len(batch) == 1:
                refused.append(error)
            else:
                half = len(batch) // 2
                batches[:0] = [batch[:half], batch[half:]]
    if refused:
        raise refused[0]


def metric(name: str, value: float, milliseconds: int, step: int) -> Any:
    """Return a Metric under a name that MLflow accepts, of a time since 1970."""
    from mlflow.entities import Metric

    return Metric(valid_name(name), value, milliseconds, step)


def as_metrics(values: Mapping[str, float], step: int) -> list[Any]:
    """Return values as Metrics of this moment."""
    now = int(time.time() * 1000)
    return [metric(name, value, now, step) for name, value in values.items()]


def pictures_of(client: Any, run_id: str) -> set[str]:
    """Return the paths of the pictures that a run has."""
    return {artifact.path for artifact in client.list_artifacts(run_id, "images")}


def write_picture(
    client: Any, run_id: str, file: Path, name: str, step: int, there: set[str]
) -> None:
    """Write a picture of a step, unless it is among those that are there."""
    # so MLflow calls the files, a slash being a tilde
    begins = f"images/{name.replace('/', '~')}+step+{step}+"
    # the small one is written last
    if any(path.startswith(begins) and path.endswith(".webp") for path in there):
        return
    with Image.open(file) as picture:
        picture.load()
        client.log_image(run_id, picture, key=name, step=step, synchronous=True)


def write_files(client: Any, run_id: str, path: Path) -> None:
    """Write a local file, or a folder of files, as artifacts in place of those that are there."""
    if path.is_dir():
        client.log_artifacts(run_id, str(path), path.name)
    else:
        client.log_artifact(run_id, str(path))


def datasets_of(plan: Plan, storage: Storage) -> list[Any]:
    """Return the real data that a plan reads, as inputs of a run."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = []
    for planned in plan.steps.values():
        if planned.step.room != "pool" or planned.step.kind != "sample":
            continue
        split = planned.step.config["split"]
        logged = Dataset(
            name=f"{plan.experiment.dataset.kind}-{split}",
            digest=planned.step.key[:16],
            source_type="ouroboros",
            source=json.dumps({"uri": f"{storage.uri}/{planned.step.path}"}),
            profile=json.dumps({"num_rows": rows_of(planned.step)}),
        )
        context = InputTag("mlflow.data.context", "training" if split == "train" else split)
        inputs.append(DatasetInput(logged, [context]))
    return inputs
