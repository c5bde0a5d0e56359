import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from actors.curation import outputs
from actors.selection import greedy
from orchestrator.cli import main
from tests.actors.data.inputs import features, images, parquet
from tests.runs import ROOT, call, start

X = features(60)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with an input of every kind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    images(tmp_path / "photos", count=12)
    np.save(tmp_path / "x.npy", X)
    parquet(
        tmp_path / "x.parquet",
        X,
        id=[f"r{i}" for i in range(60)],
        source=["edm", "real"] * 30,
        word=["w"] * 60,
        same=[1] * 60,
    )
    return tmp_path


def ok(*arguments: str) -> None:
    assert main(["curate", *arguments]) == 0


def mistake(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the one line that a mistake gives."""
    capsys.readouterr()
    assert main(list(arguments)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line.removeprefix("error: ")


def test_a_table_of_all_candidates_says_what_was_kept_and_how(here: Path) -> None:
    ok("x.parquet", "--rows", "20", "--seed", "3", "--out", "kept.parquet")
    table = pq.read_table("kept.parquet")
    chosen = greedy(X, 20, seed=3).positions
    assert table["id"].to_pylist()[:20] == [f"r{i}" for i in chosen]
    assert table.num_rows == 60
    assert table["source"].to_pylist()[0] == ["edm", "real"][chosen[0] % 2]
    metadata = {k.decode(): json.loads(v) for k, v in table.schema.metadata.items()}
    assert metadata["seed"] == 3
    selection = {"kind": "greedy", "ratio": None, "trim": 0}
    assert metadata["configuration"]["selection"] == selection
    assert metadata["entropy"]["after"]["nats"] > metadata["entropy"]["before"]["nats"]
    assert metadata["entropy"]["after"]["n"] == metadata["entropy"]["before"]["n"] == 20


def test_the_same_request_gives_the_same_bytes(here: Path) -> None:
    for name in ("a", "b"):
        os.mkdir(name)
        os.chdir(name)
        ok("../x.npy", "--ratio", "0.4", "--out", "kept.parquet")
        os.chdir("..")
    assert Path("a/kept.parquet").read_bytes() == Path("b/kept.parquet").read_bytes()


@pytest.mark.parametrize("how", [[], ["--files", "copy"]])
def test_a_folder_of_images_gives_a_folder_with_the_kept_ones(how: list[str], here: Path) -> None:
    ok("photos", "--ratio", "0.5", "--out", "kept", *how)
    table = pq.read_table("kept/selection.parquet")
    kept = {row["id"] for row in table.to_pylist() if row["kept"]}
    placed = {p.relative_to("kept/images").as_posix() for p in Path("kept/images").rglob("*.png")}
    assert placed == kept
    assert len(kept) == 6
    assert all(Path("kept/images", n).is_symlink() == (not how) for n in placed)
    assert all(Image.open(f"kept/images/{name}").size == (4, 4) for name in placed)
    summary = json.loads(Path("kept/curation.json").read_text())
    assert summary["configuration"]["input"] == "photos"
    assert summary["figures"]["kept"] == 6
    assert {p.name for p in here.iterdir()} == {"photos", "x.npy", "x.parquet", "kept"}


def test_a_folder_for_vectors_has_the_table_and_the_figures(here: Path) -> None:
    ok("x.npy", "--ratio", "0.5", "--out", "kept")
    assert {p.name for p in Path("kept").iterdir()} == {"selection.parquet", "curation.json"}


def test_the_closing_table_compares_random_and_kept_rows(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ok("x.parquet", "--rows", "20", "--out", "kept.parquet")
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for part in (
        "rows 60 20",
        "exact duplicates 0 0",
        "share of edm 50.0%",
        "distance at the last pick",
        "largest distance to the nearest kept row",
        "entropy: of 20 random candidates, and of the kept rows",
        "took ",
        "peak memory of this process: ",
        "wrote kept.parquet",
    ):
        assert part in shown, part


def test_a_method_and_its_options_are_given_by_dotted_path(here: Path) -> None:
    options = ["--selection.kind", "threshold_decay", "--selection.initial_threshold", "3"]
    ok("x.npy", "--ratio", "0.5", "--out", "a.parquet", *options)
    ok("x.npy", "--selection.ratio", "0.5", "--method", "threshold_decay", "--out", "b.parquet",
       *options[2:])  # fmt: skip
    a, b = (pq.read_table(name) for name in ("a.parquet", "b.parquet"))
    assert a.equals(b)
    configuration = json.loads(a.schema.metadata[b"configuration"])
    assert configuration["selection"]["initial_threshold"] == 3


def test_text_that_looks_like_yaml_stays_text(here: Path) -> None:
    os.rename("x.parquet", "2024.parquet")
    ok("2024.parquet", "--rows", "5", "--out", "2025", "--id-column", "id")
    assert Path("2025").is_dir()


@pytest.mark.parametrize("method", ["greedy", "random"])
def test_reasons_are_not_looked_for_where_nobody_wants_them(method: str, here: Path) -> None:
    arguments = ("x.parquet", "--rows", "20", "--seed", "3", "--method", method)
    ok(*arguments, "--out", "kept.parquet")
    ok(*arguments, "--no-reasons", "--out", "bare.parquet", "--report", "bare.html")
    ok("photos", "--ratio", "0.5", "--no-reasons", "--out", "some", "--report", "some.html")
    kept, bare = pq.read_table("kept.parquet"), pq.read_table("bare.parquet")
    same = ["id", "kept", "rank", "source"]
    assert bare.select(same).to_pylist() == kept.select(same).to_pylist()
    assert bare[:20].to_pylist() == kept[:20].to_pylist()
    for column in ("distance", "covered_by"):
        assert bare[column][20:].null_count == 40
    assert set(bare["reason"][20:].to_pylist()) == {
        "left out; the picked row nearest to it was not looked for"
    }
    assert kept["covered_by"][20:].null_count == 0


@pytest.mark.parametrize("suffix", ["html", "png"])
def test_a_report_is_written_beside(suffix: str, here: Path) -> None:
    ok("photos", "--ratio", "0.5", "--out", "kept", "--report", f"r.{suffix}")
    assert Path(f"r.{suffix}").stat().st_size > 10_000


def test_broken_images_are_skipped_and_listed_when_asked(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "photos" / "a" / "bad.png").write_text("no image")
    request = ["photos", "--ratio", "0.5", "--out", "kept"]
    assert "a/bad.png: it cannot be decoded" in mistake(capsys, "curate", *request)
    ok(*request, "--skip-bad")
    assert "images that cannot be decoded, left out: 1" in capsys.readouterr().out
    assert json.loads(Path("kept/curation.json").read_text())["skipped"][0].startswith("a/bad.png")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("x.npy --rows 0", "rows: found 0; input should be greater than or equal to 1"),
        ("x.npy --rows 61", "rows: found 61; allowed are 1 to 60, the rows of the input"),
        ("x.npy --rows 2.5", "rows: found 2.5; input should be a valid integer"),
        ("x.npy --ratio 0", "selection.ratio: found 0; input should be greater than 0"),
        ("x.npy --ratio 1.5", "selection.ratio: found 1.5; input should be less than or equal"),
        ("x.npy --ratio half", "selection.ratio: found 'half'; input should be a valid number"),
        ("x.npy --rows 3 --selection.trim 0.1", "selection.trim: found 0.1; allowed is 0, as only"),
        ("x.npy", "selection.ratio, rows: neither is given; allowed is exactly one of them"),
        ("x.npy --rows 3 --ratio 0.5", "selection.ratio, rows: both are given; allowed is exactly"),
        ("x.npy --rows 3 --method best", "selection.kind: found 'best'; allowed are 'random'"),
        ("x.npy --rows 3 --selection.decay 2", "selection.decay: unknown field"),
        ("x.npy --rows 3 --seed -1", "seed: found -1"),
        ("x.npy --rows 3 --shards 0", "shards: found 0"),
        ("x.npy --rows 3 --shards 61", "shards: found 61; allowed are up to 60, the rows"),
        ("x.npy --rows 3 --shards 2 --method random", "shards: found 2, but selection.kind is ran"),
        ("x.npy --rows 3 --report a.pdf", "report: found 'a.pdf'; allowed is a name that ends in"),
        ("x.npy --rows 3 --report x.npy.png --report no/a.png", "report: the folder '"),
        ("x.npy --rows 3 --files link", "files: found 'link', but the input is no folder of im"),
        ("x.npy --rows 3 --files move", "files: found 'move'; input should be 'link' or 'copy'"),
        ("x.npy --rows 3 --image-size 4", "image_size: found 4, but the input is a NumPy file"),
        ("x.npy --rows 3 spurious", "'spurious': unexpected; fields are given as --field.path"),
        ("missing --rows 3", "input: 'missing' is not there"),
        ("photos --rows 3 --features.kind pca", "features.kind: found 'pca', which is fitted on"),
        (
            "photos --rows 3 --features.kind dinov2 --features.weights gone",
            "features.weights: '",
        ),
        ("x.parquet --rows 3 --column z", "column: no column 'z' in 'x.parquet'; there are emb"),
        ("x.parquet --rows 3 --id-column same", "input: the id '1' names 60 rows"),
    ],
)
def test_a_mistake_is_one_line_and_status_2_and_leaves_nothing(
    arguments: str, message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name for path in here.iterdir()}
    assert mistake(capsys, "curate", *arguments.split(), "--out", "out").startswith(message)
    assert {path.name for path in here.iterdir()} == before


def test_the_output_must_be_named_and_new(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    request = ["curate", "x.npy", "--rows", "3"]
    assert mistake(capsys, *request).startswith("out: missing; it must be given")
    assert mistake(capsys, *request, "--out", "photos").startswith("out: 'photos' exists")
    assert mistake(capsys, *request, "--out", "no/out").startswith("out: the folder '")
    found = mistake(capsys, *request, "--out", "a.parquet", "--files", "copy")
    assert found.startswith("files: found 'copy', but out is a table")


def test_rows_that_are_not_finite_are_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoiled = X.copy()
    spoiled[7, 1] = np.inf
    np.save("bad.npy", spoiled)
    said = mistake(capsys, "curate", "bad.npy", "--rows", "3", "--out", "out")
    assert said == "input: row 7 (1 in all) hold NaN or infinity as float32"


def test_an_interrupted_curation_leaves_nothing(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(outputs, "place", interrupt)
    assert main(["curate", "photos", "--ratio", "0.5", "--out", "kept", "--report", "r.png"]) == 130
    assert "interrupted; nothing was written" in capsys.readouterr().err
    assert {path.name for path in here.iterdir()} == {"photos", "x.npy", "x.parquet"}


def test_why_tells_the_reason_of_a_row_or_names_near_ones(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ok("x.parquet", "--rows", "20", "--out", "kept.parquet")
    rows = pq.read_table("kept.parquet").to_pylist()
    for row in (rows[0], rows[5], rows[-1]):
        capsys.readouterr()
        assert main(["why", row["id"], "--selection", "kept.parquet"]) == 0
        assert capsys.readouterr().out == f"{row['id']}: {row['reason']}\n"
    said = mistake(capsys, "why", "R59", "--selection", "kept.parquet")
    assert said == "SAMPLE_ID: no candidate of 'kept.parquet' is named 'R59'; did you mean 'r59'?"
    said = mistake(capsys, "why", "r1", "--selection", "kept.parquet", "--seed", "1")
    assert said == "'--seed': unexpected; allowed are SAMPLE_ID --selection PATH"


@pytest.mark.parametrize("arguments", [["curate", "--help"], ["why", "x", "--help"]])
def test_help_loads_no_heavy_library(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom orchestrator.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit as end: assert end.code == 0\n"
        "heavy = {'torch', 'ray', 'numpy', 'pydantic', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "ouroboros curate" in shown.stdout


def test_a_process_ends_with_status_2_and_no_traceback(here: Path) -> None:
    done = call("curate", str(here / "x.npy"), "--ratio", "2", "--out", str(here / "out"))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_a_terminated_process_leaves_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", features(60_000, 64))
    request = [str(tmp_path / "x.npy"), "--ratio", "0.5", "--out", str(tmp_path / "out")]
    running = start("curate", *request)
    assert running.stdout is not None
    try:
        for line in running.stdout:
            if line.startswith("read:"):
                break
        running.send_signal(signal.SIGTERM)
        output, _ = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 128 + signal.SIGTERM, output
    assert "interrupted; nothing was written" in output
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]
