"""What every configuration block of every room has in common."""

import math
from typing import Annotated, Any, Union

from pydantic import BaseModel, ConfigDict, Field


class Config(BaseModel):
    """A frozen block of configuration that refuses fields it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Resources(Config):
    """What a worker needs for a step; its CPU threads follow from it."""

    cpus: float = Field(1, ge=0, description="CPUs reserved; 0 shares those of other steps")
    gpus: float = Field(0, ge=0, description="GPUs reserved; 0 runs on the CPU")

    @property
    def threads(self) -> int:
        """CPU threads that the step computes with."""
        return max(1, math.floor(self.cpus))


def tagged_union(registry: dict[str, Any]) -> Any:
    """Return the type of a block whose `kind` picks one of the registry's configurations."""
    kinds = tuple(registry.values())
    if len(kinds) == 1:
        return kinds[0]
    return Annotated[Union[kinds], Field(discriminator="kind")]  # noqa: UP007  built at run time
