import numpy as np
import pytest

from actors.data.images import Header
from actors.data.reading import Alike, Item, Reading, plan_reading, tally
from actors.errors import UserError
from tests.actors.data.image_files import encoded, noise


def test_images_that_differ_in_size_are_named_with_what_to_set() -> None:
    sizes = tally([("a", Header(5, 3, 3)), ("b", Header(3, 5, 3))])
    with pytest.raises(UserError, match=r"size: a is 5x3, b is 3x5; set dataset\.resize"):
        plan_reading(sizes, None, None, "dataset.resize")
    assert plan_reading(sizes, 4, None, "dataset.resize") == Reading((4, 4, 3), 4)


def test_images_of_one_header_are_counted_together_and_named_by_the_first() -> None:
    small, large = Header(5, 3, 1), Header(6, 3, 1)
    headers = [("a", small), ("b", large), ("c", small)]
    assert tally(headers) == (Alike(small, "a", 2), Alike(large, "b", 1))
    with pytest.raises(UserError, match=r"^d: why$"):
        tally([*headers, ("d", UserError("why"))])


def test_images_are_grey_where_all_are_and_rgb_otherwise_unless_channels_say_it() -> None:
    grey, colour = Header(5, 3, 1), Header(5, 3, 3)
    for headers, channels, expected, notes in (
        ([grey, grey], None, 1, ()),
        ([colour, colour], None, 3, ()),
        (
            [grey, colour, grey],
            None,
            3,
            ("2 of 3 images are grey and read as RGB, as",),
        ),
        ([grey, colour], 1, 1, ()),
        ([grey, grey], 3, 3, ()),
    ):
        reading = plan_reading(tally(("x", one) for one in headers), None, channels, "s")
        assert reading.shape == (3, 5, expected)
        assert len(reading.notes) == len(notes)
        assert all(one.startswith(said) for one, said in zip(reading.notes, notes, strict=True))


def test_images_with_several_frames_are_counted() -> None:
    headers = [Header(5, 3, 3, several) for several in (True, False, True)]
    (note,) = plan_reading(tally(("x", one) for one in headers), None, None, "s").notes
    assert note == "of 2 images with several frames the first is read"


def test_a_card_says_size_filter_crop_and_channels() -> None:
    resized = "32x32 RGB, shorter side resized bilinearly, centre crop"
    assert str(Reading((32, 32, 3), 32)) == resized
    assert str(Reading((8, 6, 1), None)) == "6x8 grey, not resized"


def test_many_images_come_back_where_they_belong_whatever_the_order_they_are_read_in() -> None:
    images = [noise(i, 6, 6) for i in range(600)]
    order = np.random.default_rng(0).permutation(600).tolist()
    items = (Item(i, f"row {i}", encoded(images[i])) for i in order)
    assert np.array_equal(Reading((6, 6, 3), None).read(items, 600), images)


def test_an_image_that_is_broken_or_of_another_shape_is_named() -> None:
    whole = encoded(noise(0, 64, 64))
    with pytest.raises(UserError, match=r"^row 7: it cannot be decoded: "):
        Reading((64, 64, 3), None).read(iter([Item(0, "row 7", whole[:-2000])]), 1)
    with pytest.raises(UserError, match=r"row 7 is 64x64, and not 2x1 as was found"):
        Reading((1, 2, 3), None).read(iter([Item(0, "row 7", whole)]), 1)
