import os
import time
from pathlib import Path

from actors.pool.inspect import garbage
from actors.pool.storage import Storage
from tests.actors.pool.inspect.stores import Written


def age(store: Written, path: str, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(store.file(path), (then, then))


def test_what_a_run_lists_keeps_all_that_it_was_made_from_and_nothing_else(tmp_path: Path) -> None:
    store = Written(Storage(str(tmp_path)))
    data, unused = store.sample("real", 0, 6), store.sample("real", 0, 5)
    select = store.select([data], [0, 1])
    trained = store.train("ddpm", 1, select)
    last = store.sample("ddpm", 1, 4, trained)
    contents = store.contents()
    keep = {last, trained, select, data, store.embedded[data]}
    assert garbage.needed(contents, [last]) == keep
    found = garbage.unneeded(contents, [last], time.time())
    assert {*found} == {unused, store.embedded[unused], store.embedded[last]}
    for path, infos in found.items():
        assert sorted(infos) == sorted(f"{path}/{file.name}" for file in store.file(path).iterdir())
    freed = garbage.remove_steps(store.storage, found)
    sizes = {path: info.size for infos in found.values() for path, info in infos.items()}
    assert freed == sum(size for path, size in sizes.items() if not path.endswith("step.json"))
    assert {*store.contents().finished} == keep
    assert not any(store.file(path).exists() for path in found)


def test_young_unfinished_steps_and_temporaries_are_left_alone(tmp_path: Path) -> None:
    store = Written(Storage(str(tmp_path)))
    for name in ("young", "old", "growing"):
        for file in ("a", "b"):
            store.storage.write_json(f"steps/train/{name}/{file}", [])
    for path in ("old/a", "old/b", "growing/a"):
        age(store, f"steps/train/{path}", 3700)
    (tmp_path / "tmp" / "new").write_text("")
    (tmp_path / "tmp" / "dead").write_text("")
    age(store, "tmp/dead", 3700)
    now = time.time()
    found = garbage.unneeded(store.contents(), [], now)
    assert {*found} == {"steps/train/old"}
    temporary = store.storage.infos("tmp")
    young = {path: garbage.is_young(info, now) for path, info in temporary.items()}
    assert young == {"tmp/new": True, "tmp/dead": False}


def test_a_folder_is_removed_with_what_lies_in_it(tmp_path: Path) -> None:
    store = Written(Storage(str(tmp_path)))
    store.named("a-1", [])
    store.storage.write_json("experiments/a-1/trials/x.json", {})
    store.named("b-1", [])
    garbage.remove_folder(store.storage, "experiments/a-1")
    assert [file.name for file in (tmp_path / "experiments").iterdir()] == ["b-1"]
