import os
from pathlib import Path

import pytest

from actors.curation.outputs import place
from tests.actors.data.inputs import images


@pytest.mark.parametrize("how", ["link", "copy"])
def test_images_keep_their_subfolders(how: str, tmp_path: Path) -> None:
    everything = tmp_path / "everything"
    root = images(everything / "in")
    out = everything / "deep" / "out"
    out.mkdir(parents=True)
    done: list[int] = []
    names = ["a/0.png", "b/1.png"]
    place(out / "images", str(out), str(root), names, how, done.append)  # type: ignore[arg-type]
    for name in names:
        placed = out / "images" / name
        assert placed.read_bytes() == (root / name).read_bytes()
        assert placed.is_symlink() == (how == "link")
    if how == "link":
        assert not os.path.isabs(os.readlink(out / "images" / "a" / "0.png"))
        everything.rename(tmp_path / "moved")
        assert (tmp_path / "moved" / "deep/out/images/a/0.png").exists()
    assert done == [1, 2]
