"""What `curate` and `evaluate` ask of anyone's images and embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import Field, model_validator

from actors.config import Config, tagged_union
from actors.errors import UserError
from actors.features import EXTRACTORS, weights
from orchestrator.schema import assign, validate

if TYPE_CHECKING:
    from actors.features import Extractor as Features
else:
    Features = tagged_union(EXTRACTORS)


class Inputs(Config):
    """How inputs are read, and the features that images are turned into."""

    features: Features = Field(
        default_factory=EXTRACTORS["pixels"], description="made of images; tables have their own"
    )
    seed: int = Field(0, ge=0, description="of everything random")
    column: str | None = Field(None, description="column of the embeddings, array of a .npz")
    image_size: int | None = Field(None, ge=1, description="side images are resized and cropped to")
    channels: Literal[1, 3] | None = Field(
        None, description="1 makes all images grey, 3 RGB; null: grey where all are"
    )
    skip_bad: bool = Field(False, description="leave out images that cannot be decoded")

    @model_validator(mode="after")
    def _weights_are_there(self) -> Inputs:
        try:
            weights.check(self.features)
        except UserError as error:
            raise ValueError(f"features.{error}") from None
        return self


Request = TypeVar("Request", bound=Inputs)


def load(model: type[Request], raw: dict[str, Any], overrides: list[tuple[str, Any]]) -> Request:
    """Return the validated request from (dotted path, value) pairs laid over `raw`.

    Raises:
        UserError: names each field at fault, what was found and what is allowed.
    """
    for dotted, value in overrides:
        raw = assign(model, raw, dotted.split("."), value)
    return validate(model, raw)
