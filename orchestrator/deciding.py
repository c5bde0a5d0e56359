"""Deciding which alarms went off, from the measures that are stored.

A decision is a function of stored measures alone, so a run that goes on decides as before.
"""

from actors.pool.storage import Storage
from orchestrator.alarms import WATCHED, Alarm
from orchestrator.analysis.cards import card_of
from orchestrator.plan import AlarmEvent, Decide, Plan
from orchestrator.results import Result, read_results


def decider(storage: Storage) -> Decide:
    """Return what tells the alarms of an iteration, None where its measures are not there yet."""

    def decide(plan: Plan, arm: str, iteration: int) -> list[AlarmEvent] | None:
        experiment = plan.arms[arm]
        if not experiment.alarms:
            return []
        wanted = {step.path for (name, _, _), step in plan.evaluations.items() if name == arm}
        results = [one for one in read_results(plan, storage, wanted) if one.arm == arm]
        if len(results) < iteration * len(experiment.generators):
            return None
        return [
            AlarmEvent(arm, iteration, name, cause, alarm.action.model_dump(mode="json"))
            for name, alarm in experiment.alarms.items()
            if (cause := cause_of(alarm, results))
        ]

    return decide


def cause_of(alarm: Alarm, results: list[Result]) -> str | None:
    """Return why an alarm goes off after the last iteration, for the first generator it does."""
    subject, _, _ = WATCHED[alarm.measure]
    for generator in dict.fromkeys(result.generator for result in results):
        if alarm.generator not in (None, generator):
            continue
        cards = [
            result.measure(alarm.measure, subject)
            for result in sorted(results, key=lambda one: one.iteration)
            if result.generator == generator
        ]
        # a generator that is not trained has no training set to measure
        history = [
            (card_of(card, {}), card.value) for card in cards if card and card.value is not None
        ]
        if history and (cause := alarm.cause(history)):
            return f"{generator}: {cause}"
    return None
