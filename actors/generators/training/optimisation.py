"""One training's weights and all that moves them; the whole of it can be saved and restored."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

from actors.generators.training.settings import Training

SCHEDULES = {"cosine": "cosine", "constant": "constant_with_warmup"}


class Optimisation:
    """AdamW with a learning-rate schedule, gradient scaling and clipping, and a weight average."""

    def __init__(self, network: torch.nn.Module, settings: Training, steps: int) -> None:
        from diffusers.optimization import get_scheduler  # costs two seconds

        self._network = network
        self._clip = settings.gradient_clip
        self._optimizer = torch.optim.AdamW(
            network.parameters(),
            settings.learning_rate,
            betas=settings.betas,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self._schedule: Any = get_scheduler(
            SCHEDULES[settings.schedule],
            self._optimizer,
            num_warmup_steps=settings.warmup_steps,
            num_training_steps=steps,
        )
        device = next(network.parameters()).device
        self._scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "float16")
        self._average = WeightAverage(network, settings.ema_decay) if settings.ema_decay else None

    @property
    def learning_rate(self) -> float:
        """The learning rate of the coming step."""
        return float(self._schedule.get_last_lr()[0])

    def update(self, loss: torch.Tensor) -> None:
        """Do one step down the gradient of a loss."""
        self._scaler.scale(loss).backward()
        self._scaler.unscale_(self._optimizer)
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), self._clip)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._schedule.step()
        self._optimizer.zero_grad()
        if self._average:
            self._average.update()

    def take_average(self) -> None:
        """Give the network its averaged weights, if it averages."""
        if self._average:
            _copy(self._average.weights, self._network.parameters())

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Return all that the next step depends on, as tensors and as JSON values."""
        tensors = {f"network.{k}": v for k, v in self._network.state_dict().items()}
        if self._average:
            tensors |= {f"average.{n}": v for n, v in enumerate(self._average.weights)}
        for number, moments in self._optimizer.state_dict()["state"].items():
            for name, value in moments.items():
                tensors[f"optimizer.{number}.{name}"] = value
        values = {
            "schedule": {k: v for k, v in self._schedule.state_dict().items() if k != "lr_lambdas"},
            "scaler": self._scaler.state_dict(),
            "updates": self._average.updates if self._average else 0,
        }
        return {name: tensor.contiguous() for name, tensor in tensors.items()}, values

    def restore(self, tensors: dict[str, torch.Tensor], values: dict[str, Any]) -> None:
        """Go on from a state."""
        states: dict[str, dict[str, torch.Tensor]] = defaultdict(dict)
        for name, tensor in tensors.items():
            whose, _, rest = name.partition(".")
            states[whose][rest] = tensor
        self._network.load_state_dict(states["network"])
        if self._average:
            average = [states["average"][str(n)] for n in range(len(self._average.weights))]
            _copy(average, self._average.weights)
            self._average.updates = values["updates"]
        moments: dict[int, dict[str, torch.Tensor]] = {}
        parameters = list(self._network.parameters())
        for name, stored in states["optimizer"].items():
            place, _, moment = name.partition(".")
            like = parameters[int(place)].detach()
            # in the memory layout of its parameter, which the fused update relies on
            same_shape = stored.shape == like.shape
            value = torch.empty_like(like).copy_(stored) if same_shape else stored
            moments.setdefault(int(place), {})[moment] = value
        groups = self._optimizer.state_dict()["param_groups"]
        for group, rate in zip(groups, values["schedule"]["_last_lr"], strict=True):
            group["lr"] = rate
        self._optimizer.load_state_dict({"state": moments, "param_groups": groups})
        self._schedule.load_state_dict({**values["schedule"], "lr_lambdas": [None]})
        if self._scaler.is_enabled():
            self._scaler.load_state_dict(values["scaler"])


class WeightAverage:
    """The exponential moving average of a network's weights, to be updated after each step.

    The first update takes the weights as they are; after n updates the next one keeps
    min(decay, 1 - (1 + n) ** (-2 / 3)) of the average, as diffusers' `EMAModel` does with its
    warm-up. torch's `AveragedModel` counts on the device, for which the CPU waits at every update.
    """

    def __init__(self, network: torch.nn.Module, decay: float) -> None:
        self._current = list(network.parameters())
        self._decay = decay
        self.weights = [weight.detach().clone() for weight in self._current]
        self.updates = 0

    def update(self) -> None:
        """Take in the network's present weights."""
        kept = min(self._decay, 1 - (1 + self.updates) ** (-2 / 3))
        get_ema_multi_avg_fn(kept)(self.weights, self._current, None)
        self.updates += 1


@torch.no_grad()
def _copy(values: Iterable[torch.Tensor], weights: Iterable[torch.Tensor]) -> None:
    """Set weights, each in the memory layout that it has."""
    for value, weight in zip(values, weights, strict=True):
        weight.copy_(value)
