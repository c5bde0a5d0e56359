"""The loop end to end, on a Ray of its own."""

import shutil
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from tests.orchestrator.conftest import FinishedRun
from tests.runs import TINY, Store, call, start


def images(table: pa.Table) -> np.ndarray:
    return table["image"].combine_chunks().to_numpy_ndarray()


def test_the_closing_lines_compare_the_arms_and_say_where_everything_is(
    finished: FinishedRun,
) -> None:
    assert "kept more entropy" in finished.output
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
    assert (rows["label"].notna() == (rows["source"] == "real")).all()


def test_greedy_distances_fall_with_the_rank_and_are_those_between_the_images(
    finished: FinishedRun,
) -> None:
    samples = pa.concat_tables(
        [t.select(["sample_id", "image"]) for t in finished.store.tables("sample").values()]
    )
    where = {name: row for row, name in enumerate(samples["sample_id"].to_pylist())}
    pixels = images(samples).reshape(len(samples), -1) / 127.5 - 1
    selections = finished.store.tables("select").values()
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


def test_everything_listens_on_loopback_only(tmp_path: Path) -> None:
    running = start("run", str(TINY), "--store", str(tmp_path))
    seen: set[str] = set()
    while running.poll() is None:
        try:
            family = [psutil.Process(running.pid)]
            family += family[0].children(recursive=True)
            connections = [c for p in family for c in p.net_connections("inet")]
        except psutil.Error:
            continue
        seen |= {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}
        time.sleep(0.2)
    assert running.wait() == 0
    assert seen
    assert {address.removeprefix("::ffff:") for address in seen} == {"127.0.0.1"}


def one_generator(tmp_path: Path) -> str:
    """Return the tiny experiment with only its DDPM, in one arm."""
    raw = yaml.safe_load(TINY.read_text())
    raw["generators"] = {"ddpm": raw["generators"]["ddpm"]}
    del raw["arms"]
    path = tmp_path / "one.yaml"
    path.write_text(yaml.safe_dump(raw))
    return str(path)


def test_two_sampling_workers_or_another_batch_size_make_the_same_samples(tmp_path: Path) -> None:
    config = one_generator(tmp_path)
    stores = {}
    for name, overrides in {
        "plain": [],
        "workers": ["--generators.ddpm.sampling.workers", "2"],
        "batch": ["--generators.ddpm.sampling.batch_size", "5", "--iterations", "1"],
    }.items():
        done = call("run", config, "--store", str(tmp_path / name), *overrides)
        assert done.returncode == 0, done.stderr
        stores[name] = Store(tmp_path / name)
    plain = stores["plain"].tables("sample")
    workers = stores["workers"].tables("sample")
    assert plain.keys() == workers.keys()
    for path in plain:
        assert (tmp_path / "plain" / path).read_bytes() == (
            tmp_path / "workers" / path
        ).read_bytes()
    assert stores["plain"].selected_ids() == stores["workers"].selected_ids()
    assert stores["plain"].results() == stores["workers"].results()
    for path, table in stores["batch"].tables("sample").items():
        assert table["sample_id"].equals(plain[path]["sample_id"])
        assert np.abs(images(table).astype(int) - images(plain[path])).max() <= 1


def test_samples_that_are_not_finite_stop_the_step_and_stay_out_of_the_pool(
    finished: FinishedRun, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(finished.store.path / "steps", store / "steps")
    for folder in (store / "steps" / "sample").iterdir():
        manifest = yaml.safe_load((folder / "step.json").read_text())
        if manifest["config"].get("source") == "edm" and manifest["config"]["iteration"] == 1:
            shutil.rmtree(folder)
            checkpoint = store / manifest["inputs"]["checkpoint"][0] / "checkpoint" / "unet"
            (weights,) = checkpoint.glob("*.safetensors")
            broken = {k: torch.full_like(v, torch.nan) for k, v in load_file(weights).items()}
            save_file(broken, weights, metadata={"format": "pt"})
            step = folder
    done = call("run", str(TINY), "--store", str(store))
    assert done.returncode == 1
    assert (
        "error: sample edm, iteration 1 of vanilla and greedy: generator 'edm', iteration 1: "
        in (done.stderr)
    )
    assert "16 of the samples 0 to 15 contain NaN or infinity" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(step.glob("*"))


def test_a_training_that_diverges_is_named_with_its_step(tmp_path: Path) -> None:
    config = one_generator(tmp_path)
    done = call(
        "run",
        config,
        "--store",
        str(tmp_path / "s"),
        "--generators.ddpm.training.learning_rate",
        "1e30",
    )
    assert done.returncode == 1
    assert "error: train ddpm, iteration 1 of main: " in done.stderr
    assert "at step 20 of 20 (learning_rate 1e+30)" in done.stderr
    assert "go on with:" in done.stderr
    assert not Store(tmp_path / "s").finished("train")
