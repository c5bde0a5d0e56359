"""Paradigms: which pool rows the next training set is made from (Shi et al. 2025)."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, TypeVar

from pydantic import Field

from actors.config import Config

T = TypeVar("T")


class Paradigm(Config):
    """Configuration of one paradigm."""

    # whether training sets have as many rows as the first one, whatever the ratio
    fixed_rows: ClassVar[bool] = False

    kind: str

    @abstractmethod
    def generations(self, real: T, arrived: Sequence[Sequence[T]]) -> list[list[T]]:
        """Return what there is to select from, by generation.

        Args:
            real: the first training rows, generation 0.
            arrived: what joined the pool after each iteration.
        """


class Replace(Paradigm):
    """What arrived after the last iteration only."""

    kind: Literal["replace"] = "replace"

    def generations(self, real: T, arrived: Sequence[Sequence[T]]) -> list[list[T]]:
        return [list(arrived[-1])]


class Accumulate(Paradigm):
    """The real rows and all that arrived since; the training set grows."""

    kind: Literal["accumulate"] = "accumulate"

    def generations(self, real: T, arrived: Sequence[Sequence[T]]) -> list[list[T]]:
        return [[real], *(list(generation) for generation in arrived)]


class AccumulateSubsample(Paradigm):
    """As accumulate, but always as many rows are selected as there were real ones.

    `selection.ratio` says how many candidates are drawn first: those rows / ratio. With `null` a
    uniform draw takes the whole pool, and an equal share just what is trained on, which is what
    the published code does.
    """

    fixed_rows: ClassVar[bool] = True

    kind: Literal["accumulate_subsample"] = "accumulate_subsample"
    draw: Literal["uniform", "equal_share"] = Field(
        "uniform", description="candidates: all rows of the pool alike; equally many per generation"
    )

    def generations(self, real: T, arrived: Sequence[Sequence[T]]) -> list[list[T]]:
        return Accumulate().generations(real, arrived)


PARADIGMS: dict[str, type[Paradigm]] = {
    "replace": Replace,
    "accumulate": Accumulate,
    "accumulate_subsample": AccumulateSubsample,
}
