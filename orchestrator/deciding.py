"""Deciding which alarms went off, from the measures that are stored.

A decision is a function of stored measures alone, so a run that goes on decides as before.
"""

from collections.abc import Callable

from orchestrator.alarms import Alarm
from orchestrator.analysis.cards import card_of
from orchestrator.plan import AlarmEvent, Evaluation, Plan
from orchestrator.results import Result


def events_after(
    plan: Plan, arm: str, iteration: int, result_of: Callable[[Evaluation], Result | None]
) -> list[AlarmEvent] | None:
    """Return the alarms of an arm that went off after an iteration.

    Args:
        result_of: returns what was measured; None where it is not done.

    Returns:
        None where a measure up to that iteration is not there yet.
    """
    experiment = plan.arms[arm]
    if not experiment.alarms:
        return []
    results = []
    for key in plan.evaluations:
        if key[0] == arm:
            result = result_of(key)
            if result is None:
                return None
            results.append(result)
    return [
        AlarmEvent(arm, iteration, name, cause, alarm.action.model_dump(mode="json"))
        for name, alarm in experiment.alarms.items()
        if (cause := cause_of(alarm, results))
    ]


def cause_of(alarm: Alarm, results: list[Result]) -> str | None:
    """Return why an alarm goes off after the last iteration, for the first generator it does."""
    for generator in dict.fromkeys(result.generator for result in results):
        if alarm.generator not in (None, generator):
            continue
        cards = [
            result.measure(alarm.measure, alarm.metric.subjects[0])
            for result in sorted(results, key=lambda r: r.iteration)
            if result.generator == generator
        ]
        # a generator that is not trained has no training set to measure
        history = [
            (card_of(card, {}), card.value) for card in cards if card and card.value is not None
        ]
        if history and (cause := alarm.cause(history)):
            return f"{generator}: {cause}"
    return None
