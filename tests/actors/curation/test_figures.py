import numpy as np
import pyarrow as pa
import pytest

from actors.curation import figures
from actors.data.feature_source import Rows
from actors.metrics.entropy import entropy
from tests.actors.data.inputs import features

FLOOR = 1e-3


def test_both_entropies_are_of_equally_many_rows() -> None:
    x = features(500)
    kept = np.arange(100)
    before, after = figures.entropies(Rows(x), kept, seed=0, floor=FLOOR)
    assert before is not None
    assert after is not None
    assert before.n == after.n == 100
    assert after.nats == pytest.approx(entropy(x[:100], floor=FLOOR).nats)
    assert figures.entropies(Rows(x), kept, seed=0, floor=FLOOR)[0] == before
    assert figures.entropies(Rows(x), kept, seed=1, floor=FLOOR)[0] != before


def test_entropy_of_many_rows_is_estimated_on_a_part_of_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(figures, "ENTROPY_ROWS", 50)
    before, after = figures.entropies(Rows(features(500)), np.arange(300), seed=0, floor=FLOOR)
    assert before is not None
    assert after is not None
    assert before.n == after.n == 50


def test_one_kept_row_has_no_entropy() -> None:
    assert figures.entropies(Rows(features()), np.array([3]), seed=0, floor=FLOOR) == (None, None)


def test_the_work_of_an_entropy_is_bounded_in_rows_and_dimensions() -> None:
    assert figures.entropy_rows(10**6, 64) == 50_000
    assert figures.entropy_rows(10**6, 3072) < 20_000
    assert figures.entropy_rows(10, 3072) == 10


def test_shares_are_of_all_rows_and_of_the_kept_ones_largest_source_first() -> None:
    origins = pa.array(["b", "a", "a", "a", None])
    assert figures.shares(origins, np.array([0, 1])) == {
        "a": (0.6, 0.5),
        "b": (0.2, 0.5),
        "(none)": (0.2, 0.0),
    }
