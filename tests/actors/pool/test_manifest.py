import copy
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.errors import DamagedError
from actors.pool import manifest
from actors.pool.storage import Storage, checksum_of
from tests.actors.pool.inspect.stores import finish


def stored(tmp_path: Path) -> Storage:
    """Return a store with a selection, and the samples that it was chosen from."""
    storage = Storage(str(tmp_path))
    steps: dict[str, dict[str, list[str]]] = {
        "steps/sample/s": {},
        "steps/select/x": {"samples": ["steps/sample/s"]},
    }
    for path, inputs in steps.items():
        record = storage.write(f"{path}/a", lambda file: file.write_bytes(b"whole"))
        finish(storage, path, [record], **inputs)
    return storage


def flip(file: Path) -> None:
    """Change one bit, and nothing that a look at the folder shows."""
    status, content = file.stat(), bytearray(file.read_bytes())
    content[2] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def shorten(file: Path) -> None:
    file.write_bytes(b"who")


def garble(file: Path) -> None:
    file.with_name("step.json").write_text('{"files": [')


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "flipped": (flip, "steps/sample/s/a: its checksum is not that of what was written"),
    "short": (shorten, "steps/sample/s/a: it has 3 bytes, 5 were written"),
    "gone": (Path.unlink, "steps/sample/s/a: it is not there"),
    "garbled": (garble, "steps/sample/s/step.json: it is not JSON"),
}


@pytest.mark.parametrize("path", ["steps/sample/s", "steps/select/x"])
@pytest.mark.parametrize("kind", DAMAGES)
def test_damage_is_found_also_after_the_file_was_whole_and_through_a_selection(
    tmp_path: Path, kind: str, path: str
) -> None:
    storage = stored(tmp_path)
    manifest.check(storage, path)
    damage, said = DAMAGES[kind]
    damage(tmp_path / "steps/sample/s/a")
    with pytest.raises(DamagedError) as caught:
        manifest.check(storage, path)
    assert str(caught.value) == said
    assert caught.value.step_path == "steps/sample/s"


def test_finished_steps_are_those_with_a_manifest(tmp_path: Path) -> None:
    storage = stored(tmp_path)
    done = {"steps/sample/s", "steps/select/x"}
    storage.write("steps/sample/t/a", lambda file: file.write_bytes(b"no manifest yet"))
    assert manifest.finished(storage, [*done, "steps/sample/t", "steps/fit/y"]) == done
    assert manifest.finished(storage, ["steps/select/x"]) == {"steps/select/x"}


def test_a_file_is_read_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = stored(tmp_path)
    read: list[Path] = []

    def counted(file: Path) -> str:
        read.append(file)
        return checksum_of(file)

    monkeypatch.setattr(manifest, "checksum_of", counted)
    for _ in range(3):
        manifest.check(storage, "steps/sample/s")
    assert len(read) == 1
    storage.write("steps/sample/s/a", lambda file: file.write_bytes(b"whole"))
    manifest.check(storage, "steps/sample/s")
    assert len(read) == 2


def test_the_error_reads_the_same_in_another_process() -> None:
    error = DamagedError("steps/sample/s", "steps/sample/s/a", "it is not there")
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert isinstance(other, DamagedError)
        assert vars(other) == vars(error)
        assert str(other) == "steps/sample/s/a: it is not there"
