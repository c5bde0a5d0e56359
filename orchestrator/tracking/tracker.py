"""The tracker: the runs of one experiment in MLflow, and what is written to them as it comes."""

import json
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from actors.pool.filesystems import without_secrets
from actors.pool.storage import Storage
from orchestrator.config import Experiment
from orchestrator.identity import experiment_key
from orchestrator.plan import AlarmEvent, Plan
from orchestrator.results import Result
from orchestrator.tracking import records, runs
from orchestrator.tracking.log import Log
from orchestrator.tracking.names import flatten
from orchestrator.tracking.server import explained, patiently

CHECKPOINTS = "checkpoints.json"


class Tracker(Log):
    """Writes the results of an experiment, or of a trial, to MLflow as they come, each once."""

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
        self._checkpoints: dict[str, dict[int, dict[str, Any]]] = {}
        self._pictures: dict[str, set[str]] = {}
        name = name or plan.experiment.name
        key = key or experiment_key(plan.experiment)
        key = f"{parent}/{key}" if parent else key
        # the one arm of a trial has the trial's run
        (top, *_) = plan.arms.values() if parent else [plan.experiment]
        datasets = runs.datasets_of(plan, storage)
        own_tags = dict(tags or {})
        super().__init__(storage, key, name, _tags(top) | own_tags, _params(top), parent, datasets)
        self._arms: dict[str, str] = {}
        self._generators: dict[tuple[str, str], str] = {}
        with explained(self.uri):
            for arm, configuration in plan.arms.items():
                shown = _tags(configuration) | own_tags
                path, called, run_id = (key, name, self.run_id)
                if not parent:
                    path, called = f"{key}/{arm}", arm
                    run = self._open(path, called, self.run_id, shown, _params(configuration))
                    run_id = run.info.run_id
                self._arms[arm] = run_id
                for generator, family in configuration.generators.items():
                    below = self._open(
                        f"{path}/{generator}",
                        generator,
                        run_id,
                        shown | {"generator": generator, "kind": family.kind, "arm": called},
                        flatten(family.model_dump(mode="json")),
                    )
                    self._generators[arm, generator] = below.info.run_id
            self._logged = {
                (arm, generator, point.step)
                for (arm, generator), run_id in self._generators.items()
                for point in patiently(
                    partial(self._client.get_metric_history, run_id, records.MARKER)
                )
            }

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

    def _write_picture(self, run_id: str, path: str, name: str, step: int) -> None:
        # listed once; again after a picture that was not written whole
        there = self._pictures.pop(run_id, None)
        there = runs.pictures_of(self._client, run_id) if there is None else there
        runs.write_picture(self._client, run_id, self._storage.local(path), name, step, there)
        self._pictures[run_id] = there

    def _write_training(self, run_id: str, result: Result) -> None:
        """Write the losses, and the checkpoint to the list of them."""
        if not result.training:
            return
        training = records.read_training(self._storage, result.training)
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
            return {row["iteration"]: row for row in json.loads(file.read_text(encoding="utf-8"))}

    def _write_measures(self, run_id: str, result: Result) -> None:
        of_arm = records.arm_metrics(result)
        runs.write_metrics(self._client, self._arms[result.arm], of_arm)
        runs.write_metrics(self._client, run_id, records.own_metrics(result))


def _tags(experiment: Experiment) -> dict[str, str]:
    return {
        "paradigm": experiment.paradigm.kind,
        "selection": experiment.selection.kind,
        "ratio": str(experiment.selection.ratio),
        "seed": str(experiment.seed),
    }


def _params(experiment: Experiment) -> dict[str, Any]:
    params = flatten(experiment.model_dump(mode="json", exclude={"arms"}))
    return params | {"store": without_secrets(experiment.store)}
