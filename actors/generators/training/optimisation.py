"""One training's weights and all that moves them; the whole of it can be saved and restored."""

from typing import Any

import torch
from diffusers.optimization import get_scheduler
from diffusers.training_utils import EMAModel

from actors.generators.training.settings import Training

SCHEDULES = {"cosine": "cosine", "constant": "constant_with_warmup"}


class Optimisation:
    """AdamW with a learning-rate schedule, gradient scaling and clipping, and a weight average."""

    def __init__(self, network: torch.nn.Module, settings: Training, steps: int) -> None:
        self._network = network
        self._averages = settings.ema_decay > 0
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
        self._average: Any = EMAModel(
            network.parameters(), decay=settings.ema_decay, use_ema_warmup=True, foreach=True
        )

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
        self._average.step(self._network.parameters())

    def take_average(self) -> None:
        """Give the network its averaged weights, if it averages."""
        if self._averages:
            self._average.copy_to(self._network.parameters())

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Return all that the next step depends on, as tensors and as JSON values."""
        tensors = {f"network.{k}": v for k, v in self._network.state_dict().items()}
        for number, shadow in enumerate(self._average.shadow_params):
            tensors[f"average.{number}"] = shadow
        for number, moments in self._optimizer.state_dict()["state"].items():
            for name, value in moments.items():
                tensors[f"optimizer.{number}.{name}"] = value
        facts = {
            "average_steps": self._average.optimization_step,
            "schedule": {k: v for k, v in self._schedule.state_dict().items() if k != "lr_lambdas"},
            "scaler": self._scaler.state_dict(),
        }
        return {name: tensor.contiguous() for name, tensor in tensors.items()}, facts

    def restore(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
        """Go on from a state."""
        parts: dict[str, dict[str, torch.Tensor]] = {"network": {}, "average": {}, "optimizer": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        self._network.load_state_dict(parts["network"])
        for number, shadow in enumerate(self._average.shadow_params):
            shadow.copy_(parts["average"][str(number)])
        self._average.optimization_step = facts["average_steps"]
        moments: dict[int, dict[str, torch.Tensor]] = {}
        parameters = list(self._network.parameters())
        for name, stored in parts["optimizer"].items():
            place, _, moment = name.partition(".")
            like = parameters[int(place)].detach()
            # in the memory layout of its parameter, which the fused update relies on
            same_shape = stored.shape == like.shape
            value = torch.empty_like(like).copy_(stored) if same_shape else stored
            moments.setdefault(int(place), {})[moment] = value
        groups = self._optimizer.state_dict()["param_groups"]
        for group, rate in zip(groups, facts["schedule"]["_last_lr"], strict=True):
            group["lr"] = rate
        self._optimizer.load_state_dict({"state": moments, "param_groups": groups})
        self._schedule.load_state_dict({**facts["schedule"], "lr_lambdas": [None]})
        if self._scaler.is_enabled():
            self._scaler.load_state_dict(facts["scaler"])
