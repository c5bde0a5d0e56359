from pathlib import Path

import pytest

from actors.errors import UserError
from actors.pool.inspect.lineage import behind
from actors.pool.manifest import forget
from actors.pool.storage import Storage
from tests.actors.pool.inspect.stores import Written


def loop(store: Written, generations: int, real: int, made: int) -> list[str]:
    """Add a self-consuming loop whose training sets have so many real and made rows.

    The first one is real alone. Return the select steps, and the last sample step.
    """
    data = store.sample("real", 0, real + made)
    sets = [store.select([data], range(real + made))]
    for iteration in range(1, generations + 1):
        trained = store.train("ddpm", iteration, sets[-1])
        sample = store.sample("ddpm", iteration, made, trained)
        mixed = [*range(real), *range(real + made, real + 2 * made)]
        sets.append(store.select([data, sample], mixed))
    return [*sets[:-1], sample]


def test_generations_of_a_loop_are_the_geometric_sum(tmp_path: Path) -> None:
    store = Written(Storage(str(tmp_path)))
    *sets, sample = loop(store, generations=6, real=3, made=6)
    contents = store.contents()
    found = behind(contents, contents.finished[sample])
    assert list(found) == sets[::-1]
    share = 6 / 9
    for t, path in enumerate(sets):
        # g_t = a (1 + g_{t-1}), g_0 = 0
        expected = share * (1 - share**t) / (1 - share)
        assert found[path].ancestry.generations == pytest.approx(expected, rel=1e-12)
        assert found[path].ancestry.real == pytest.approx(1, rel=1e-12)
        assert found[path].ancestry.unknown == 0


def test_what_comes_from_an_external_model_is_a_share_that_is_unknown(tmp_path: Path) -> None:
    store = Written(Storage(str(tmp_path)))
    data, outside = store.sample("real", 0, 8), store.sample("web", 1, 8)
    fresh = store.sample("fresh", 1, 4)
    # 2 of 8 rows are external
    first = store.select([data, outside], [0, 1, 2, 3, 4, 5, 8, 9])
    sample = store.sample("edm", 1, 8, store.train("edm", 1, first))
    # 1 real, 1 fresh, 2 external and 4 made on the first
    second = store.select([data, outside, fresh, sample], [0, 16, 8, 9, 20, 21, 22, 23])
    last = store.sample("edm", 2, 4, store.train("edm", 2, second))
    contents = store.contents()
    found = behind(contents, contents.finished[last])
    assert found[first].ancestry.real == 6 / 8
    assert found[first].ancestry.unknown == 2 / 8
    assert found[second].ancestry.real == (1 + 1 + 4 * 6 / 8) / 8
    assert found[second].ancestry.unknown == (2 + 4 * 2 / 8) / 8
    assert found[second].ancestry.generations == (2 + 4 * (1 + 2 / 8)) / 8
    groups = [(g.sample.source, g.sample.iteration, g.rows) for g in found[second].groups]
    assert groups == [("real", 0, 1), ("fresh", 1, 1), ("web", 1, 2), ("edm", 1, 4)]


def test_real_and_external_rows_have_nothing_behind_them(tmp_path: Path) -> None:
    store = Written(Storage(str(tmp_path)))
    steps = store.sample("real", 0, 4), store.sample("web", 1, 4)
    contents = store.contents()
    assert [behind(contents, contents.finished[one]) for one in steps] == [{}, {}]


def test_a_long_loop_is_followed_to_its_beginning(tmp_path: Path) -> None:
    store = Written(Storage(str(tmp_path)))
    *sets, sample = loop(store, generations=60, real=1, made=1)
    contents = store.contents()
    assert len(behind(contents, contents.finished[sample])) == len(sets) == 60


def test_a_step_that_is_gone_is_named(tmp_path: Path) -> None:
    store = Written(Storage(str(tmp_path)))
    *sets, sample = loop(store, generations=2, real=2, made=2)
    forget(store.storage, sets[0])
    contents = store.contents()
    with pytest.raises(UserError, match=f"lineage: {sets[0]} is not in the store any more"):
        behind(contents, contents.finished[sample])
