"""Ray Tune's side of a sweep: what suggests points, and what stops them."""

from functools import partial
from typing import Any

from ray import tune
from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    FIFOScheduler,
    TrialScheduler,
)

from actors.errors import UserError
from orchestrator.sweep.config import Asha, Optuna, Pbt, SweepConfig
from orchestrator.sweep.objectives import objective
from orchestrator.sweep.population import Population
from orchestrator.sweep.space import Axis, Point, Space


def searched(sweep: SweepConfig, before: list[Point]) -> dict[str, Any]:
    """Return the search of a sweep as arguments of TuneConfig, and `param_space`.

    Args:
        before: points that were begun in an earlier run, which Optuna suggests again.

    Raises:
        UserError: optuna is not installed.
    """
    if not isinstance(sweep.search, Optuna):
        # a nested value would be read as a space of its own
        points = tune.grid_search(sweep.points())
        return {"param_space": {"point": points}}
    try:
        import optuna
    except ImportError:
        raise UserError(
            "search.kind: 'optuna' needs a package that is not here; "
            "pip install 'ouroboros-loop[optuna]'"
        ) from None
    from orchestrator.sweep.suggesting import Suggestions

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    metrics = [objective(name) for name in sweep.objectives]
    modes: list[str] = list(sweep.objectives.values())
    several = len(metrics) > 1
    search = Suggestions(
        sweep.space,
        sweep.search.seed,
        before,
        metric=metrics if several else metrics[0],
        mode=modes if several else modes[0],
    )
    return {
        "param_space": {field: domain(axis) for field, axis in sweep.space.items()},
        "search_alg": search,
        "num_samples": sweep.search.points,
    }


def within_ranges(space: Space, config: dict[str, Any]) -> dict[str, Any]:
    """Return a changed point with its numbers moved back into their ranges."""
    return {**config, "point": {f: space[f].within(label) for f, label in config["point"].items()}}


def domain(axis: Axis) -> Any:
    """Return Ray Tune's form of an axis."""
    if axis.labels:
        return tune.choice(axis.labels)
    low, high = axis.ends()
    if axis.integer:
        return tune.lograndint(low, high + 1) if axis.log else tune.randint(low, high + 1)
    return tune.loguniform(low, high) if axis.log else tune.uniform(low, high)


def scheduled(sweep: SweepConfig, iterations: int) -> TrialScheduler:
    """Return the scheduler of a sweep, whose time is the iteration."""
    scheduler, (name, mode) = sweep.scheduler, next(iter(sweep.objectives.items()))
    metric = objective(name)
    if isinstance(scheduler, Asha):
        return AsyncHyperBandScheduler(
            time_attr="iteration",
            metric=metric,
            mode=mode,
            max_t=iterations,
            grace_period=scheduler.grace_iterations,
            reduction_factor=scheduler.reduction_factor,
        )
    if isinstance(scheduler, Pbt):
        mutations = {name: axis.labels or domain(axis) for name, axis in sweep.space.items()}
        return Population(
            seed=scheduler.seed,
            time_attr="iteration",
            metric=metric,
            mode=mode,
            perturbation_interval=scheduler.interval,
            burn_in_period=0,
            quantile_fraction=scheduler.quantile,
            hyperparam_mutations={"point": mutations},
            custom_explore_fn=partial(within_ranges, sweep.space),
        )
    return FIFOScheduler()
