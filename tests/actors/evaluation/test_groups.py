from typing import Any

import numpy as np
import pytest

from actors.errors import UserError
from actors.evaluation.groups import GROUPS, Sets, measure
from actors.evaluation.measures import Measure, check_comparable


def rows(seed: int, n: int, spread: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, spread, (n, 4)).astype(np.float32)


def taken(**changed: Any) -> dict[tuple[str, str], Measure]:
    given = {"samples": rows(0, 60), "reference": rows(1, 80), "training_set": rows(2, 50)}
    sets = Sets(**(given | changed), card={"features": "pixels", "extractor": "abc"})
    return {(one.metric, one.subject): one for one in measure(sets)}


def test_every_measure_has_a_value_and_the_card_of_what_it_was_taken_on() -> None:
    found = taken(real=rows(3, 70))
    assert all(one.value is not None and one.note is None for one in found.values())
    assert {one.extractor for one in found.values()} == {"abc"}
    assert found["entropy", "training_set"].n == 50
    fld = found["fld_real", "samples"]
    assert fld.settings == {"fitted_to": "real", "fitted_n": 70}
    assert (fld.n, fld.reference, fld.reference_n) == (60, "held-out real", 80)
    score = found["generalization_score", "samples"]
    assert (score.reference, score.reference_n) == ("training_set", 50)


def test_entropy_lies_in_its_interval() -> None:
    one = taken()["entropy", "samples"]
    assert one.low is not None
    assert one.high is not None
    assert one.value is not None
    assert one.low < one.value < one.high


def test_a_generator_that_was_not_trained_has_what_needs_no_training_set() -> None:
    found = taken(training_set=None)
    assert ("frechet_distance", "samples") in found
    assert not {"generalization_score", "fld", "authenticity"} & {metric for metric, _ in found}


def test_what_cannot_be_taken_has_a_note_and_no_value_and_nothing_is_nan() -> None:
    few = taken(samples=rows(0, 4), training_set=rows(2, 3))
    missing = {metric for (metric, _), one in few.items() if one.value is None}
    assert {"precision", "data_copying"} <= missing
    assert all(one.note for one in few.values() if one.value is None)
    collapsed = taken(samples=np.ones((60, 4), np.float32))
    assert collapsed["entropy", "samples"].value is None
    assert collapsed["entropy", "samples"].zero_distances == 60
    assert all(one.value is None or np.isfinite(one.value) for one in collapsed.values())


def test_groups_are_taken_as_asked_for_and_have_different_measures() -> None:
    sets = Sets(rows(0, 60), rows(1, 80), rows(2, 50), card={"features": "pixels"})
    names = [{(one.metric, one.subject) for one in measure(sets, (group,))} for group in GROUPS]
    assert sum(map(len, names)) == len(set.union(*names))


def test_numbers_with_different_cards_are_not_compared_and_both_cards_are_shown() -> None:
    one, other = taken()["entropy", "samples"], taken(samples=rows(0, 61))["entropy", "samples"]
    check_comparable(one, taken(samples=rows(5, 60))["entropy", "samples"])
    with pytest.raises(UserError, match=r"entropy cannot be compared: found \(n 60.*and \(n 61"):
        check_comparable(one, other)
