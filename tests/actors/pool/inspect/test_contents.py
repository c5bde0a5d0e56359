from pathlib import Path

import pytest

from actors.errors import UserError
from actors.pool.inspect.contents import read_contents
from actors.pool.storage import Storage
from tests.actors.pool.inspect.stores import Written


@pytest.fixture
def store(tmp_path: Path) -> Written:
    store = Written(Storage(str(tmp_path)))
    sample = store.sample("real", 0, 10)
    store.select([sample], [0, 1])
    return store


def test_a_store_is_its_finished_steps_and_what_is_not_finished(store: Written) -> None:
    store.storage.write_json("steps/train/half/losses.json", [])
    store.storage.write("steps/train/bad/step.json", lambda file: file.write_text('{"kind":'))
    store.storage.write_json("steps/train/odd/step.json", {"kind": "train"})
    contents = store.contents()
    assert sorted(step.kind for step in contents.finished.values()) == ["embed", "sample", "select"]
    assert contents.unfinished() == ["steps/train/half"]
    assert contents.unreadable == {
        "steps/train/bad": "it is not JSON",
        "steps/train/odd": "it is no manifest of a step",
    }


def test_a_sample_is_found_by_its_id_in_its_shard(store: Written) -> None:
    (sample,) = store.pixels
    contents = store.contents()
    for row, sample_id in enumerate(store.ids(sample)):
        step, index = contents.find_sample(sample_id)
        assert (step.path, index) == (sample, row)
        file, place = step.locate(index)
        assert (file.path, place) == (f"{sample}/rows-{row // 4 * 4:09d}.arrow", row % 4)


def test_what_is_not_there_is_named(store: Written, tmp_path: Path) -> None:
    (sample,) = store.pixels
    contents = store.contents()
    prefix = store.ids(sample)[0][:12]
    for sample_id, message in (
        ("cat", "found 'cat'; allowed is the first 12 characters"),
        (f"{prefix}-0000000x", "allowed is the first 12 characters"),
        (f"{prefix}-00000010", f"that step has 10 rows; the last is {prefix}-00000009"),
        ("0" * 12 + "-00000000", "no finished sample step whose key begins with 000000000000"),
    ):
        with pytest.raises(UserError, match=f"^SAMPLE_ID: .*{message}"):
            contents.find_sample(sample_id)
    with pytest.raises(UserError, match="ID: '' is the beginning of 3 keys"):
        contents.find_step("", "ID")
    with pytest.raises(UserError, match=r"--selection: no finished select step .* like 'zz'"):
        contents.find_step("zz", "--selection", "select")
    assert contents.find_step(prefix, "ID").path == sample
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="is no store"):
        read_contents(Storage(str(tmp_path / "empty")))
