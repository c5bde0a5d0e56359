"""A generator made elsewhere: a saved diffusers pipeline, or the images that it made."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, model_validator

from actors.data import RealData
from actors.data.files import LocalPath, files_below
from actors.data.image_folder import ImageFolder
from actors.data.images import decode
from actors.data.parquet import Parquet
from actors.errors import NonFiniteError, UserError
from actors.generators.family import Draw, Family
from actors.generators.pipelines import (
    LocalOrHub,
    check_pipeline,
    hash_folder,
    open_pipeline,
    pipeline_folder,
)
from actors.seeds import derive_seed, permuted

Shape = tuple[int, int, int]

ALLOWED_IMAGES = "a folder of images, a Parquet file or a folder of them"


class External(Family):
    """Samples a pipeline, or gives out images; it is never trained."""

    gives_each_once: ClassVar[bool] = True
    EXECUTION: ClassVar[frozenset[str]] = frozenset({"images", "pipeline"})

    kind: Literal["external"]
    pipeline: LocalOrHub | None = Field(
        None, description="folder of a saved diffusers pipeline, or its name on the hub"
    )
    steps: int | None = Field(None, ge=1, description="the pipeline's num_inference_steps")
    images: LocalPath | None = Field(
        None, description="folder of images, Parquet file or folder of them, made elsewhere"
    )
    order_seed: int = Field(
        0, ge=0, description="order in which the images are given out, over all iterations"
    )

    @model_validator(mode="after")
    def _one_of(self) -> "External":
        if (self.pipeline is None) == (self.images is None):
            given = "neither pipeline nor images" if self.images is None else "pipeline and images"
            raise ValueError(f"found {given}; allowed is one of the two")
        if self.steps is not None and self.pipeline is None:
            raise ValueError(f"steps {self.steps} needs `pipeline`")
        return self

    def check_images(self, image_shape: Shape, rows: int) -> None:
        if self.images is None:
            check_pipeline(self._folder(), self.steps)
            return
        try:
            known = open_images(self.images, image_shape).info
        except UserError as error:
            raise ValueError(f"images: {error}") from None
        if known.shape != image_shape:
            raise ValueError(
                f"images: found {_named(known.shape)}; allowed is {_named(image_shape)}, what the "
                "data set has (only square images are resized)"
            )
        if rows > known.rows:
            raise ValueError(
                f"images: found {known.rows}, fewer than the {rows} that sampling.rows asks for "
                "over all iterations"
            )

    def digest(self, image_shape: Shape) -> str:
        if self.images is None:
            return hash_folder(self._folder())
        return open_images(self.images, image_shape).info.digest

    def load(self, folder: Path, device: torch.device) -> Any:
        """Return the pipeline on the device; None for images."""
        return open_pipeline(self._folder(), device) if self.pipeline else None

    def sample(self, model: Any, draw: Draw) -> tuple[torch.Tensor, None]:
        """Return samples of the pipeline, or the next images of a fixed random order.

        Raises:
            NonFiniteError: the pipeline made NaN or infinity.
            UserError: images cannot be decoded, or do not have the data set's shape.
        """
        pixels = self._given(draw) if model is None else self._generated(model, draw)
        images = torch.from_numpy(pixels).to(draw.indices.device).permute(0, 3, 1, 2)
        return images.float() / 127.5 - 1, None

    def _folder(self) -> str:
        assert self.pipeline is not None
        return pipeline_folder(self.pipeline)

    def _given(self, draw: Draw) -> np.ndarray:
        assert self.images is not None
        try:
            images = open_images(self.images, draw.image_shape)
            # no seed of the step, which changes with the iteration: no image comes twice
            places = draw.before + draw.indices.cpu().numpy()
            return images.read(permuted(places, images.info.rows, self.order_seed))[0]
        except UserError as error:
            raise UserError(f"images: {str(error).removeprefix('dataset: ')}") from None

    def _generated(self, pipeline: Any, draw: Draw) -> np.ndarray:
        indices = draw.indices.tolist()
        # on the CPU: the same numbers whatever the device
        each = [torch.Generator().manual_seed(derive_seed(draw.seed, i)) for i in indices]
        steps = {} if self.steps is None else {"num_inference_steps": self.steps}
        made = pipeline(batch_size=len(each), generator=each, output_type="np", **steps).images
        bad = int((~np.isfinite(made)).any(axis=(1, 2, 3)).sum())
        if bad:
            raise NonFiniteError(
                f"{bad} of the samples {indices[0]} to {indices[-1]} contain NaN or infinity"
            )
        levels = (np.asarray(made).clip(0, 1) * 255).round().astype(np.uint8)
        return np.stack([fitted(image, draw.image_shape) for image in levels])


def fitted(image: np.ndarray, shape: Shape) -> np.ndarray:
    """Return (h, w, c) uint8 resized, cropped and converted to a shape as real data are.

    Raises:
        UserError: it cannot be; only square images are resized to.
    """
    height, width, channels = shape
    resize = image.shape[:2] != (height, width)
    if (resize and height != width) or image.shape[2] not in (1, 3, 4):
        raise UserError(
            f"pipeline: it makes images {_named(image.shape)}; allowed is {_named(shape)}, what "
            "the data set has"
        )
    return decode(image, channels, height if resize else None)


@lru_cache(maxsize=4)
def open_images(path: str, image_shape: Shape) -> RealData:
    """Return the reader of a folder of images or of Parquet files, resized to square shapes.

    Raises:
        UserError: nothing is there.
    """
    if not os.path.exists(path) and "*" not in path:
        raise UserError(f"{path!r} is not there; allowed is {ALLOWED_IMAGES}")
    height, width, channels = image_shape
    folder = os.path.isdir(path) and not files_below(path, (".parquet",))
    kind: type[RealData] = ImageFolder if folder else Parquet
    fields: dict[str, Any] = {
        "path": path,
        "resize": height if height == width else None,
        "channels": channels,
    }
    # unchecked: no splits are cut from it, for which it would need rows
    return kind.model_construct(**fields)


def _named(shape: tuple[int, ...]) -> str:
    height, width, channels = shape
    return f"{width}x{height} with {channels} channel{'s'[: channels > 1]}"
