"""Saved diffusers pipelines: where they are, whether they can be used, and opening them."""

import inspect
import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import AfterValidator, Field

from actors.data.files import absolute, files_below, hash_files
from actors.data.hub import reachable
from actors.errors import UserError

HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
INDEX = "model_index.json"
ALLOWED = (
    "a folder that a diffusers pipeline was saved to with save_pretrained, or a name on the hub "
    "like google/ddpm-cifar10-32"
)


def _local_or_hub(pipeline: str) -> str:
    local = os.path.isdir(os.path.expanduser(pipeline)) or not HUB_ID.fullmatch(pipeline)
    return absolute(pipeline) if local else pipeline


LocalOrHub = Annotated[str, Field(min_length=1), AfterValidator(_local_or_hub)]


@lru_cache(maxsize=4)
def pipeline_folder(name: str) -> str:
    """Return the folder of a pipeline, downloaded into the hub's cache if it is not local.

    Raises:
        UserError: it is not there, and cannot be had from the hub.
    """
    if os.path.isdir(name):
        return name
    if not HUB_ID.fullmatch(name):
        raise UserError(f"pipeline: {name!r} is not there; allowed is {ALLOWED}")
    offline = not reachable()
    from diffusers import DiffusionPipeline

    try:
        return str(DiffusionPipeline.download(name, use_safetensors=True, local_files_only=offline))
    except Exception as error:  # the hub's client and diffusers share no class of errors
        cause = "it is out of reach" if offline else " ".join(str(error).split())[:300]
        raise UserError(
            f"pipeline: {name!r} is no folder here, and cannot be had from the hub: {cause}; "
            f"allowed is {ALLOWED}; without network only a folder, or a name that is in "
            "the hub's cache"
        ) from None


def check_pipeline(folder: str, steps: int | None) -> None:
    """Raise UserError unless a folder holds an unconditional pipeline of diffusers itself."""
    try:
        index = json.loads(Path(folder, INDEX).read_text(encoding="utf-8"))
        name = index["_class_name"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(
            f"pipeline: {folder!r} has no {INDEX} that names a pipeline; allowed is {ALLOWED}"
        ) from None
    if code := files_below(folder, (".py",)):
        raise UserError(f"pipeline: {folder!r} has code of its own, {code[0]}; allowed is none")
    if not files_below(folder, (".safetensors",)):
        raise UserError(f"pipeline: {folder!r} has no weights; allowed are .safetensors files")
    import diffusers

    kind = getattr(diffusers, name, None) if isinstance(name, str) else None
    takes = inspect.signature(kind.__call__).parameters if inspect.isclass(kind) else {}
    if not {"batch_size", "generator", "output_type"} <= set(takes):
        raise UserError(
            f"pipeline: {folder!r} holds a {name}; allowed are pipelines of diffusers that take a "
            "batch_size and nothing to follow, like DDPMPipeline"
        )
    if steps is not None and "num_inference_steps" not in takes:
        raise UserError(f"steps: found {steps}, but a {name} takes none; allowed is null")


@lru_cache(maxsize=4)
def hash_folder(folder: str) -> str:
    """Return the hash of all files of a folder."""
    return hash_files(folder, files_below(folder, ("",)))


@lru_cache(maxsize=1)
def open_pipeline(folder: str, device: torch.device) -> Any:
    """Return a saved pipeline on a device, from safetensors, without any code of its own.

    Raises:
        UserError: diffusers cannot open it.
    """
    check_pipeline(folder, None)
    from diffusers import DiffusionPipeline
    from diffusers.utils import logging

    logging.disable_progress_bar()
    try:
        pipeline = DiffusionPipeline.from_pretrained(folder, use_safetensors=True)
    except (OSError, ValueError, ImportError) as error:
        cause = " ".join(str(error).split())[:300]
        raise UserError(f"pipeline: {folder!r} cannot be opened: {cause}") from None
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)
