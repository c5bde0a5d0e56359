"""Training a generator: from its training set in the store to its checkpoint there."""

import shutil
import tempfile
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import ray.train
import torch
import torch.distributed
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer, get_device

from actors.errors import NonFiniteError, UserError
from actors.generators import TrainedFamily
from actors.generators.family import CHECKPOINT, LOSSES, Conduct, TrainingSet
from actors.generators.training.checkpoints import Checkpoints
from actors.pool import notes, selections
from actors.pool.step import Report, Step
from actors.pool.storage import File, Storage
from actors.workers.sample import describe, family_of


def train(storage: Storage, step: Step, report: Report) -> list[File]:
    """Train on the step's training set and store the checkpoint; return the records of the files.

    Raises:
        NonFiniteError: the loss is NaN or infinite; names the generator and the iteration.
        UserError: as the family's training.
    """
    family, checkpoints = family_of(step), Checkpoints(storage, step.path, step.key)
    assert isinstance(family, TrainedFamily)
    try:
        _fit_with_ray_train(storage, step, family, checkpoints, report)
    except NonFiniteError as error:
        raise NonFiniteError(f"{describe(step)}: {error}") from None
    files = [*storage.files(f"{step.path}/{CHECKPOINT}"), f"{step.path}/{LOSSES}"]
    records = [storage.record(file) for file in files]
    checkpoints.clear()
    return records


def _fit_with_ray_train(
    storage: Storage, step: Step, family: TrainedFamily, checkpoints: Checkpoints, report: Report
) -> None:
    """Train with as many Ray Train workers as the family says, and store the model."""
    several = family.needs.workers > 1
    failed = f"{step.path}/failed.json"
    storage.remove(failed)

    def work() -> None:
        if storage.exists(failed):
            return  # begun again after what would come again
        try:
            # a process of a group has no notes of its own
            with notes.noted(storage, step.path) if several else nullcontext():
                _fit(storage, step, family, checkpoints, report)
        except (NonFiniteError, UserError) as error:
            if several:
                failure = {"kind": type(error).__name__, "message": str(error)}
                storage.write_json(failed, failure)
                # all workers see the same loss and end; a group that fails would be started again
                if isinstance(error, NonFiniteError):
                    return
            # ends the others, which may wait for this one
            raise

    gpus, cpus = step.settings["gpus"], step.settings["cpus"]
    # none is local mode: a worker group costs ten seconds before its first step
    workers = family.needs.workers if several else 0
    each = {"CPU": cpus} | ({"GPU": gpus} if gpus else {}) if several else None
    scaling = ScalingConfig(num_workers=workers, use_gpu=gpus > 0, resources_per_worker=each)
    with tempfile.TemporaryDirectory() as folder:
        failures = FailureConfig(max_failures=family.needs.max_failures)
        run = RunConfig(name=step.key, storage_path=folder, failure_config=failures)
        try:
            TorchTrainer(work, scaling_config=scaling, run_config=run if several else None).fit()
        except ray.train.WorkerGroupError as error:
            raise next(iter(error.worker_failures.values())) from None
    if storage.exists(failed):
        failure = storage.read_json(failed)
        kinds = {kind.__name__: kind for kind in (NonFiniteError, UserError)}
        raise kinds[failure["kind"]](failure["message"])


def _fit(
    storage: Storage, step: Step, family: TrainedFamily, checkpoints: Checkpoints, report: Report
) -> None:
    # of a group, whose processes are not ours
    torch.set_num_threads(step.config["threads"])
    selection = selections.read(storage, step.inputs["training_set"][0])
    images = selection.images()
    height, width, channels = images.shape
    data = TrainingSet(
        lambda chosen: images[selection.positions[chosen]],
        len(selection),
        (height, width, channels),
        selection.labels() if family.conditional else None,
        step.config.get("classes"),
    )
    initial = step.inputs.get("initial")
    conduct = Conduct(
        get_device(),
        report,
        checkpoints,
        storage.local_folder(f"{initial[0]}/{CHECKPOINT}") if initial else None,
    )
    model = family.train(data, step.seed, conduct)
    if not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0:
        with tempfile.TemporaryDirectory() as folder:
            family.save(model, Path(folder))
            for file in sorted(Path(folder).rglob("*")):
                if file.is_file():
                    path = f"{step.path}/{CHECKPOINT}/{file.relative_to(folder)}"
                    storage.write(path, partial(shutil.copyfile, file))
        storage.write_json(f"{step.path}/{LOSSES}", conduct.losses)
