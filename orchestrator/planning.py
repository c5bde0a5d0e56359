"""Planning: the loops of all arms of an experiment, as far as is known."""

from orchestrator.config import Experiment
from orchestrator.loop import Loop
from orchestrator.plan import Decide, Plan


def make_plan(experiment: Experiment, decide: Decide | None = None, ratio: float = 0) -> Plan:
    """Plan an experiment: arms interleaved by iteration, so that they advance together.

    Args:
        decide: which alarms went off; without it, none does.
        ratio: the largest of a selection with which others may share its order.
    """
    plan = Plan(experiment, experiment.arm_experiments(), ratio)
    loops = [Loop(plan, arm, configuration, decide) for arm, configuration in plan.arms.items()]
    for n in range(1, max(configuration.iterations for configuration in plan.arms.values()) + 1):
        for loop in loops:
            if n <= loop.experiment.iterations and not loop.alarms.ended:
                loop.iterate(n)
    return plan
