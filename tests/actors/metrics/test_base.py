from dataclasses import replace

import numpy as np
import pytest

from actors.errors import UserError
from actors.metrics.base import Measure, check_comparable
from actors.metrics.checks import check


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros(3), r"samples: found shape \(3,\); allowed is \(n, d\) with d >= 1"),
        (np.zeros((3, 0)), r"samples: found shape \(3, 0\)"),
        (np.zeros((0, 2)), "samples: found 0 rows; allowed are 1 and more"),
        (np.array([[1, np.nan]]), "samples: found values that are not finite"),
        (np.array([[np.inf, -np.inf]]), "samples: found values that are not finite"),
    ],
)
def test_what_is_no_rows_is_refused_by_the_name_of_the_argument(
    rows: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check(samples=rows)


def test_sets_of_another_width_than_the_first_are_refused() -> None:
    check(samples=np.zeros((1, 2)), reference=np.zeros((4, 2)))
    with pytest.raises(ValueError, match="reference: found 3 dimensions; allowed are 2, those of"):
        check(samples=np.zeros((1, 2)), reference=np.zeros((4, 3)))


def test_numbers_with_different_cards_are_not_compared_and_both_cards_are_shown() -> None:
    one = Measure("entropy", "samples", 1.0, "nats", "pixels", 60)
    check_comparable(one, replace(one, value=2.0, low=1.0, high=3.0, at_floor=4, note="a"))
    with pytest.raises(UserError, match=r"entropy cannot be compared: found \(n 60.*and \(n 61"):
        check_comparable(one, replace(one, n=61))
