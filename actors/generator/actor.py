"""The actor of a generator: lives through the run, trains with Ray Train, samples row ranges."""

import tempfile
from pathlib import Path
from typing import Any

import ray
import torch
from ray.actor import ActorHandle
from ray.train import ScalingConfig
from ray.train.torch import TorchTrainer, get_device

from actors.errors import NonFiniteError
from actors.generator import GENERATORS, Family, networks, sampling, training
from actors.pool import schema, selections, shards
from actors.pool.catalogue import Alone
from actors.pool.step import Step, once
from actors.pool.storage import Storage

CHECKPOINT = "checkpoint"


def family_of(step: Step) -> Family:
    """Return the generator family that a train or sample step is configured for."""
    config = step.config["generator"]
    return GENERATORS[config["kind"]].model_validate(config)


def describe(step: Step) -> str:
    """Return "generator 'x', iteration n", for messages."""
    return f"generator {step.config['source']!r}, iteration {step.config['iteration']}"


@ray.remote(max_restarts=3, max_task_retries=3)
class GeneratorActor:
    """Trains and samples; further copies of it share the sampling."""

    def __init__(self, storage: Storage, catalogue: ActorHandle) -> None:
        self._storage = storage
        self._alone = Alone(catalogue)
        self._loaded: tuple[str, Any] = ("", None)

    def train(self, step: Step, *_after: object) -> str:
        """Train on the step's training set and store the checkpoint; return the step's path."""

        def work() -> list[dict[str, Any]]:
            # local mode: a worker group costs ten seconds before its first step
            scaling = ScalingConfig(num_workers=0, use_gpu=step.settings["gpus"] > 0)
            TorchTrainer(lambda: self._fit(step), scaling_config=scaling).fit()
            network = self._loaded[1]
            with tempfile.TemporaryDirectory() as folder:
                family_of(step).save(network, Path(folder))
                return [
                    self._store(file, f"{step.path}/{CHECKPOINT}/{file.relative_to(folder)}")
                    for file in sorted(Path(folder).rglob("*"))
                    if file.is_file()
                ]

        return once(self._storage, step, self._alone, work)

    def _fit(self, step: Step) -> None:
        torch.set_num_threads(step.config["threads"])
        selection = selections.read(self._storage, step.inputs["training_set"][0])
        images = selection.images()
        height, width, channels = images.shape
        network = training.train(
            family_of(step),
            batch=lambda chosen: images[selection.positions[chosen]],
            rows=len(selection),
            image_shape=(height, width, channels),
            seed=step.seed,
            device=get_device(),
            report=lambda fraction, note: self._alone.report(step.key, fraction, note),
        )
        self._loaded = (step.path, network)

    def _store(self, file: Path, path: str) -> dict[str, Any]:
        return self._storage.write(path, lambda temporary: temporary.write_bytes(file.read_bytes()))

    def sample(self, step: Step, start: int, stop: int, *_after: object) -> dict[str, Any]:
        """Store samples start to stop - 1 as one shard; return its record.

        Raises:
            NonFiniteError: names the generator, the iteration and the count.
        """
        path = shards.shard_path(step.path, start)
        with self._alone(path):
            if self._storage.exists(path):
                return {**self._storage.record(path), "rows": stop - start}
            torch.set_num_threads(step.config["threads"])
            device = torch.device("cuda" if step.settings["gpus"] else "cpu")
            rows = step.config["generator"]["sampling"]["rows"]
            try:
                images = sampling.sample(
                    family_of(step),
                    self._network(step.inputs["checkpoint"][0], device),
                    start,
                    stop,
                    tuple(step.config["image_shape"]),
                    step.seed,
                    step.settings["batch_size"],
                    device,
                    report=lambda done: self._alone.report(
                        path, done / (stop - start), f"samples {start + done}/{rows}"
                    ),
                )
            except NonFiniteError as error:
                raise NonFiniteError(f"{describe(step)}: {error}") from None
            table = schema.rows(
                images,
                step_key=step.key,
                first=start,
                source=step.config["source"],
                iteration=step.config["iteration"],
                seed=step.seed,
            )
            return shards.write_table(self._storage, path, table)

    def finish(self, step: Step, *records: dict[str, Any]) -> str:
        """Record the sample step as done, its shards being stored; return the step's path."""
        return once(self._storage, step, self._alone, lambda: list(records))

    def _network(self, step_path: str, device: torch.device) -> Any:
        if self._loaded[0] != step_path:
            folder = self._storage.local_folder(f"{step_path}/{CHECKPOINT}")
            self._loaded = (step_path, networks.load(folder).to(device))
        return self._loaded[1]
