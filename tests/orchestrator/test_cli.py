import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli import main
from tests.runs import ROOT, TINY, call


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--help"], "--selection.ratio 0.4"),
        (["--version"], "ouroboros 0."),
        (["run", "--help"], "--selection.ratio 0.4"),
        (["plan", "x.yaml", "-h"], "--selection.ratio 0.4"),
        (["sweep", "--help"], "--fail-fast"),
        (["report", "--help"], "RUN_OR_SWEEP"),
        (["pool", "--help"], "lineage"),
        (["pool", "export", "--help"], "--source ddpm --iteration 2 --to samples"),
    ],
)
def test_help_loads_no_heavy_library(arguments: list[str], shown: str) -> None:
    code = (
        "import sys\nfrom orchestrator.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit as end: assert end.code == 0\n"
        "heavy = {'torch', 'ray', 'mlflow', 'numpy', 'pydantic', 'pyarrow'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown in done.stdout


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["--selection.ratio", "2"], "selection.ratio: found 2; input should be less than or"),
        (["--selection.ratio=0"], "selection.ratio: found 0; input should be greater than 0"),
        (["--iterations", "0"], "iterations: found 0"),
        (["--iterations"], "--iterations: no value"),
        (["spurious"], "'spurious': unexpected; fields are given as --field.path VALUE"),
        (["--itrations", "2"], "itrations: unknown field; did you mean iterations?"),
        (
            ["--generators.edm.resources.cpus", "4096"],
            "generators.edm.resources.cpus: found 4096; allowed are up to",
        ),
        (
            ["--generators.edm.resources.gpus", "64"],
            "generators.edm: resources.gpus: found 64; allowed are up to",
        ),
        (["--name", "a b"], "name: found 'a b'; not a plain name"),
    ],
)
def test_a_mistake_is_one_line_and_status_2_before_any_work(
    overrides: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    for command in ("run", "plan"):
        assert main([command, str(TINY), "--store", str(store), *overrides]) == 2
        error = capsys.readouterr().err
        assert len(error.splitlines()) == 1
        assert error.startswith(f"error: {message}")
    assert not store.exists()


def test_a_store_that_cannot_be_written_is_refused_before_any_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", str(TINY), "--store", "/proc/x"]) == 2
    assert capsys.readouterr().err.startswith("error: store: '/proc/x' cannot be written")


def test_the_process_of_a_mistake_ends_with_status_2_and_no_traceback() -> None:
    done = call("run", str(TINY), "--selection.ratio", "2")
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_plan_counts_steps_actors_rows_and_bytes_and_starts_no_ray(tmp_path: Path) -> None:
    done = call("plan", str(TINY), "--store", str(tmp_path), LOKY_MAX_CPU_COUNT="2")
    assert done.returncode == 0, done.stderr
    # 2 real splits, and 2 generators once in iteration 1 and for each arm in iteration 2
    for row in (
        "sample 8 0 8",
        "train 6 0 6",
        "select 3 0 3",
        "order 1 0 1",
        "total 24 0 24",
        "1 0 2 pool, selection, ddpm, evaluation, edm",
    ):
        assert row in " ".join(done.stdout.replace("│", " ").split())
    # 128 real rows and 6 times 48 samples
    assert "will hold 416 rows" in done.stdout
    assert not (tmp_path / "mlflow.db").exists()


def test_a_cluster_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = call("run", str(TINY), "--store", str(tmp_path), RAY_ADDRESS="127.0.0.1:1")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        "error: RAY_ADDRESS: no cluster answers at '127.0.0.1:1'"
    )


def test_an_mlflow_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = call(
        "run", str(TINY), "--store", str(tmp_path), MLFLOW_TRACKING_URI="http://127.0.0.1:9"
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        "error: MLFLOW_TRACKING_URI: 'http://127.0.0.1:9' does not answer as an MLflow store"
    )


def test_the_installed_command_is_the_module() -> None:
    program = Path(sys.executable).parent / "ouroboros"
    by_name, by_module = (
        subprocess.run(
            line, cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ
        ).stdout
        for line in ([str(program), "--help"], [sys.executable, "-m", "orchestrator", "--help"])
    )
    assert by_name == by_module


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "x", "--field", "1"], "'--field': unexpected; allowed are RUN_OR_SWEEP"),
        (["pool", "ls", "--json"], "'--json': unexpected; allowed are what `ouroboros pool ls"),
        (["why", "a", "b", "--selection", "c"], "'b': unexpected; allowed are SAMPLE_ID"),
        (["sweep", "none.yaml", "--trials"], "--trials: no value"),
    ],
)
def test_what_a_command_does_not_take_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {message}")
    assert len(error.splitlines()) == 1
