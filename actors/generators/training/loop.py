"""Training a denoiser: one function for every family, for one worker and for many."""

import time
from typing import Any, Protocol

import torch
import torch.distributed
from torch.nn.parallel import DistributedDataParallel

from actors.errors import UserError
from actors.generators import networks
from actors.generators.family import Conduct, TrainingSet
from actors.generators.networks import Predict, UNet, predictor
from actors.generators.training.batches import Batches
from actors.generators.training.checkpoints import Checkpoint
from actors.generators.training.losses import Losses
from actors.generators.training.optimisation import Optimisation
from actors.generators.training.settings import Training
from actors.pool.step import Report
from actors.seeds import derive_seed

REPORT_SECONDS = 0.5


class Trained(Protocol):
    """What a training asks of a generator."""

    @property
    def network(self) -> UNet: ...
    @property
    def training(self) -> Training: ...
    @property
    def conditional(self) -> bool:
        """Whether it learns class labels."""

    def loss(
        self, predict: Predict, images: torch.Tensor, noise: torch.Tensor, level: torch.Tensor
    ) -> torch.Tensor:
        """Return the mean loss of a batch."""


def train(family: Trained, data: TrainingSet, seed: int, conduct: Conduct) -> Any:
    """Train, going on from the last checkpoint; return the network with its averaged weights.

    What step i does depends on (seed, i) and the weights alone. In a torch process group every
    process does its part of each batch, and all end with the same weights.

    Raises:
        NonFiniteError: the loss is NaN or infinite.
        UserError: labels are missing, or a checkpoint is of another configuration.
    """
    check_labels(family, data)
    settings, device = family.training, conduct.device
    steps = settings.steps_for(data.rows)
    layout = torch.channels_last if settings.channels_last else torch.contiguous_format
    part, parts = worker()
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        network = initial_network(family, data, seed, conduct).to(device, memory_format=layout)
        optimisation = Optimisation(network, settings, steps)
        first, losses = 0, Losses(device, steps, conduct.losses)
        if conduct.checkpoints and (last := conduct.checkpoints.latest()):
            optimisation.restore(last.tensors, last.values)
            first = last.step
            conduct.losses[:] = last.values["losses"]
        forward = DistributedDataParallel(network) if parts > 1 else network
        if settings.compile:
            forward = torch.compile(forward)
        dropout = settings.label_dropout if family.conditional else None
        batches = Batches(data, settings.batch_size, seed, dropout, part, parts)
        progress = Progress(conduct.report, first, steps)
        for step, batch in enumerate(batches.iterate(first, steps, device, layout), first):
            torch.manual_seed(derive_seed(seed, "dropout", step, part))
            predict = predictor(forward, batch.labels, settings.precision)
            loss = family.loss(predict, batch.images, batch.noise, batch.level)
            rate = optimisation.learning_rate
            optimisation.update(loss)
            losses.add(loss)
            done = step + 1
            save = conduct.checkpoints and conduct.checkpoints.due(done) and done < steps
            if losses.due(done) or save:
                losses.look(done, rate)
            if save and part == 0:
                tensors, values = optimisation.state()
                assert conduct.checkpoints
                conduct.checkpoints.save(
                    Checkpoint(done, tensors, {**values, "losses": conduct.losses})
                )
            progress.at(done)
    optimisation.take_average()
    return network.eval()


def worker() -> tuple[int, int]:
    """Return which of how many workers of a process group this is."""
    if not torch.distributed.is_initialized():
        return 0, 1
    return torch.distributed.get_rank(), torch.distributed.get_world_size()


def check_labels(family: Trained, data: TrainingSet) -> None:
    """Raise UserError when a class-conditional family has rows without label."""
    if not family.conditional:
        return
    if data.labels is None or data.classes is None:
        raise UserError("labels: the training set has none; allowed is `labels: false`")
    missing = int((data.labels < 0).sum())
    if missing:
        raise UserError(
            f"labels: {missing} of the {data.rows} training rows have none; "
            "allowed is `labels: false`, or generators that all sample with labels"
        )


def initial_network(family: Trained, data: TrainingSet, seed: int, conduct: Conduct) -> Any:
    """Return the network to start from: fresh weights, or those of the initial checkpoint."""
    torch.manual_seed(derive_seed(seed, "initial weights"))
    classes = data.classes if family.conditional else None
    network = family.network.build(data.image_shape, classes)
    if conduct.initial is not None:
        previous = networks.load(conduct.initial)
        found, wanted = networks.fingerprint(previous), networks.fingerprint(network)
        if found != wanted:
            raise UserError(
                f"training.init: the checkpoint of the iteration before has the network {found}; "
                f"allowed is {wanted}, the one to be trained"
            )
        network.load_state_dict(previous.state_dict())
    return network.train()


class Progress:
    """Says how far a training is, how fast, and how long it will take, now and then."""

    def __init__(self, report: Report, first: int, steps: int) -> None:
        self._report = report
        self._first = first
        self._steps = steps
        self._started = self._reported = time.monotonic()

    def at(self, done: int) -> None:
        """Take note of the steps that are done."""
        now = time.monotonic()
        if now - self._reported > REPORT_SECONDS:
            self._reported = now
            speed = (done - self._first) / (now - self._started)
            left = (self._steps - done) / speed
            note = f"step {done}/{self._steps}, {speed:.3g}/s, {left:.0f} s left"
            self._report(done / self._steps, note)
