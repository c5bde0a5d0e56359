import pyarrow as pa
import pytest

from actors.curation.sentences import ordinals, sentences, significant


def test_every_kind_of_row_has_its_sentence() -> None:
    said = sentences(
        pa.array([0, 16, 17, 3, None, None], pa.int64()),
        pa.array([None, 3.2141, 0.0, None, 0.52, 0.0], pa.float64()),
        pa.array([None, None, None, None, "x/1.png", "x/2.png"], pa.string()),
    )
    assert said.to_pylist() == [
        "picked 1st",
        "picked 17th, 3.214 from the nearest row picked before",
        "picked 18th, an exact copy of a row picked before",
        "picked 4th",
        "left out: row x/1.png, picked, is 0.52 away",
        "left out: row x/2.png, picked, is an exact copy",
    ]


def test_ordinals_are_english() -> None:
    ranks = [0, 1, 2, 3, 9, 10, 11, 12, 20, 21, 100, 110, 111, 112, 120, None]
    assert ordinals(pa.array(ranks, pa.int64())).to_pylist() == [
        *["1st", "2nd", "3rd", "4th", "10th", "11th", "12th", "13th", "21st", "22nd"],
        *["101st", "111th", "112th", "113th", "121st", None],
    ]


@pytest.mark.parametrize(
    ("distance", "text"),
    [
        (3.21449, "3.214"),
        (0.00012345678, "0.0001235"),
        (2.0, "2"),
        (123456.7, "123457"),
        (0.0, "0"),
    ],
)
def test_distances_show_four_digits_or_whole_units(distance: float, text: str) -> None:
    assert significant(pa.array([distance])).to_pylist() == [text]
