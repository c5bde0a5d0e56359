"""How near two rows of a feature space may be and still be distinguished."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Space:
    """What is known of the distances in a space, whatever its rows are.

    Attributes:
        resolution: the smallest distance that is more than rounding.
        in_levels: factor that takes a distance to 0..255 pixel space; None where there is none.
    """

    resolution: float
    in_levels: float | None = None

    @property
    def floor(self) -> float:
        """Half the resolution: what the distance of copies counts as where it is a logarithm's."""
        return self.resolution / 2


# pixels in [-1, 1], and their rotations: one level of one pixel
PIXELS = Space(1 / 127.5, 127.5)
# features of a network, each of order 1: on digits, computing them in other batches moves a row of
# the encoder by up to 3e-6 and a change of one level in one pixel by 4e-3 and more; reduced
# precision on a GPU (TF32) rounds to about 1e-3
NETWORK = Space(1e-3)
# rows of any origin as float32: the gap between 1 and the next number
GIVEN = Space(2.0**-23)
