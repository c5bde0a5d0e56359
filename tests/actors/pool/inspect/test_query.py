import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.errors import UserError
from actors.pool.inspect.query import execute
from actors.pool.storage import Storage
from tests.actors.pool.inspect.stores import Written


@pytest.fixture
def store(tmp_path: Path) -> Written:
    store = Written(Storage(str(tmp_path)))
    real, ddpm = store.sample("real", 0, 10, labels=True), store.sample("ddpm", 1, 7)
    store.select([real, ddpm], [12, 3, 16, 0], np.array([np.nan, 3, 2, 1]))
    store.select([real], [1, 2])
    return store


def asked(store: Written, query: str) -> list[tuple[Any, ...]]:
    return execute(store.contents(), query).fetchall()


def test_the_tables_are_the_rows_of_the_pool_the_selections_and_the_steps(store: Written) -> None:
    real, ddpm = store.pixels
    found = asked(store, "select * from pool order by iteration, sample_id")
    assert found == [
        *((one, "real", 0, real[-32:], 0, i) for i, one in enumerate(store.ids(real))),
        *((one, "ddpm", 1, ddpm[-32:], 1, None) for one in store.ids(ddpm)),
    ]
    ids = [*store.ids(real), *store.ids(ddpm)]
    chosen = asked(
        store,
        "select sample_id, rank, distance from selections where step in "
        "(select step from selections group by step having count(*) = 4) order by rank",
    )
    assert chosen == [(ids[12], 0, None), (ids[3], 1, 3), (ids[16], 2, 2), (ids[0], 3, 1)]
    steps = asked(store, "select key, kind, source, iteration, rows, bytes, seconds from steps")
    assert sorted(steps) == sorted(
        (s.key, s.kind, s.source, s.iteration, s.rows, s.bytes, 1.5)
        for s in store.contents().finished.values()
    )


def test_tables_join_and_filters_reach_them(store: Written) -> None:
    shares = asked(
        store,
        "select p.source, count(*) from selections s join pool p using (sample_id) "
        "join steps t on t.key = s.step group by 1 order by 1",
    )
    assert shares == [("ddpm", 2), ("real", 4)]
    assert asked(store, "select count(*) from pool where source = 'real' and label > 6") == [(3,)]


def test_a_store_without_samples_has_empty_tables(tmp_path: Path) -> None:
    store = Written(Storage(str(tmp_path)))
    store.named("a-1", [])
    for table in ("pool", "selections", "steps"):
        assert asked(store, f"select count(*) from {table}") == [(0,)]


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_csv('{secret}')",
        "select * from '{secret}'",
        "select * from read_text('{secret}')",
        "copy pool to '{new}'",
        "attach '{new}' as other",
        "install httpfs",
        "set enable_external_access = true",
        "reset lock_configuration",
        "select * from store",
        "export database '{new}'",
    ],
)
def test_a_query_reaches_no_file_and_no_variable(
    query: str, store: Written, tmp_path: Path
) -> None:
    secret, new = tmp_path / "secret.csv", tmp_path / "new"
    secret.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"^sql: "):
        asked(store, query.format(secret=secret, new=new))
    assert not new.exists()


def test_a_mistake_is_one_line(store: Written) -> None:
    with pytest.raises(UserError, match=r'^sql: .*syntax error at or near "selec"') as caught:
        asked(store, "selec *\nfrom pool")
    assert "\n" not in str(caught.value)


def test_without_duckdb_the_extra_is_named(store: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(UserError, match=r"pip install 'ouroboros-loop\[sql\]'"):
        asked(store, "select 1")
