"""The commands that ask the pool, on what a real run has left."""

import csv
import io
import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from actors.errors import UserError
from actors.pool.step import Step, write_manifest
from actors.pool.storage import Storage
from orchestrator.cli import main
from orchestrator.commands.pool.export import training_set
from orchestrator.named_runs import named_runs
from orchestrator.outcome import Outcome, write_outcome
from orchestrator.results import Result
from tests.actors.pool.inspect.stores import Written
from tests.orchestrator.conftest import FinishedRun
from tests.runs import Store, read

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def pool(finished: FinishedRun, capsys: Captured) -> Any:
    """Return a function that asks the finished run's store, and what is printed."""
    return lambda *arguments: asked(capsys, finished.store, *arguments)


@pytest.fixture
def copied(finished: FinishedRun, tmp_path: Path) -> Store:
    """Return a copy of the finished run's store, to be changed."""
    return Store(Path(shutil.copytree(finished.store.path, tmp_path / "store")))


def asked(capsys: Captured, store: Store, *arguments: str) -> str:
    """Return what `ouroboros pool ARGUMENTS` prints on a store."""
    assert main(["pool", *arguments, "--store", str(store.path)]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def manifests(store: Store, kind: str = "*") -> dict[str, Any]:
    """Return the manifests of a store by path of their steps."""
    files = store.path.glob(f"steps/{kind}/*/step.json")
    return {str(f.parent.relative_to(store.path)): json.loads(f.read_text()) for f in files}


def cells(line: str) -> list[str]:
    return line.replace("│", " ").split()


def a_run(store: Store) -> str:
    (folder,) = store.path.glob("experiments/*")
    return folder.name


def test_ls_counts_the_rows_of_every_source_and_iteration(pool: Any, finished: FinishedRun) -> None:
    lines = [cells(line) for line in pool("ls").splitlines()]
    found = {tuple(line[:4]) for line in lines if line}
    # 2 arms share iteration 1
    expected = {("real", "0", "2", "128")}
    for name in ("ddpm", "edm"):
        expected |= {(name, "1", "1", "48"), (name, "2", "2", "96")}
    assert expected <= found
    assert [a_run(finished.store), "run", "finished", "24", "of", "24"] in lines
    # all 24 steps of the plan, nothing else
    assert ("all", "24") in {tuple(line[:2]) for line in lines if line}


def test_show_tells_a_samples_provenance_and_draws_it(
    pool: Any, finished: FinishedRun, tmp_path: Path
) -> None:
    path, table = next(iter(finished.store.tables("sample").items()))
    row = table.slice(5, 1).drop_columns(["image"]).to_pylist()[0]
    shown = pool("show", row["sample_id"], "--image", str(tmp_path / "a.png"))
    fields = dict(line.split(maxsplit=1) for line in shown.splitlines() if "  " in line)
    for name in ("sample_id", "source", "iteration", "step", "seed", "label"):
        assert fields[name].strip() == str(row[name])
    assert "8 x 8 pixels, 1 channel" in shown
    assert f"{path}, row 5" in shown
    pixels = table["image"].combine_chunks().to_numpy_ndarray()[5, :, :, 0]
    with Image.open(tmp_path / "a.png") as picture:
        assert np.array_equal(np.asarray(picture)[::64, ::64], pixels)
        assert picture.size == (512, 512)


def test_show_tells_a_step_by_the_beginning_of_its_key_and_a_run_by_its_name(
    pool: Any, finished: FinishedRun
) -> None:
    for path, manifest in manifests(finished.store, "train").items():
        shown = pool("show", manifest["key"][:10])
        for text in (path, "kind           train", manifest["inputs"]["training_set"][0]):
            assert text in shown
    for name in ("tiny", a_run(finished.store)):
        shown = pool("show", name)
        assert "greedy, vanilla" in shown
        assert "train: 6 of 6" in shown


def test_why_says_the_same_of_a_picked_row_as_its_selection(
    pool: Any, finished: FinishedRun, capsys: Captured
) -> None:
    greedy = {
        path: manifest
        for path, manifest in manifests(finished.store, "select").items()
        if manifest["config"]["selection"]["kind"] == "greedy"
    }
    ((path, manifest),) = greedy.items()
    table = read(finished.store.path / path / "selection.arrow")
    row = table.slice(2, 1).to_pylist()[0]
    said = f"picked 3rd, {row['distance']:.4g} from the nearest row picked before"
    lines = pool("why", row["sample_id"]).splitlines()
    key = manifest["key"]
    # its own selection, and where it is a real row those of iteration 1 too
    assert any(line.startswith(f"select {key[:12]} (greedy,") and said in line for line in lines)
    assert said in pool("why", row["sample_id"], "--selection", key[:9])
    assert main(["why", row["sample_id"], "--selection", str(finished.store.path / path)]) == 0
    assert capsys.readouterr().out == f"{row['sample_id']}: {said}\n"


def test_lineage_leads_from_a_sample_to_the_real_rows(pool: Any, finished: FinishedRun) -> None:
    samples = manifests(finished.store, "sample")
    (path, *_) = (p for p, m in samples.items() if m["config"]["iteration"] == 2)
    sample_id = f"{samples[path]['key'][:12]}-00000000"
    found = json.loads(pool("lineage", sample_id, "--json"))
    second, first = found["training_sets"]
    assert found["checkpoint"] == samples[path]["inputs"]["checkpoint"][0]
    train = manifests(finished.store, "train")[found["checkpoint"]]
    assert train["inputs"]["training_set"] == [second["step"]]
    ids = read(finished.store.path / second["step"] / "selection.arrow")["sample_id"].to_pylist()
    for part in second["parts"]:
        prefix = part["step"].rpartition("/")[2][:12]
        assert part["rows"] == sum(one.startswith(prefix) for one in ids)
    made = sum(part["share"] for part in second["parts"] if part["source"] != "real")
    assert second["leads_back_to"]["generations"] == pytest.approx(made)
    assert [part["source"] for part in first["parts"]] == ["real"]
    tree = pool("lineage", sample_id)
    for key in (second["step"], first["step"], found["checkpoint"]):
        assert key.rpartition("/")[2][:12] in tree
    assert "leads back to real rows: 100.0%" in tree


def test_export_names_a_training_set_by_its_run_arm_and_iteration(
    pool: Any, finished: FinishedRun, tmp_path: Path
) -> None:
    selected = finished.store.selected_ids()
    kinds = {
        f"{path}/selection.arrow": manifest["config"]["selection"]["kind"]
        for path, manifest in manifests(finished.store, "select").items()
    }
    written = {}
    for arm in ("vanilla", "greedy"):
        target = tmp_path / f"{arm}.parquet"
        said = pool(
            "export", "--run", "tiny", "--arm", arm, "--iteration", "2", "--to", str(target)
        )
        assert 'load_dataset("parquet"' in said
        written[arm] = pq.read_table(target)["sample_id"].to_pylist()
    (greedy,) = (ids for path, ids in selected.items() if kinds[path] == "greedy")
    assert written["greedy"] == greedy
    assert written["vanilla"] != greedy
    assert written["vanilla"] in selected.values()
    pool("export", "--source", "edm", "--iteration", "2", "--to", str(tmp_path / "edm"))
    assert len(list((tmp_path / "edm").glob("*.png"))) == 96


def test_sql_prints_a_table_or_csv_and_says_when_there_is_more(
    pool: Any, finished: FinishedRun
) -> None:
    query = "select source, count(*) as number from pool group by 1 order by 1"
    found = list(csv.reader(io.StringIO(pool("sql", query, "--csv"))))
    assert found == [["source", "number"], ["ddpm", "144"], ["edm", "144"], ["real", "128"]]
    assert ["edm", "144"] in [cells(line) for line in pool("sql", query).splitlines()]
    many = "select range from range(1500)"
    assert "the first 1,000 rows; all of them with --csv" in pool("sql", many)
    assert len(pool("sql", many, "--csv").splitlines()) == 1501


def test_a_damaged_shard_is_found_and_forgotten_where_asked(
    copied: Store, capsys: Captured
) -> None:
    assert "all as written" in asked(capsys, copied, "verify")
    path = next(iter(copied.tables("sample")))
    content = bytearray((copied.path / path).read_bytes())
    content[500] ^= 4
    (copied.path / path).write_bytes(content)
    before = len(manifests(copied))
    for remove, left in (([], before), (["--remove"], before - 1)):
        assert main(["pool", "verify", *remove, "--store", str(copied.path)]) == 1
        said = capsys.readouterr().out
        assert f"damaged: {path}: its checksum is not that of what was written" in said
        assert len(manifests(copied)) == left
    assert not (copied.path / path).exists()


def test_gc_removes_what_no_named_run_needs_and_only_with_yes(
    copied: Store, capsys: Captured
) -> None:
    assert "nothing to remove: 24 steps are needed" in asked(capsys, copied, "gc")
    run = a_run(copied)
    # a second run that needs one training set, and so the real rows behind it alone
    real_only = min(
        manifests(copied, "select").items(), key=lambda one: len(one[1]["inputs"]["samples"])
    )
    listed = copied.path / "experiments" / "other-00000000" / "steps.json"
    listed.parent.mkdir()
    listed.write_text(json.dumps({"steps": [real_only[0]]}))
    before = manifests(copied)
    said = asked(capsys, copied, "gc", "--drop", "tiny")
    assert f"to be forgotten: experiments/{run}" in said
    assert "nothing is removed yet; remove it with --yes" in said
    assert manifests(copied) == before
    assert "removed: " in asked(capsys, copied, "gc", "--drop", "tiny", "--yes")
    keep = {real_only[0], *(p for paths in real_only[1]["inputs"].values() for p in paths)}
    assert {*manifests(copied)} == keep
    assert {f.name for f in copied.path.glob("experiments/*")} == {"other-00000000"}
    assert "all as written" in asked(capsys, copied, "verify")


def test_of_two_runs_of_a_name_the_newest_is_read_and_neither_is_removed(
    copied: Store, tmp_path: Path, capsys: Captured
) -> None:
    run = a_run(copied)
    older = copied.path / "experiments" / "tiny-00000000"
    shutil.copytree(copied.path / "experiments" / run, older)
    os.utime(older / "outcome.json", (1, 1))
    note = f"2 have this name; this is the newest, experiments/{run}"
    target = str(tmp_path / "out.parquet")
    names = ("--run", "tiny", "--arm", "greedy", "--iteration", "2", "--to", target)
    for arguments in (("show", "tiny"), ("export", *names)):
        assert note in asked(capsys, copied, *arguments).splitlines()
    assert main(["pool", "gc", "--drop", "tiny", "--yes", "--store", str(copied.path)]) == 2
    refused = f"--drop: 'tiny' may be any of experiments/tiny-00000000, experiments/{run}; give"
    assert refused in capsys.readouterr().err
    assert older.exists()


def test_gc_refuses_while_a_run_does_not_say_what_it_needs(copied: Store, capsys: Captured) -> None:
    (copied.path / "sweeps" / "new-00000000").mkdir(parents=True)
    (copied.path / "sweeps" / "new-00000000" / "config.yaml").write_text("")
    before = manifests(copied)
    assert main(["pool", "gc", "--yes", "--store", str(copied.path)]) == 2
    assert capsys.readouterr().err.startswith(
        "error: sweep new-00000000: sweeps/new-00000000/steps.json is not there"
    )
    assert manifests(copied) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "zz"], "ID: no finished step of the store has a key like 'zz'"),
        (["show", "tiny", "--image", "a.png"], "--image: only a sample has a picture"),
        (["why", "cat"], "SAMPLE_ID: found 'cat'"),
        (["lineage", "0123456789ab-00000000"], "SAMPLE_ID: found '0123456789ab-00000000', but"),
        (["export", "--source", "gan", "--to", "new"], "--source: found 'gan'; the store has"),
        (["export", "--source", "real", "--to", "/none/new"], "--to: the folder '/none'"),
        (["export", "--source", "real", "--to", "/"], "--to: '/' exists"),
        (
            ["export", "--source", "real", "--arm", "x", "--to", "new"],
            "--arm: does not go with --source",
        ),
        (["export", "--run", "tiny", "--to", "new"], "--arm: missing; --run needs it"),
        (
            ["export", "--run", "t", "--arm", "x", "--iteration", "1", "--to", "new"],
            "--run: no run 't' in store '",
        ),
        (
            ["export", "--run", "tiny", "--arm", "x", "--iteration", "1", "--to", "new"],
            "arm: found 'x'; allowed are vanilla, greedy",
        ),
        (
            ["export", "--run", "tiny", "--arm", "greedy", "--iteration", "9", "--to", "new"],
            "iteration: found 9; allowed are 1, 2",
        ),
        (["export", "--selection", "zz", "--to", "new"], "--selection: no finished select step"),
        (["gc", "--drop", "t"], "--drop: no run or sweep 't' in store '"),
        (["sql", "select nothing"], "sql: Binder Error"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    arguments: list[str],
    message: str,
    finished: FinishedRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["pool", *arguments, "--store", str(finished.store.path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {message}")
    assert len(error.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_store_that_is_not_there_is_one_line_in_every_subcommand(
    tmp_path: Path, capsys: Captured
) -> None:
    where = ["--store", str(tmp_path / "none")]
    for arguments in (
        ["ls"],
        ["show", "x"],
        ["why", "x"],
        ["lineage", "x"],
        ["export", "--source", "x", "--to", str(tmp_path / "y")],
        ["verify"],
        ["gc"],
        ["sql", "select 1"],
    ):
        assert main(["pool", *arguments, *where]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: store: ")
        assert "is not there" in error
        assert len(error.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["flipped", "short", "gone"])
def test_what_reads_a_damaged_shard_says_so_in_one_line_and_writes_nothing(
    damage: str, copied: Store, tmp_path: Path, capsys: Captured
) -> None:
    path = next(iter(copied.tables("sample")))
    key = path.split("/")[2]
    source = manifests(copied, "sample")[f"steps/sample/{key}"]["config"]["source"]
    file = copied.path / path
    content = bytearray(file.read_bytes())
    content[500] ^= 4
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(content if damage == "flipped" else content[:600])
    target = str(tmp_path / "out")
    asking = [["show", f"{key[:12]}-00000003"], ["export", "--source", source, "--to", target]]
    # a query takes no checksums
    asking += [["sql", "select max(seed) from pool"]] if damage != "flipped" else []
    for arguments in asking:
        assert main(["pool", *arguments, "--store", str(copied.path)]) != 0
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        assert len(said.splitlines()) == 1
    assert {file.name for file in tmp_path.iterdir()} == {"store"}


def evaluated(store: Written, generator: str, select: str | None) -> Result:
    """Add an evaluate step of a generator at iteration 2 of the arm `own`."""
    inputs: dict[str, tuple[str, ...]] = {"training_set": (select,)} if select else {}
    step = Step("evaluate", "evaluation", {"source": generator, "iteration": 2}, inputs)
    write_manifest(store.storage, step, [], started=0.0, seconds=1.0)
    return Result("own", 2, generator, [], step=step.path)


def test_a_generator_is_asked_for_only_where_training_sets_differ(tmp_path: Path) -> None:
    store = Written(Storage(str(tmp_path)))
    sample = store.sample("real", 0, 6)
    one, two = store.select([sample], [0, 1]), store.select([sample], [4, 5])
    results = [
        evaluated(store, "ddpm", one),
        evaluated(store, "edm", two),
        evaluated(store, "web", None),
    ]
    write_outcome(
        store.storage, "experiments/a-1", Outcome("a", "finished", 0, {"own": {}}, results)
    )
    store.named("a-1", [result.step for result in results])
    (run,) = named_runs(store.storage)
    assert run.state()["results"] == [asdict(result) for result in results]

    def asked(generator: str | None) -> str:
        return training_set(store.contents(), run, "own", 2, generator)

    assert (asked("ddpm"), asked("edm")) == (one, two)
    with pytest.raises(UserError, match="generator: not given, but ddpm, edm have training sets"):
        asked(None)
    with pytest.raises(UserError, match=r"run a-1: none of these generators is trained in it"):
        asked("web")
    with pytest.raises(UserError, match="generator: found 'gan'; allowed are ddpm, edm, web in"):
        asked("gan")
