import csv
import html
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from actors.errors import UserError
from actors.plots.figure import file_names
from actors.pool.format import mark_format
from actors.pool.storage import Storage
from orchestrator.named_runs import find_runs
from orchestrator.outcome import Outcome, Sweep, trial_folder, write_outcome, write_sweep
from orchestrator.report import read, render, write_report
from orchestrator.report.sections import figures
from tests.orchestrator.conftest import FinishedRun
from tests.orchestrator.report.samples import ROWS, run, sweep

FOLDER = "experiments/known-01234567"


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    storage = Storage(str(tmp_path / "store"))
    mark_format(storage)
    return storage


class Text(HTMLParser):
    """The text of a page, and what it asks for from elsewhere."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.asked, self.tags = "", list[str](), set[str]()
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset") and value:
                self.asked.append(value)


def everything() -> list[Outcome | Sweep]:
    ratios = sweep({"0.2": [9.0, 9.5], "0.5": [4.0, 4.1], "0.8": [7.0, 7.1]})
    return [run(), run(greedy=7), ratios, replace(ratios, trials=[]), replace(run(), results=[])]


@pytest.mark.parametrize("found", everything())
def test_a_page_asks_for_nothing_and_runs_nothing(found: Outcome | Sweep, storage: Storage) -> None:
    page = Text(render(found, storage))
    assert all(one.startswith(("data:", "#")) for one in page.asked)
    assert "script" not in page.tags


def test_a_page_says_at_its_top_that_a_run_is_unfinished(storage: Storage) -> None:
    text = Text(render(run(status="interrupted"), storage)).text
    assert text.index("Unfinished (interrupted)") < text.index("Over the iterations")
    assert "Unfinished" not in Text(render(run(), storage)).text


def test_names_and_errors_are_escaped(storage: Storage) -> None:
    bad = "<img src=http://x>"
    failed = Outcome(
        bad, "failed", 7, error=f"field: {bad}", id="z", point={"selection.ratio": "0.9"}
    )
    ratios = sweep({"0.2": [9.0], "0.5": [4.0]})
    page = render(replace(ratios, trials=[*ratios.trials, failed]), storage)
    assert bad not in page
    assert f"field: {bad}" in Text(page).text


def test_a_caption_says_which_numbers_are_not_comparable() -> None:
    (entropy,) = [f for f in figures(run(greedy=7)) if f.name == "entropy-training_set"]
    assert "greedy at 2 to 3 (n 7)" in entropy.caption
    assert f"n {ROWS}" in entropy.caption
    assert [row["iteration"] for row in entropy.rows if not row["comparable"]] == [2, 3]
    (same,) = [f for f in figures(run()) if f.name == "entropy-training_set"]
    assert "comparable" not in same.caption


def test_the_correlation_is_that_of_scipy_over_distinct_points() -> None:
    (figure,) = [f for f in figures(run()) if f.name == "entropy-against-log-gs"]
    points = sorted({(row["entropy"], row["log_gs"]) for row in figure.rows})
    expected = stats.pearsonr(*np.array(points).T)
    assert f"r = {expected.statistic:.2g} over {len(points)} distinct points" in figure.caption


def test_the_optimum_of_a_ratio_curve_is_told() -> None:
    (curve,) = [
        f
        for f in figures(sweep({"0.2": [9.0, 9.5], "0.5": [4.0, 4.1], "0.8": [7.0, 7.1]}))
        if f.name == "frechet_distance-samples-by-selection.ratio"
    ]
    assert "lowest at selection.ratio 0.5, inside the range, too few seeds" in curve.caption
    assert "95 % t-interval over 2 seeds" in curve.caption


def test_files_of_a_figure_hold_what_is_drawn(storage: Storage, tmp_path: Path) -> None:
    write_outcome(storage, FOLDER, run())
    folder = tmp_path / "figures"
    write_report(storage, FOLDER, None, folder)
    names = {file.stem for file in folder.iterdir()}
    assert {f"{name}{end}" for name in names for end in (".png", ".svg", ".csv")} == {
        file.name for file in folder.iterdir()
    }
    with (folder / "frechet_distance-samples.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["series"] == "vanilla"]
    assert [float(row["value"]) for row in rows] == [5.0, 9.0, 13.0]
    for name in names:
        ElementTree.parse(folder / f"{name}.svg")
        with Image.open(folder / f"{name}.png") as picture:
            assert picture.size > (100, 100)


def test_a_report_is_made_again_over_the_one_before(storage: Storage, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    for status in ("running", "finished"):
        write_outcome(storage, FOLDER, run(status=status))
        write_report(storage, FOLDER, out, tmp_path / "figures")
    assert "Unfinished" not in out.read_text()
    assert {p.name for p in tmp_path.iterdir()} == {"store", "report.html", "figures"}


def test_a_page_that_cannot_be_written_is_refused_before_anything_is_drawn(
    storage: Storage, tmp_path: Path
) -> None:
    write_outcome(storage, FOLDER, run())
    with pytest.raises(UserError, match=r"--out: the folder .*nowhere"):
        write_report(storage, FOLDER, tmp_path / "nowhere" / "report.html", None)


def test_runs_are_found_by_name_key_and_folder_the_newest_first(storage: Storage) -> None:
    write_outcome(storage, "experiments/known-aaaaaaaa", run())
    write_outcome(storage, FOLDER, run())
    for name in ("known", "known-01234567", FOLDER, f"{storage.uri}/{FOLDER}/"):
        assert find_runs(storage, name, "RUN")[0].folder == FOLDER
    folders = [run.folder for run in find_runs(storage, "known", "RUN")]
    assert folders == [FOLDER, "experiments/known-aaaaaaaa"]
    with pytest.raises(UserError, match=r"no run or sweep 'knwon'.*nearest are known"):
        find_runs(storage, "knwon", "RUN")


def test_a_sweep_is_read_from_its_files(storage: Storage) -> None:
    ratios = sweep({"0.2": [9.0], "0.5": [4.0], "0.8": [7.0]})
    write_sweep(storage, "sweeps/ratio-01234567", ratios)
    for trial in ratios.trials:
        write_outcome(storage, trial_folder("sweeps/ratio-01234567", trial.id), trial)
    found = read(storage, find_runs(storage, "ratio", "RUN")[0].folder)
    assert isinstance(found, Sweep)
    assert found == ratios


def test_a_finished_run_has_every_part_in_its_page(finished: FinishedRun, tmp_path: Path) -> None:
    store = shutil.copytree(finished.store.path, tmp_path / "copy")
    out = tmp_path / "report.html"
    copy = Storage(str(store))
    write_report(copy, find_runs(copy, "tiny", "RUN")[0].folder, out, None)
    page = out.read_text()
    titles = [html.unescape(title) for title in re.findall(r"<h2>(.*?)</h2>", page)]
    assert titles == [
        "How to read this",
        "Over the iterations",
        "Every other measure",
        "Does entropy follow generalization?",
        "Sources of the training sets",
        "Contamination",
        "Samples over the iterations",
        "Samples beside their nearest training image",
        "Real and generated rows on two principal components",
        "Beside the paper's numbers",
        "Every number with its card",
    ]
    for result in finished.store.results():
        assert result["metric"] in page
    assert len(page) < 5e6


def test_files_have_names_of_their_own_that_are_safe_as_paths() -> None:
    figure = figures(run())[0]
    odd = [replace(figure, name=name) for name in ("../a/b", "a b", "a,b", "x" * 500)]
    assert list(file_names(odd)) == ["a-b", "a-b-2", "a-b-3", "x" * 120]


def test_alarms_and_trials_that_did_not_end_well_are_told(storage: Storage) -> None:
    event = {
        "arm": "greedy",
        "iteration": 2,
        "alarm": "low",
        "cause": "entropy 3 below 4",
        "action": {"kind": "top_up", "rows": 5},
    }
    text = Text(render(replace(run(), alarms=[event]), storage)).text
    assert "entropy 3 below 4" in text
    assert "top up 5" in text
    ratios = sweep({"0.2": [9.0], "0.5": [4.0]})
    stopped = replace(ratios.trials[0], status="stopped")
    assert "Trials stopped early" in Text(render(replace(ratios, trials=[stopped]), storage)).text
