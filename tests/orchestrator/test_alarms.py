from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from actors.errors import UserError
from actors.metrics.base import Measure
from orchestrator.alarms import Alarm, LowerRatio, lowered
from orchestrator.deciding import cause_of
from orchestrator.plan import AlarmEvent, Plan
from orchestrator.planning import make_plan
from orchestrator.results import Result
from tests.orchestrator.test_config import load


def alarm(**fields: Any) -> Alarm:
    return Alarm.model_validate({"action": {"kind": "stop"}, **fields})


def history(*values: float, n: int = 100) -> list[tuple[int, float]]:
    return [(n, value) for value in values]


def test_entropy_goes_off_below_its_threshold_and_a_rate_above() -> None:
    low = alarm(measure="entropy", threshold=10)
    assert low.cause(history(30, 10)) is None
    assert low.cause(history(30, 9.9)) == "entropy 9.9 nats is below 10"
    copied = alarm(measure="memorization_rate", threshold=0.5)
    assert copied.cause(history(0.9, 0.5)) is None
    assert copied.cause(history(0.1, 0.6)) == "memorization_rate 0.6 of samples is above 0.5"


def test_a_trend_is_the_slope_of_the_least_squares_line_over_the_last_iterations() -> None:
    falling = alarm(measure="entropy", trend=5, over=3)
    assert falling.cause(history(0, -100)) is None  # too few
    values = [50.0, 20.0, 16.0, 4.0]
    slope = np.linalg.lstsq(
        np.column_stack([np.arange(3), np.ones(3)]), np.array(values[1:]), rcond=None
    )[0][0]
    assert falling.cause(history(*values)) == (
        f"entropy falls by {-slope:.3g} nats per iteration over 3 iterations, to 4, more than 5"
    )
    assert falling.cause(history(50, 20, 16, 15)) is None
    assert falling.cause(history(4, 16, 50)) is None  # it rises
    rising = alarm(measure="memorization_rate", trend=0.1, over=2)
    assert rising.cause(history(0.1, 0.3)) is not None
    assert rising.cause(history(0.3, 0.1)) is None


def test_sets_of_different_sizes_make_no_trend() -> None:
    falling = alarm(measure="entropy", trend=1, over=2)
    assert falling.cause([(100, 50), (80, 10)]) is None
    assert falling.cause([(100, 50), (80, 10), (80, 5)]) is not None


def test_rates_against_training_sets_of_other_sizes_make_no_trend() -> None:
    def rates(*sizes: int) -> list[Result]:
        rate = Measure("memorization_rate", "samples", 0.0, "share", "pixels", 80)
        return [
            Result("main", n, "a", [replace(rate, value=0.3 * n, reference_n=size)])
            for n, size in enumerate(sizes, 1)
        ]

    rising = alarm(measure="memorization_rate", trend=0.1, over=2)
    assert cause_of(rising, rates(40, 40)) is not None
    assert cause_of(rising, rates(40, 20)) is None


def test_one_of_threshold_and_trend_is_asked_for() -> None:
    for fields in ({}, {"threshold": 1, "trend": 1}):
        with pytest.raises(ValueError, match="allowed is one of the two"):
            alarm(measure="entropy", **fields)


def test_a_ratio_is_lowered_at_every_alarm_down_to_the_least_and_never_raised() -> None:
    halve = LowerRatio(kind="lower_ratio", factor=0.5, least=0.15)
    come_to = [lowered(0.8, [halve] * alarms) for alarms in range(5)]
    assert come_to == [0.8, 0.4, 0.2, 0.15, 0.15]
    assert lowered(0.1, [halve]) == 0.1
    assert lowered(None, [halve]) is None


def test_training_sets_keep_their_rows_however_often_the_ratio_is_lowered() -> None:
    action = {"kind": "lower_ratio", "factor": 0.1, "least": 0.25}
    low = {"measure": "entropy", "threshold": 1e6, "action": action}
    experiment = load(("arms", {}), ("iterations", 5), ("alarms.low", low))

    def always(plan: Plan, arm: str, iteration: int) -> list[AlarmEvent]:
        return [AlarmEvent(arm, iteration, "low", "as asked", action)]

    plan = make_plan(experiment, always)
    sampled = next(iter(experiment.generators.values())).sampling.rows
    rows = [one.candidates.rows for (_, i, _), one in sorted(plan.training_sets.items()) if i > 1]
    totals = [
        one.candidates.total for (_, i, _), one in sorted(plan.training_sets.items()) if i > 1
    ]
    assert totals[0] % sampled == 0
    assert rows == [total // 4 for total in totals]


def test_a_ratio_that_could_leave_too_few_rows_to_train_on_is_refused_before_the_run() -> None:
    low = {"measure": "entropy", "threshold": 1, "action": {"kind": "lower_ratio", "factor": 0.1}}
    with pytest.raises(
        UserError, match=r"alarms\.low\.action\.least: found 0\.1, with which the ra"
    ):
        load(("alarms.low", low))
    low["action"] = {"kind": "lower_ratio", "factor": 0.5, "least": 0.9}
    with pytest.raises(
        UserError, match=r"alarms\.low\.action\.least: found 0\.9; allowed is less t"
    ):
        load(("alarms.low", low))
