"""Configuration of a residual network of whole images."""

from typing import Any, Literal

from pydantic import Field

from actors.config import Config


class MLP(Config):
    """Residual layers over all values of an image at once: for tiny images, in seconds."""

    kind: Literal["mlp"]
    width: int = Field(256, ge=2, multiple_of=2, description="activations of a layer")
    blocks: int = Field(3, ge=1, description="residual blocks of two layers")

    @property
    def drops(self) -> bool:
        """Whether it drops activations while it is trained."""
        return False

    @staticmethod
    def model() -> Any:
        """Return the class of the network."""
        from actors.generators.residual_mlp import ResidualMLP  # it imports diffusers

        return ResidualMLP

    def check_size(self, height: int, width: int) -> None:
        """Accept images of any size."""

    def build(self, image_shape: tuple[int, int, int], classes: int | None = None) -> Any:
        """Return the network for (height, width, channels) images, initialised by torch's RNG.

        Args:
            classes: number of class labels it takes; one more stands for no label.
        """
        height, width, channels = image_shape
        labels = None if classes is None else classes + 1
        return self.model()((channels, height, width), self.width, self.blocks, labels)
