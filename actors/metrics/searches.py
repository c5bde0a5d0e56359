"""Neighbour searches among sets of rows, each of which is done once for all metrics."""

from collections.abc import Collection, Mapping

import numpy as np

from actors.distances.neighbours import nearest, without_repeats
from actors.distances.pairs import Rows, rows_at
from actors.metrics.checks import check

# of two sets, queries and base, how many neighbours are asked for
Depths = Mapping[tuple[str, str], int]


class Searches:
    """Searches of the rows of named sets, kept for whoever asks next.

    Args:
        sets: (n, d) rows by the name of the set.
    """

    def __init__(self, **sets: Rows) -> None:
        self._sets = sets
        self._depths: dict[tuple[str, str], int] = {}
        self._found: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = {}
        self._distinct: dict[str, np.ndarray] = {}
        self._finite: set[str] = set()

    def __getitem__(self, name: str) -> Rows:
        return self._sets[name]

    def __contains__(self, name: str) -> bool:
        return name in self._sets

    def expect(self, depths: Depths) -> None:
        """Say how many neighbours will be asked for, so that a search is done once."""
        for pair, k in depths.items():
            self._depths[pair] = max(k, self._depths.get(pair, 0))

    def check(self, *names: str, least: int = 1) -> None:
        """Refuse sets of which there are too few rows, whose widths differ, or that are not finite.

        Raises:
            ValueError: names the set, what was found and what is allowed.
        """
        sets = {name: self._sets[name] for name in names}
        check(least, finite=self._finite, **sets)
        self._finite.update(names)

    def nearest(self, queries: str, base: str, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Return distances and positions of the k nearest rows of a set for every row of another.

        Rows that the other set has several times count once. Of a set itself they are the nearest
        other rows, copies among them.

        Returns:
            (m, k) float64 Euclidean distances, rising, and (m, k) int64 positions, certified as
            those of `actors.distances.neighbours.nearest`.

        Raises:
            ValueError: there are fewer than k.
        """
        pair = queries, base
        known = self._found.get(pair)
        if known is None or known[0].shape[1] < k:
            known = self._found[pair] = self._search(queries, base, k)
        distances, positions = known
        return distances[:, :k], positions[:, :k]

    def distinct(self, name: str) -> np.ndarray:
        """Return the (n,) positions of the rows of a set that are no copy of an earlier one."""
        if name not in self._distinct:
            self._distinct[name] = without_repeats(self._sets[name], 1)
        return self._distinct[name]

    def cut(self, **sets: Rows) -> "Searches":
        """Return the searches with other rows in some sets; what has none of these is kept."""
        other = Searches(**(self._sets | sets))
        other._depths = self._depths
        other._finite = self._finite  # of rows that are finite any are
        other._distinct = {n: kept for n, kept in self._distinct.items() if n not in sets}
        other._found = {p: kept for p, kept in self._found.items() if not sets.keys() & {*p}}
        return other

    def _search(self, queries: str, base: str, k: int) -> tuple[np.ndarray, np.ndarray]:
        wanted = max(k, self._depths.get((queries, base), k))
        rows, others = self._sets[queries], self._sets[base]
        if queries == base:
            most = max(k, min(wanted, len(others) - 1))
            return nearest(rows, others, most, exclude_self=True)
        distinct = self.distinct(base)
        if len(distinct) < len(others):
            others = rows_at(others, distinct)
        distances, positions = nearest(rows, others, max(k, min(wanted, len(others))))
        return distances, distinct[positions]


def largest(depths: Collection[Depths]) -> Depths:
    """Return how many neighbours are asked for by any."""
    pairs = {pair for each in depths for pair in each}
    return {pair: max(each.get(pair, 0) for each in depths) for pair in pairs}
