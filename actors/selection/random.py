"""Random selection, the vanilla arm."""

from typing import ClassVar, Literal

import numpy as np

from actors.selection.selection import Method, Selection, check_rows


def random_rows(features: np.ndarray, n: int, *, seed: int) -> Selection:
    """Choose n of the (N, d) rows uniformly, without looking at them."""
    check_rows(len(features), n)
    order = np.random.default_rng(seed).permutation(len(features))
    return Selection(order[:n].astype(np.int64))


class Random(Method):
    """Uniform draw without replacement."""

    function = staticmethod(random_rows)
    uniform: ClassVar[bool] = True

    kind: Literal["random"] = "random"
