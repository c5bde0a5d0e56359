from dataclasses import replace
from io import StringIO

from rich.console import Console

from orchestrator.analysis.records import records
from orchestrator.outcome import Sweep
from orchestrator.sweep.table import interval, print_table
from tests.orchestrator.report.samples import sweep


def printed(found: Sweep) -> str:
    console = Console(file=StringIO(), width=200)
    print_table(console, found)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_an_interval_needs_two_values() -> None:
    def of(*values: float) -> str:
        key = ("frechet_distance", "samples")
        return interval([r for r in records(sweep({"1": list(values)})) if r.key == key])

    assert interval([]) == ""
    assert of(1.0) == "1.00"
    assert of(1.0, 3.0) == "2.00 ± 12.71"  # t = 12.706 with one degree of freedom


def test_measures_on_equally_many_rows_take_the_place_of_those_that_are_not() -> None:
    found = sweep({"0.2": [9.0], "0.5": [4.0]})
    assert "rows" not in printed(found)
    for trial in found.trials:
        measures = trial.results[0].measures
        rows = {"0.2": 51, "0.5": 128}[trial.point["selection.ratio"]]
        measures[0] = replace(measures[0], n=rows)
        equal = replace(measures[0], value=7.25, n=51, settings={"subsamples": 16})
        measures.append(replace(equal, metric="entropy_at_equal_n"))
    text = printed(found)
    assert "on 51 rows" in text
    assert text.count("7.25") == 2
    assert "measured on other sets" not in text
