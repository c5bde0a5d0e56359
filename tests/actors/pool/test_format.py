from collections.abc import Callable
from pathlib import Path

import pytest

from actors.errors import UserError
from actors.pool.format import FILE, FORMAT, check_format, mark_format
from actors.pool.inspect.contents import read_contents
from actors.pool.storage import Storage
from orchestrator.named_runs import find_runs
from tests.actors.pool.inspect.stores import Written


def before_numbers(folder: Path) -> None:
    (folder / "steps" / "train" / "0").mkdir(parents=True)
    (folder / "steps" / "train" / "0" / "step.json").write_text("{}")


def with_sha256(folder: Path) -> None:
    (folder / FILE).write_text('{"format": 2}')


def of_tomorrow(folder: Path) -> None:
    (folder / FILE).write_text('{"format": 99}')


def damaged(folder: Path) -> None:
    (folder / FILE).write_text("[]")


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (before_numbers, "format 1, which had no number"),
        (with_sha256, "format 2"),
        (of_tomorrow, "format 99"),
        (damaged, f"format unknown, as {FILE} is damaged"),
    ],
)
@pytest.mark.parametrize(
    "open_store",
    [check_format, mark_format, read_contents, lambda storage: find_runs(storage, "x", "RUN")],
)
def test_a_store_of_another_format_is_refused_in_one_line(
    make: Callable[[Path], None], found: str, open_store: Callable[[Storage], None], tmp_path: Path
) -> None:
    make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=f"^store: .* is of {found}; .* reads format 3: ") as at:
        open_store(Storage(str(tmp_path)))
    assert "\n" not in str(at.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_new_store_has_the_format_and_is_opened_again(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    check_format(storage)
    assert not storage.exists(FILE)
    mark_format(storage)
    assert storage.read_json(FILE) == {"format": FORMAT}
    mark_format(storage)
    Written(storage).sample("real", 0, 6)
    assert len(read_contents(storage).finished) == 2
