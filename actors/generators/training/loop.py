"""Training a network to denoise, whatever its loss is, with one worker or with many."""

import time
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed
from torch.nn.parallel import DistributedDataParallel

from actors.errors import NonFiniteError, UserError
from actors.generators.family import Conduct, TrainingSet
from actors.generators.networks import Compiled, Predict, predictor
from actors.generators.training.batches import Batches
from actors.generators.training.checkpoints import Checkpoint
from actors.generators.training.optimisation import Optimisation
from actors.generators.training.settings import Training
from actors.pool.step import Report
from actors.seeds import derive_seed

REPORT_SECONDS = 0.5
# steps between two looks at the losses, each of which waits for the device
CHECK_EVERY = 50

# (prediction, images, noise, level) to the mean loss of a batch
Loss = Callable[[Predict, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def train(
    network: Any,
    loss_of: Loss,
    settings: Training,
    data: TrainingSet,
    seed: int,
    conduct: Conduct,
    *,
    labels: bool,
) -> Any:
    """Train, going on from the last checkpoint; return the network with its averaged weights.

    What step i does depends on (seed, i) and the weights alone. In a torch process group every
    process does its share of each batch, and all end with the same weights.

    Torch's random state is another one afterwards.

    Args:
        network: with the weights to start from.
        labels: whether it learns class labels, which every row of the data then has.

    Raises:
        NonFiniteError: the loss is NaN or infinite.
        UserError: a checkpoint is of another configuration.
    """
    device, saved = conduct.device, conduct.checkpoints
    steps = settings.steps_for(data.rows)
    grouped = torch.distributed.is_initialized()
    rank = torch.distributed.get_rank() if grouped else 0
    workers = torch.distributed.get_world_size() if grouped else 1
    network = network.train().to(device, memory_format=settings.layout)
    optimisation = Optimisation(network, settings, steps)
    first = 0
    if saved and (last := saved.latest()):
        optimisation.restore(last.tensors, last.values)
        first = last.step
        conduct.losses[:] = last.values["losses"]
    forward = DistributedDataParallel(network) if workers > 1 else network
    if settings.compile:
        forward = Compiled(forward)
    dropout = settings.label_dropout if labels else None
    batches = Batches(data, settings.batch_size, seed, dropout, rank, workers)
    losses = Losses(device, steps, conduct.losses)
    progress = Progress(conduct.report, first, steps)
    for step, batch in enumerate(batches.iterate(first, steps, device, settings.layout), first):
        torch.manual_seed(derive_seed(seed, "dropout", step, rank))
        predict = predictor(forward, batch.labels, settings.precision)
        loss = loss_of(predict, batch.images, batch.noise, batch.level)
        rate = optimisation.learning_rate
        optimisation.update(loss)
        losses.add(loss)
        done = step + 1
        save = saved and done % settings.checkpoint_every == 0 and done < steps
        if losses.due(done) or save:
            losses.look(done, rate)
        if saved and save and rank == 0:
            tensors, values = optimisation.state()
            values["losses"] = conduct.losses
            saved.save(Checkpoint(done, tensors, values), settings.checkpoints_kept)
        progress.at(done)
    optimisation.take_average()
    return network.eval()


def check_labels(data: TrainingSet) -> None:
    """Raise UserError when there are rows without label, for one that learns labels."""
    if data.labels is None or data.classes is None:
        raise UserError("labels: the training set has none; allowed is `labels: false`")
    missing = int((data.labels < 0).sum())
    if missing:
        raise UserError(
            f"labels: {missing} of the {data.rows} training rows have none; "
            "allowed is `labels: false`, or generators that all sample with labels"
        )


class Losses:
    """Collects losses on the device, looks at them together, and keeps their means as a curve."""

    def __init__(self, device: torch.device, steps: int, curve: list[list[float]]) -> None:
        """Take the steps of the training, and the curve to go on with."""
        self._curve = curve
        self._steps = steps
        self._recent = torch.zeros(CHECK_EVERY, device=device)
        self._count = 0

    def add(self, loss: torch.Tensor) -> None:
        """Take the loss of a step."""
        self._recent[self._count] = loss.detach()
        self._count += 1

    def due(self, step: int) -> bool:
        """Whether to look after so many steps."""
        return self._count == CHECK_EVERY or step == self._steps

    def look(self, step: int, learning_rate: float) -> None:
        """Put the mean of the recent losses, of all workers, on the curve.

        Raises:
            NonFiniteError: one is not finite; gives the step, the rate and the last finite loss.
        """
        recent = self._recent[: self._count]
        if torch.distributed.is_initialized():
            torch.distributed.all_reduce(recent)
            recent /= torch.distributed.get_world_size()
        values = recent.tolist()
        first = step - self._count + 1
        self._count = 0
        bad = [number for number, finite in enumerate(recent.isfinite().tolist()) if not finite]
        if bad:
            before = [*(value for _, value in self._curve), *values[: bad[0]]]
            last = f"{before[-1]:.4g}" if before else "none"
            raise NonFiniteError(
                f"the training loss is {values[bad[0]]} at step {first + bad[0]} of {self._steps} "
                f"(learning rate {learning_rate:.3g}, last finite loss {last}); "
                "try a smaller training.learning_rate or longer warmup_steps"
            )
        self._curve.append([step, sum(values) / len(values)])


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
