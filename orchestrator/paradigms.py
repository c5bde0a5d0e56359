"""Paradigms: which pool rows are candidates for the next training set (Shi et al. 2025)."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal, TypeVar

from actors.config import Config

T = TypeVar("T")


class Paradigm(Config):
    """Configuration of one paradigm."""

    kind: str

    @abstractmethod
    def candidates(self, real: T, sampled: Sequence[Sequence[T]]) -> list[T]:
        """Return the steps whose rows are candidates, given each iteration's sample steps."""

    @abstractmethod
    def candidate_rows(self, real: int, sampled: int, iteration: int) -> int:
        """Return how many candidates there are after an iteration that samples `sampled` rows."""


class Replace(Paradigm):
    """The last iteration's samples only."""

    kind: Literal["replace"] = "replace"

    def candidates(self, real: T, sampled: Sequence[Sequence[T]]) -> list[T]:
        return list(sampled[-1])

    def candidate_rows(self, real: int, sampled: int, iteration: int) -> int:
        return sampled


class Accumulate(Paradigm):
    """The real data and every iteration's samples; the training set grows."""

    kind: Literal["accumulate"] = "accumulate"

    def candidates(self, real: T, sampled: Sequence[Sequence[T]]) -> list[T]:
        return [real, *(step for iteration in sampled for step in iteration)]

    def candidate_rows(self, real: int, sampled: int, iteration: int) -> int:
        return real + iteration * sampled


class AccumulateSubsample(Paradigm):
    """Candidates as in accumulate, but always as many selected as there were real rows."""

    kind: Literal["accumulate_subsample"] = "accumulate_subsample"

    def candidates(self, real: T, sampled: Sequence[Sequence[T]]) -> list[T]:
        return Accumulate().candidates(real, sampled)

    def candidate_rows(self, real: int, sampled: int, iteration: int) -> int:
        return Accumulate().candidate_rows(real, sampled, iteration)


PARADIGMS: dict[str, type[Paradigm]] = {
    "replace": Replace,
    "accumulate": Accumulate,
    "accumulate_subsample": AccumulateSubsample,
}


def selected_rows(paradigm: Paradigm, candidates: int, ratio: float | None, real: int) -> int:
    """Return how many of the candidates form the next training set.

    Args:
        candidates: candidate rows.
        ratio: rows selected / candidate rows; None takes all.
        real: rows of the first training set, which accumulate_subsample keeps to.
    """
    if paradigm.kind == "accumulate_subsample":
        return real
    return candidates if ratio is None else max(1, int(ratio * candidates + 0.5))
