from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actors.errors import DamagedError, PathError
from actors.pool import cache
from actors.pool.filesystems import below
from actors.pool.manifest import check, damage
from actors.pool.storage import File, Storage
from tests.actors.pool.inspect.stores import finish

OUTSIDE = ["../canary", "a/../../canary", "/etc/hostname", "a//b", "./a", "", "..\\canary", "a\0b"]
METHODS: dict[str, Callable[[Storage, str], Any]] = {
    "exists": lambda storage, path: storage.exists(path),
    "write": lambda storage, path: storage.write(path, lambda file: file.write_text("new")),
    "record": lambda storage, path: storage.record(path),
    "local": lambda storage, path: storage.local(path),
    "local_folder": lambda storage, path: storage.local_folder(path),
    "files": lambda storage, path: storage.files(path),
    "remove": lambda storage, path: storage.remove(path),
    "read_json": lambda storage, path: storage.read_json(path),
}


@pytest.mark.parametrize("path", [*OUTSIDE, 3, None, ["a"]])
def test_a_path_that_may_lead_out_of_a_folder_is_refused_by_name(path: Any) -> None:
    with pytest.raises(PathError) as caught:
        below("/root", path)
    assert repr(path) in str(caught.value)


@pytest.mark.parametrize("path", ["a", "steps/train/0f/step.json", "a..b/.c", "with space/ä"])
def test_a_path_below_a_folder_is_taken(tmp_path: Path, path: str) -> None:
    assert below(str(tmp_path), path, on_disk=True) == f"{tmp_path}/{path}"


def test_the_folder_itself_may_be_a_link_or_the_root_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "link").symlink_to("store")
    (tmp_path / "store" / "inside").symlink_to("other")
    assert below(f"{tmp_path}/link", "inside", on_disk=True) == f"{tmp_path}/link/inside"
    assert below("", "etc", on_disk=True) == "/etc"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["../canary", "out/canary", "canary"])
def test_nothing_outside_a_store_is_read_written_or_removed(
    tmp_path: Path, method: str, path: str
) -> None:
    canary = tmp_path / "canary"
    canary.write_text("{}")
    store = tmp_path / "store"
    store.mkdir()
    (store / "out").symlink_to(tmp_path)
    (store / "canary").symlink_to(canary)
    with pytest.raises(PathError, match="canary"):
        METHODS[method](Storage(str(store)), path)
    assert canary.read_text() == "{}"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["canary", "store"]


@pytest.mark.parametrize("method", [*METHODS, "forget", "damage"])
def test_nothing_outside_the_copy_of_a_remote_store_is_written_or_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "copies"))
    storage = Storage("mock:///store")  # a file system of Arrow's, in memory
    canary = cache.folder() / "canary"
    canary.parent.mkdir(parents=True)
    canary.write_text("{}")
    if method == "damage":
        assert str(damage(storage, File("../canary", 2, "0"))).startswith(
            "'../canary': is no path in the store"
        )
    else:
        with pytest.raises(PathError, match="canary"):
            {**METHODS, "forget": Storage.forget}[method](storage, "../canary")
    assert canary.read_text() == "{}"


def test_temporary_files_are_not_cleared_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    canary = tmp_path / "mine" / "canary"
    canary.write_text("mine")
    store = tmp_path / "store"
    store.mkdir()
    (store / "tmp").symlink_to(tmp_path / "mine")
    with pytest.raises(PathError, match="a link leads out of the store"):
        Storage(str(store)).sweep(-10)
    assert canary.read_text() == "mine"


def test_a_step_that_names_a_file_outside_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "canary").write_text("{}")
    storage = Storage(str(tmp_path / "store"))
    record = storage.write("a", lambda file: file.write_text("{}"))
    finish(storage, "steps/train/x", [replace(record, path="../canary")])
    with pytest.raises(DamagedError, match=r"'\.\./canary': is no path in the store") as caught:
        check(storage, "steps/train/x")
    assert caught.value.step_path == "steps/train/x"
