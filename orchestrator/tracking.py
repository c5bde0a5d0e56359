"""Tracking in MLflow: a run per experiment, below it a run per arm, found again when resumed."""

import hashlib
import json
import logging
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from actors.errors import UserError
from actors.pool.storage import Storage
from orchestrator.config import Experiment
from orchestrator.plan import Plan, Rung, rows_of
from orchestrator.results import Result

URI_VARIABLE = "MLFLOW_TRACKING_URI"
KEY_TAG = "ouroboros.key"
LONGEST_PARAM = 500


def experiment_key(experiment: Experiment) -> str:
    """Return the hash of a configuration, by which its run is found again."""
    text = json.dumps(experiment.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def tracking_uri(storage: Storage) -> str:
    """Return MLFLOW_TRACKING_URI, by default SQLite beside the pool."""
    if uri := os.environ.get(URI_VARIABLE):
        return uri
    folder = Path(storage.root) if storage.is_local else Path.cwd()
    return f"sqlite:///{folder / 'mlflow.db'}"


class Tracker:
    """Writes the results of an experiment to MLflow as they come, each once."""

    def __init__(self, plan: Plan, storage: Storage) -> None:
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        # the tables of a new SQLite file are no news
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        self._plan = plan
        self._storage = storage
        self.uri = tracking_uri(storage)
        try:
            self._client = MlflowClient(self.uri)
            self.experiment_id = self._find_experiment()
            key = experiment_key(plan.experiment)
            self._parent = self._open_run(plan.experiment.name, key, plan.experiment, None)
            self._arms = {
                arm: self._open_run(arm, f"{key}/{arm}", own, self._parent)
                for arm, own in plan.arms.items()
            }
            self._logged = {arm: self._logged_steps(arm) for arm in self._arms}
        except MlflowException as error:
            raise UserError(
                f"{URI_VARIABLE}: {self.uri!r} does not answer as an MLflow store "
                f"({' '.join(str(error).split())[:200]}); unset it for SQLite beside the pool"
            ) from None

    def log(self, result: Result) -> None:
        """Write one generator's measures, shares and pictures, unless they are there."""
        if (result.generator, result.iteration) in self._logged[result.arm]:
            return
        from mlflow.entities import Metric
        from PIL import Image

        run = self._arms[result.arm]
        for name, path in result.pictures.items():
            with Image.open(self._storage.local(path)) as picture:
                picture.load()
                self._client.log_image(
                    run, picture, key=f"{result.generator}/{name}", step=result.iteration
                )
        now, step = int(time.time() * 1000), result.iteration
        self._client.log_batch(
            run,
            [
                Metric(metric_name(result, measure), value, now, step)
                for measure in result.measures
                for value in [measure["value"]]
                if value is not None
            ]
            + [
                Metric(share_name(result, share), share["selected_share"], now, step)
                for share in result.shares
                if share["by"] == "source"
            ],
        )
        self._logged[result.arm].add((result.generator, result.iteration))

    def log_alarm(self, rung: Rung) -> None:
        """Tag an arm's run with an alarm that went off, and why."""
        name = f"alarm.{rung.alarm}.{rung.iteration}"
        self._client.set_tag(self._arms[rung.arm], name, rung.describe())

    def close(self, status: str) -> None:
        """End every run as FINISHED, FAILED or KILLED."""
        for run in (*self._arms.values(), self._parent):
            self._client.set_terminated(run, status)

    def _find_experiment(self) -> str:
        name = "ouroboros"
        if found := self._client.get_experiment_by_name(name):
            return str(found.experiment_id)
        # direct SQLite would put artifacts under the folder of whoever came first
        beside = self.uri.startswith("sqlite:///")
        database = Path(self.uri.removeprefix("sqlite:///"))
        location = (database.parent / "mlflow-artifacts").as_uri() if beside else None
        return str(self._client.create_experiment(name, artifact_location=location))

    def _open_run(self, name: str, key: str, experiment: Experiment, parent: str | None) -> str:
        """Return the id of the run with this key, made when there is none."""
        from mlflow.entities import Param

        found = self._client.search_runs(
            [self.experiment_id], f"tags.`{KEY_TAG}` = '{key}'", max_results=1
        )
        if found:
            run_id = str(found[0].info.run_id)
            self._client.update_run(run_id, status="RUNNING")
            return run_id
        tags = {
            KEY_TAG: key,
            "ouroboros.store": self._storage.uri,
            "paradigm": experiment.paradigm.kind,
            "selection": experiment.selection.kind,
            "seed": str(experiment.seed),
        }
        if commit := git_commit():
            tags["mlflow.source.git.commit"] = commit
        if parent:
            tags["mlflow.parentRunId"] = parent
        run_id = str(
            self._client.create_run(self.experiment_id, tags=tags, run_name=name).info.run_id
        )
        params = flatten(experiment.model_dump(mode="json", exclude={"arms"}))
        self._client.log_batch(
            run_id, params=[Param(k, str(v)[:LONGEST_PARAM]) for k, v in params.items()]
        )
        self._log_dataset(run_id, experiment)
        return run_id

    def _log_dataset(self, run_id: str, experiment: Experiment) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = experiment.dataset
        for planned in self._plan.steps.values():
            if planned.step.room != "pool" or planned.step.kind != "sample":
                continue
            split = planned.step.config["split"]
            rows = rows_of(planned.step)
            logged = Dataset(
                name=f"{dataset.kind}-{split}",
                digest=planned.step.key[:16],
                source_type="ouroboros",
                source=json.dumps({"uri": f"{self._storage.uri}/{planned.step.path}"}),
                profile=json.dumps({"num_rows": rows}),
            )
            context = InputTag("mlflow.data.context", "training" if split == "train" else split)
            self._client.log_inputs(run_id, datasets=[DatasetInput(logged, [context])])

    def _logged_steps(self, arm: str) -> set[tuple[str, int]]:
        run = self._arms[arm]
        return {
            (generator, point.step)
            for generator in self._plan.arms[arm].generators
            for point in self._client.get_metric_history(run, f"{generator}/frechet_distance")
        }


def metric_name(result: Result, measure: dict[str, Any]) -> str:
    """Return the MLflow name: a training set's own, a generator's behind the generator's name."""
    if measure["subject"] == "training_set":
        return f"training_set/{measure['metric']}/{result.generator}"
    if measure["metric"] in ("entropy", "variance"):
        return f"{result.generator}/samples_{measure['metric']}"
    return f"{result.generator}/{measure['metric']}"


def share_name(result: Result, share: dict[str, Any]) -> str:
    """Return the MLflow name of a source's share of a training set."""
    return f"training_set/selected_share/{share['value']}/{result.generator}"


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one mapping of dotted paths."""
    if not isinstance(value, dict):
        return {prefix: value}
    return {
        path: leaf
        for key, inner in value.items()
        for path, leaf in flatten(inner, f"{prefix}.{key}" if prefix else str(key)).items()
    }


def git_commit() -> str | None:
    """Return the commit of this source tree, None outside a checkout."""
    folder = Path(__file__).parent
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            check=False,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=5,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
