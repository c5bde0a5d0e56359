"""The loop end to end, on a Ray of its own."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from actors.pool.storage import Storage
from tests.orchestrator.conftest import FinishedRun
from tests.runs import TINY, Store, call


def images(table: pa.Table) -> np.ndarray:
    return table["image"].combine_chunks().to_numpy_ndarray()


def test_the_closing_lines_compare_the_arms_and_say_where_everything_is(
    finished: FinishedRun,
) -> None:
    assert re.search(
        r"Training-set entropy at iteration \d, in nats: (greedy|vanilla) .*; one seed, no verdict",
        finished.output,
    )
    assert f"pool:    {finished.store.path}/steps" in finished.output
    assert f"mlflow server --backend-store-uri sqlite:///{finished.store.path}/mlflow.db" in (
        finished.output
    )
    (resolved,) = finished.store.path.glob("experiments/tiny-*/config.yaml")
    assert yaml.safe_load(resolved.read_text())["selection"]["ratio"] == 0.5


def test_every_row_has_its_provenance_and_no_id_comes_twice(finished: FinishedRun) -> None:
    rows = pa.concat_tables(
        [table.drop(["image"]) for table in finished.store.tables("sample").values()],
        promote_options="permissive",
    ).to_pandas()
    assert not rows["sample_id"].duplicated().any()
    counts = rows.groupby(["source", "iteration"], observed=True).size().to_dict()
    # iteration 1 is shared by both arms, iteration 2 is each arm's own
    assert counts == {
        ("real", 0): 128,
        ("ddpm", 1): 48,
        ("edm", 1): 48,
        ("ddpm", 2): 96,
        ("edm", 2): 96,
    }
    assert rows["label"].notna().all()
    made = rows[rows["source"] != "real"]
    numbers = made["sample_id"].str.rpartition("-")[2].astype(int)
    assert (made["label"] == numbers % 10).all()


def test_greedy_distances_fall_with_the_rank_and_are_those_between_the_images(
    finished: FinishedRun,
) -> None:
    samples = pa.concat_tables(
        [t.select(["sample_id", "image"]) for t in finished.store.tables("sample").values()]
    )
    where = {name: row for row, name in enumerate(samples["sample_id"].to_pylist())}
    pixels = images(samples).reshape(len(samples), -1) / 127.5 - 1
    selections = finished.store.tables("select", "selection.arrow").values()
    (greedy,) = [t for t in selections if t["distance"].null_count < len(t)]
    chosen = pixels[[where[name] for name in greedy["sample_id"].to_pylist()]]
    distance = greedy["distance"].to_numpy()
    assert len(greedy) == 48
    assert (np.diff(distance[1:]) <= 0).all()
    for rank in (1, 20, 47):
        nearest = np.linalg.norm(chosen[:rank] - chosen[rank], axis=1).min()
        assert distance[rank] == pytest.approx(nearest, rel=1e-5)


def test_running_again_does_nothing_and_prints_the_same_table(finished: FinishedRun) -> None:
    files = {f: f.stat().st_mtime_ns for f in (finished.store.path / "steps").rglob("*")}
    again = call("run", str(TINY), "--store", str(finished.store.path))
    assert again.returncode == 0
    assert "0 to do" in again.stdout
    assert table_of(again.stdout) == table_of(finished.output)
    assert {f: f.stat().st_mtime_ns for f in (finished.store.path / "steps").rglob("*")} == files


def table_of(output: str) -> str:
    return output[output.index("Training sets") :]


def test_everything_listens_on_loopback_only(finished: FinishedRun) -> None:
    assert finished.addresses == {"127.0.0.1"}


@pytest.mark.soak
def test_another_batch_size_makes_the_same_samples_up_to_rounding(
    finished: FinishedRun, tmp_path: Path
) -> None:
    batch = [f"--generators.{name}.sampling.batch_size=5" for name in ("ddpm", "edm")]
    done = call("run", str(TINY), "--store", str(tmp_path), "--iterations", "1", *batch)
    assert done.returncode == 0, done.stderr
    expected = finished.store.tables("sample")
    for path, table in Store(tmp_path).tables("sample").items():
        assert table["sample_id"].equals(expected[path]["sample_id"])
        assert np.abs(images(table).astype(int) - images(expected[path])).max() <= 1


def record_again(store: Path, path: str) -> None:
    """Make a changed file count as what its step wrote."""
    manifest = store / "/".join(path.split("/")[:3]) / "step.json"
    written = json.loads(manifest.read_text())
    changed = Storage(str(store)).record(path).as_json()
    written["files"] = [changed if one["path"] == path else one for one in written["files"]]
    manifest.write_text(json.dumps(written))


def test_samples_that_are_not_finite_stop_the_step_and_stay_out_of_the_pool(
    finished: FinishedRun, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(finished.store.path / "steps", store / "steps")
    shutil.copy(finished.store.path / "store.json", store)
    for folder in (store / "steps" / "sample").iterdir():
        manifest = yaml.safe_load((folder / "step.json").read_text())
        if manifest["config"].get("source") == "edm" and manifest["config"]["iteration"] == 1:
            shutil.rmtree(folder)
            checkpoint = store / manifest["inputs"]["checkpoint"][0] / "checkpoint" / "unet"
            (weights,) = checkpoint.glob("*.safetensors")
            broken = {k: torch.full_like(v, torch.nan) for k, v in load_file(weights).items()}
            save_file(broken, weights, metadata={"format": "pt"})
            record_again(store, str(weights.relative_to(store)))
            step = folder
    done = call("run", str(TINY), "--store", str(store))
    assert done.returncode == 1
    assert (
        "error: sample edm, iteration 1 of vanilla and greedy: generator 'edm', iteration 1: "
        in (done.stderr)
    )
    # whichever range was sampled first
    assert re.search(r"16 of the samples \d+ to \d+ contain NaN or infinity", done.stderr)
    assert "Traceback" not in done.stderr
    assert not list(step.glob("*"))
