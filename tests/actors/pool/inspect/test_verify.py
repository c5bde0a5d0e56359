import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.pool.inspect.verify import Problem, problems_of
from actors.pool.manifest import forget
from actors.pool.storage import Storage
from tests.actors.pool.inspect.stores import Written


@pytest.fixture
def store(tmp_path: Path) -> Written:
    store = Written(Storage(str(tmp_path)))
    sample = store.sample("real", 0, 10)
    store.train("ddpm", 1, store.select([sample], [4, 0, 9]))
    return store


def problems(store: Written) -> list[Problem]:
    """Return all that is wrong with a store."""
    return problems_of(store.contents(), lambda size: None)


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def shorten(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


@pytest.mark.parametrize(
    ("damage", "said"),
    [(flip, "its checksum is not"), (shorten, "bytes, "), (Path.unlink, "it is not there")],
)
@pytest.mark.parametrize("kind", ["sample", "embed", "select", "train"])
def test_damage_to_a_file_of_any_step_is_the_one_problem(
    kind: str, damage: Callable[[Path], object], said: str, store: Written
) -> None:
    assert problems(store) == []
    (step,) = store.contents().of_kind(kind)
    file = step.files[-1].path
    damage(store.file(file))
    (problem,) = problems(store)
    assert (problem.step_path, problem.file, problem.is_damage) == (step.path, file, True)
    assert said in problem.cause


def test_every_byte_is_counted(store: Written) -> None:
    contents = store.contents()
    read: list[int] = []
    assert problems_of(contents, read.append) == []
    files = [f for own in contents.files.values() for f in own if not f.endswith("step.json")]
    assert sorted(read) == sorted(store.file(file).stat().st_size for file in files)


def test_a_manifest_that_says_something_else_is_damaged(store: Written) -> None:
    (select,) = store.contents().of_kind("select")
    file = store.file(f"{select.path}/step.json")
    changed = json.loads(file.read_text())
    changed["config"]["picked"] = [1, 2, 3]
    file.write_text(json.dumps(changed))
    (problem,) = problems(store)
    assert problem.file == f"{select.path}/step.json"
    assert "is not what its step's key stands for" in problem.cause
    file.write_text("{")
    found = problems(store)
    assert [one.is_damage for one in found] == [True, False]
    assert found[0].cause == "it is not JSON"


def test_an_input_that_is_gone_is_no_damage_but_a_problem(store: Written) -> None:
    (sample,) = store.contents().of_kind("sample")
    forget(store.storage, sample.path)
    found = problems(store)
    assert {problem.step_path.split("/")[1] for problem in found} == {"embed", "select"}
    assert all(not one.is_damage and sample.path in one.cause for one in found)


def test_selected_ids_that_are_not_those_of_the_rows_are_found(tmp_path: Path) -> None:
    store = Written(Storage(str(tmp_path)))
    sample, other = store.sample("real", 0, 10), store.sample("ddpm", 1, 3)
    right, wrong = store.select([sample], [4, 0, 9]), store.select([other], [0, 1, 2])
    # the table of one selection, with a true checksum, in the place of another's
    table = store.file(f"{right}/selection.arrow").read_bytes()
    content = table.replace(f'"{sample}"'.encode(), f'"{other}"'.encode())
    record = store.storage.write(f"{wrong}/selection.arrow", lambda file: file.write_bytes(content))
    manifest = store.file(f"{wrong}/step.json")
    changed = {**json.loads(manifest.read_text()), "files": [record.as_json()]}
    manifest.write_text(json.dumps(changed))
    (problem,) = problems(store)
    assert (problem.step_path, problem.is_damage) == (wrong, True)
    assert "past the last row" in problem.cause
