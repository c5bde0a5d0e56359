from typing import Any

import numpy as np
import pytest

from actors.distances.space import GIVEN, PIXELS
from actors.metrics.base import Measure, Sets
from actors.metrics.groups import GROUPS, measure, metrics


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


def test_entropy_lies_in_its_interval_and_its_card_has_the_floor() -> None:
    one = taken(space=PIXELS)["entropy", "samples"]
    assert one.low is not None
    assert one.high is not None
    assert one.value is not None
    assert one.low < one.value < one.high
    assert one.settings == {"floor": 0.5 / 127.5}
    assert one.card() != taken()["entropy", "samples"].card()


def test_entropy_as_released_is_in_levels_of_pixels_where_the_space_has_them() -> None:
    one, other = (taken(space=space)["entropy_as_released", "samples"] for space in (PIXELS, GIVEN))
    assert one.value is not None
    assert other.value is not None
    assert one.value - other.value == pytest.approx(4 * np.log(127.5))
    assert one.card() != other.card()


def test_a_selected_training_set_has_no_interval_and_says_why() -> None:
    found = taken(selected=True)
    chosen, made = found["entropy", "training_set"], found["entropy", "samples"]
    assert chosen.value is not None
    assert (chosen.low, chosen.high) == (None, None)
    assert chosen.note == "no interval: selected rows are no independent draws"
    assert made.low is not None
    assert made.note is None


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
    assert collapsed["entropy", "samples"].at_floor == 60
    assert collapsed["entropy", "samples"].value is not None
    assert all(one.value is None or np.isfinite(one.value) for one in collapsed.values())


@pytest.mark.parametrize(
    "changed",
    [
        *({which: rows(0, 1)} for which in ("samples", "reference", "training_set", "real")),
        {"samples": rows(0, 1), "reference": rows(1, 1), "training_set": rows(2, 1)},
        {"k": 50},
        {"k": 60},
        *({which: np.ones((40, 4), np.float32)} for which in ("samples", "reference")),
        {"training_set": np.ones((40, 4), np.float32)},
        {w: np.zeros((40, 4), np.float32) for w in ("samples", "reference", "training_set")},
        {"samples": np.repeat(rows(0, 30), 2, axis=0), "training_set": rows(0, 30)},
        {w: 1e18 * rows(0, 40) for w in ("samples", "reference", "training_set")},
        {w: rows(i, 40)[:, :1] for i, w in enumerate(("samples", "reference", "training_set"))},
    ],
    ids=lambda changed: ", ".join(f"{k} {getattr(v, 'shape', v)}" for k, v in changed.items()),
)
def test_a_measure_that_cannot_be_taken_has_a_note_and_the_others_are_taken(
    changed: dict[str, Any],
) -> None:
    given = {"real": rows(3, 70)} if "real" in changed else {}
    found = taken(**{**given, **changed})
    expected = taken(**{**given, **{k: v for k, v in changed.items() if k == "real"}})
    assert found.keys() == expected.keys()
    for one in found.values():
        assert np.isfinite(one.value) if one.value is not None else one.note, one
        assert "\n" not in (one.note or "")
    assert any(one.value is not None for one in found.values())


def test_groups_yield_the_metrics_of_their_entries_in_units_and_with_references_of_those() -> None:
    sets = Sets(rows(0, 60), rows(1, 80), rows(2, 50), rows(3, 70), card={"features": "pixels"})
    for name, group in GROUPS.items():
        taken = measure(sets, (name,))
        assert {(one.metric, one.subject) for one in taken} == {
            (metric.name, subject) for metric in group.metrics for subject in metric.subjects
        }
        for one in taken:
            assert one.unit == metrics()[one.metric].unit
    assert len(metrics()) == sum(len(group.metrics) for group in GROUPS.values())


def test_a_measure_depends_on_the_rows_that_its_entry_says_and_on_no_others() -> None:
    given = {"samples": 60, "reference": 80, "training_set": 50, "real": 70}
    sets = {name: rows(seed, n) for seed, (name, n) in enumerate(given.items())}
    whole = taken(**sets)
    for name in given:
        for key, one in taken(**{**sets, name: sets[name][1:]}).items():
            depends = name in metrics()[one.metric].sets(one.subject)
            assert (one.card() != whole[key].card()) == depends, (name, key)
            assert depends or one.value == whole[key].value
