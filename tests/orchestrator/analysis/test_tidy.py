import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy import stats

from orchestrator.analysis.tidy import table
from tests.orchestrator.report.samples import run, sweep

RATIOS = {"0.2": [9.0, 5.0, 7.0], "0.5": [4.0, 2.0, 3.0]}


def test_every_number_of_a_run_is_a_row_with_its_card() -> None:
    finished = run(greedy=7)
    numbers = table(finished)
    assert len(numbers) == sum(len(result.measures) for result in finished.results)
    frechet = numbers[numbers["metric"] == "frechet_distance"].set_index(["arm", "iteration"])
    assert frechet["value"]["vanilla", 3] == 13.0
    assert frechet["reference_n"].unique() == [80]
    entropy = numbers[numbers["metric"] == "entropy"]
    # the later training sets of one arm have fewer rows, and another card
    assert set(entropy.groupby("card")["n"].unique().map(list).map(tuple)) == {(64,), (7,)}
    assert numbers["trial"].isna().all()


def test_the_means_of_a_sweep_over_its_seeds_follow_from_its_table(tmp_path: Path) -> None:
    file = tmp_path / "results.parquet"
    table(sweep(RATIOS)).to_parquet(file)
    numbers = pd.read_parquet(file)
    frechet = numbers[numbers["metric"] == "frechet_distance"]
    means = frechet.groupby("point")["value"].mean()
    assert means.to_dict() == {
        f"ratio={ratio}": pytest.approx(stats.describe(values).mean)
        for ratio, values in RATIOS.items()
    }
    assert sorted(frechet["seed"]) == [0, 0, 1, 1, 2, 2]
    assert all(json.loads(text) == {} for text in numbers["settings"])
    # of a measure without an interval there are no ends, and not a number that says so
    assert pq.read_table(file)["low"].null_count == len(numbers)
