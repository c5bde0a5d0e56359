"""The tracker: the runs of one experiment, and what is written to them as it comes."""

import json
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from actors.pool.filesystems import without_secrets
from actors.pool.manifest import manifest_path
from actors.pool.storage import Storage
from orchestrator.config import Experiment
from orchestrator.identity import experiment_key
from orchestrator.plan import AlarmEvent, Plan
from orchestrator.results import Result
from orchestrator.tracking import records, runs
from orchestrator.tracking.names import flatten, git_commit
from orchestrator.tracking.outbox import Outbox
from orchestrator.tracking.server import connect, explained, patiently
from orchestrator.tracking.system import SystemMetrics

CHECKPOINTS = "checkpoints.json"


class Tracker:
    """Writes the results of an experiment to MLflow as they come, each once.

    Opening it waits for the server; everything after goes through an outbox and waits for nothing.
    """

    def __init__(
        self,
        plan: Plan,
        storage: Storage,
        parent: str | None = None,
        name: str | None = None,
        key: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Open the runs.

        Args:
            parent: run id of a sweep, below which the one arm is a trial's run.
            name: of the topmost run; by default the experiment's.
            key: by which the topmost run is found again; by default the configuration's hash.
            tags: further ones, of every run.

        Raises:
            UserError: the server does not answer, or not as an MLflow store.
        """
        self._storage = storage
        server = connect(storage)
        self.uri, self.experiment_id = server.uri, server.experiment_id
        self._client = server.client
        self._outbox = Outbox(server.name)
        self._tags = dict(tags or {})
        self._checkpoints: dict[str, dict[int, dict[str, Any]]] = {}
        self._pictures: dict[str, set[str]] = {}
        name = name or plan.experiment.name
        key = key or experiment_key(plan.experiment)
        key = f"{parent}/{key}" if parent else key
        datasets = runs.datasets_of(plan, storage)
        with explained(self.uri):
            found = runs.Runs(server, self._outbox, key)
            top = None
            if not parent:
                shown, params = self._describe(plan.experiment)
                top = found.open(key, name, None, shown, params, datasets)
            self._arms: dict[str, str] = {}
            self._generators: dict[tuple[str, str], str] = {}
            for arm, own in plan.arms.items():
                shown, params = self._describe(own)
                path, called = (f"{key}/{arm}", arm) if top else (key, name)
                above = top.info.run_id if top else parent
                run = found.open(path, called, above, shown, params, datasets)
                self._arms[arm] = run.info.run_id
                for generator, family in own.generators.items():
                    tags_of_it = shown | {
                        "generator": generator,
                        "kind": family.kind,
                        "arm": called,
                    }
                    params_of_it = flatten(family.model_dump(mode="json"))
                    below = found.open(
                        f"{path}/{generator}",
                        generator,
                        run.info.run_id,
                        tags_of_it,
                        params_of_it,
                        datasets,
                    )
                    self._generators[arm, generator] = below.info.run_id
            self._logged = {
                (arm, generator, point.step)
                for (arm, generator), run_id in self._generators.items()
                for point in patiently(
                    partial(self._client.get_metric_history, run_id, records.MARKER)
                )
            }
        self._top = top.info.run_id if top else None
        # one process of a sweep does it for all
        self._system = SystemMetrics(top.info.start_time / 1000, self._put_system) if top else None

    def log(self, result: Result) -> None:
        """Write one generator's measures, losses, shares, pictures and checkpoint, each once."""
        which = (result.arm, result.generator, result.iteration)
        if which in self._logged:
            return
        self._logged.add(which)
        run_id = self._generators[result.arm, result.generator]
        pictures = [
            partial(self._write_picture, run_id, path, f"pictures/{name}", result.iteration)
            for name, path in result.pictures.items()
        ]
        self._outbox.put(
            *pictures,
            partial(self._write_training, run_id, result),
            partial(self._write_measures, run_id, result),
        )

    def log_alarm(self, event: AlarmEvent) -> None:
        """Tag an arm's run with an alarm that went off, and why."""
        name, run_id = f"alarm.{event.alarm}.{event.iteration}", self._arms[event.arm]
        self._outbox.put(partial(self._client.set_tag, run_id, name, event.describe()))

    def log_correlations(self, values: Mapping[str, float]) -> None:
        """Write how metrics of the training sets go with log GS, to the topmost run."""
        points = runs.as_metrics({f"correlation/{name}": r for name, r in values.items()}, 0)
        if points and self._top:
            self._outbox.put(partial(runs.write_metrics, self._client, self._top, points))

    def log_files(self, path: Path) -> None:
        """Write a file or folder as artifacts of the topmost run; it must stay until the end."""
        (run_id,) = [self._top] if self._top else self._arms.values()
        self._outbox.put(partial(runs.write_files, self._client, run_id, path))

    def close(self, status: str) -> None:
        """End every run as FINISHED, FAILED or KILLED, and wait until all is written.

        Where the server is away and not back soon, say what is not there.
        """
        if self._system:
            self._system.close()
        tops = [self._top] if self._top else []
        for run_id in (*self._generators.values(), *self._arms.values(), *tops):
            self._outbox.put(partial(self._client.set_terminated, run_id, status))
        self._outbox.close()

    def _describe(self, experiment: Experiment) -> tuple[dict[str, str], dict[str, Any]]:
        """Return tags and parameters of a configuration."""
        tags = {
            runs.STORE_TAG: without_secrets(self._storage.uri),
            "paradigm": experiment.paradigm.kind,
            "selection": experiment.selection.kind,
            "ratio": str(experiment.selection.ratio),
            "seed": str(experiment.seed),
            **self._tags,
        }
        if commit := git_commit():
            tags["mlflow.source.git.commit"] = commit
        params = flatten(experiment.model_dump(mode="json", exclude={"arms"}))
        return tags, params | {"store": without_secrets(experiment.store)}

    def _write_picture(self, run_id: str, path: str, name: str, step: int) -> None:
        # listed once; again after a picture that was not written whole
        there = self._pictures.pop(run_id, None)
        there = runs.pictures_of(self._client, run_id) if there is None else there
        runs.write_picture(self._client, run_id, self._storage.local(path), name, step, there)
        self._pictures[run_id] = there

    def _write_training(self, run_id: str, result: Result) -> None:
        """Write the losses, and the checkpoint to the list of them."""
        evaluation = self._storage.read_json(manifest_path(result.step))
        training = records.read_training(self._storage, evaluation)
        if not training:
            return
        curve = records.loss_metrics(training, result.iteration)
        runs.write_metrics(self._client, run_id, curve)
        if run_id not in self._checkpoints:
            self._checkpoints[run_id] = self._known_checkpoints(run_id)
        known = self._checkpoints[run_id]
        latest = known[result.iteration] = training.checkpoint(result.iteration)
        listed = json.dumps([known[iteration] for iteration in sorted(known)], indent=1)
        self._client.log_text(run_id, listed, CHECKPOINTS)
        self._client.set_tag(run_id, "checkpoint", latest["folder"])

    def _known_checkpoints(self, run_id: str) -> dict[int, dict[str, Any]]:
        """Return what an earlier execution listed, by iteration."""
        if not any(file.path == CHECKPOINTS for file in self._client.list_artifacts(run_id)):
            return {}
        with tempfile.TemporaryDirectory() as folder:
            file = Path(self._client.download_artifacts(run_id, CHECKPOINTS, folder))
            return {one["iteration"]: one for one in json.loads(file.read_text(encoding="utf-8"))}

    def _write_measures(self, run_id: str, result: Result) -> None:
        evaluation = self._storage.read_json(manifest_path(result.step))
        of_arm = records.arm_metrics(result, evaluation)
        runs.write_metrics(self._client, self._arms[result.arm], of_arm)
        runs.write_metrics(self._client, run_id, records.own_metrics(result, evaluation))

    def _put_system(self, metrics: dict[str, float], step: int) -> None:
        if self._top:
            points = runs.as_metrics(metrics, step)
            self._outbox.put(partial(runs.write_metrics, self._client, self._top, points))
