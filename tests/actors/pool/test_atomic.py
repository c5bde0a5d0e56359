from pathlib import Path

import pytest

from actors.errors import UserError
from actors.pool.atomic import atomic_output, check_target


def test_a_target_must_be_new_in_a_folder_that_is_there(tmp_path: Path) -> None:
    check_target("out", str(tmp_path / "new"))
    (tmp_path / "old").write_text("")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name, message in (
        ("old", "out: '.*old' exists; name a new one, nothing is overwritten"),
        ("dangling", "out: '.*dangling' exists"),
        ("no/new", "out: the folder '.*no' of '.*' is not there"),
    ):
        with pytest.raises(UserError, match=message):
            check_target("out", str(tmp_path / name))


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("is_folder", [False, True])
def test_an_output_appears_whole_or_not_at_all(
    error: type[BaseException] | None, is_folder: bool, tmp_path: Path
) -> None:
    def fill() -> None:
        with atomic_output("out", str(tmp_path / "out")) as temporary:
            if is_folder:
                temporary.mkdir()
            (temporary / "file" if is_folder else temporary).write_text("whole")
            assert not (tmp_path / "out").exists()
            if error:
                raise error

    if error is None:
        fill()
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
    else:
        with pytest.raises(error):
            fill()
        assert not list(tmp_path.iterdir())


def test_what_took_the_name_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    def late() -> None:
        with atomic_output("out", str(tmp_path / "out")) as temporary:
            temporary.write_text("ours")
            (tmp_path / "out").write_text("theirs")

    with pytest.raises(UserError, match="exists"):
        late()
    assert (tmp_path / "out").read_text() == "theirs"
    assert len(list(tmp_path.iterdir())) == 1
