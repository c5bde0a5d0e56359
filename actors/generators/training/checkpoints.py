"""Checkpoints inside a training: the last few, each one safetensors file, whole or not at all."""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from actors.errors import UserError
from actors.pool.storage import Storage

FOLDER = "training"


class Checkpoint(NamedTuple):
    """A training after some optimiser steps: its tensors by name, and the rest as JSON values."""

    step: int
    tensors: dict[str, torch.Tensor]
    values: dict[str, Any]


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one train step in its store.

    Attributes:
        step_path: folder of the train step.
        identity: hash of all that determines the training; those of another are refused.
    """

    storage: Storage
    step_path: str
    identity: str

    @property
    def _folder(self) -> str:
        return f"{self.step_path}/{FOLDER}"

    def save(self, checkpoint: Checkpoint, kept: int) -> None:
        """Store a checkpoint, and remove all but the last ones, so many."""
        values = {"step": checkpoint.step, "identity": self.identity, **checkpoint.values}
        header = {"values": json.dumps(values)}
        self.storage.write(
            f"{self._folder}/step-{checkpoint.step:09d}.safetensors",
            lambda file: save_file(checkpoint.tensors, file, header),
        )
        for old in self._paths()[:-kept]:
            self.storage.remove(old)

    def latest(self) -> Checkpoint | None:
        """Return the last one stored, its tensors on the CPU; None when there is none.

        Raises:
            UserError: it is of another training.
        """
        paths = self._paths()
        if not paths:
            return None
        with safe_open(self.storage.local(paths[-1]), "pt") as file:
            values = json.loads(file.metadata()["values"])
            if values["identity"] != self.identity:
                raise UserError(
                    f"checkpoint {paths[-1]}: found one of the configuration "
                    f"{values['identity']}; allowed is {self.identity}, the one to be trained"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return Checkpoint(values["step"], tensors, values)

    def clear(self) -> None:
        """Remove all of them."""
        for path in self._paths():
            self.storage.remove(path)

    def _paths(self) -> list[str]:
        return [path for path in self.storage.files(self._folder) if path.endswith(".safetensors")]
