"""Every number of a run or a sweep as one tidy table: a row for each number, with its card."""

import json
from dataclasses import asdict

import pandas as pd

from orchestrator.analysis.records import records
from orchestrator.outcome import Outcome, Sweep

# its file in the folder of a run or sweep
TABLE = "results.parquet"


def table(work: Outcome | Sweep) -> pd.DataFrame:
    """Return the numbers of a run or a sweep.

    Columns: run (its name), trial (its id), point (its name), seed, arm, iteration, generator, then
    the fields of `actors.metrics.base.Measure`, with settings as JSON, and card: two numbers
    with the same text there may be compared.
    """
    return pd.DataFrame(
        {
            "run": work.name,
            "trial": record.trial or None,
            "point": record.series if record.trial else None,
            "seed": record.seed,
            "arm": record.arm,
            "iteration": record.iteration,
            "generator": record.generator,
            **asdict(record.measure),
            "settings": json.dumps(record.measure.settings, sort_keys=True),
            "card": record.card,
        }
        for record in records(work)
    )
