"""The plan on the terminal: steps, workers, training sets, and what the pool will hold."""

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from actors.config import Resources
from actors.pool.storage import Storage
from orchestrator.execution.placement import Node, group, how_many, needs
from orchestrator.plan import Plan, count_kinds
from orchestrator.steps import rows_of


def print_plan(console: Console, plan: Plan, nodes: list[Node], storage: Storage) -> None:
    """Print steps, what they need, and what the pool will hold."""
    everything = list(plan.steps.values())
    todo = count_kinds(plan.todo(storage))
    table = Table("step", "all", "done", "to do", title="Steps")
    for kind, number in count_kinds(everything).items():
        table.add_row(kind, str(number), str(number - todo[kind]), str(todo[kind]))
    table.add_section()
    done = len(everything) - todo.total()
    table.add_row("total", str(len(everything)), str(done), str(todo.total()))
    console.print(table)

    kinds: dict[Resources, list[str]] = {}
    for planned in everything:
        name = str(planned.generator) if planned.step.room == "generator" else planned.step.room
        if (workers := group(planned.step)) > 1:
            name += f" ({'selected' if planned.step.kind == 'order' else 'trained'} by {workers})"
        names = kinds.setdefault(needs(planned.step), [])
        if name not in names:
            names.append(name)
    machines = f"{len(nodes)} machine{'s'[: len(nodes) > 1]}"
    have = f"{sum(n.cpus for n in nodes):g} CPUs and {sum(n.gpus for n in nodes):g} GPUs"
    table = Table(
        "CPUs", "GPUs", "fit at once", "needed by", title="Workers", caption=f"{machines}: {have}"
    )
    for resources, names in kinds.items():
        table.add_row(
            f"{resources.cpus:g}",
            f"{resources.gpus:g}",
            str(how_many(resources, nodes)),
            ", ".join(names),
        )
    console.print(table)

    several = any(generator for _, _, generator in plan.training_sets)
    names = ["arm", "iteration", *["generator"] * several, "rows", "candidates", "ratio"]
    table = Table(*names, title="Training sets")
    for (arm, iteration, generator), training_set in plan.training_sets.items():
        candidates = training_set.candidates
        table.add_row(
            arm,
            str(iteration),
            *[generator or "all"] * several,
            f"{candidates.rows:,}",
            f"{candidates.total:,}",
            f"{candidates.rows / candidates.total:.3g}",
        )
    console.print(table)
    rows, size = pool_size(plan)
    console.print(
        f"The pool at {storage.uri} will hold {rows:,} rows of this, {decimal(size)}.",
        highlight=False,
        soft_wrap=True,
    )
    if largest := exact_selection(plan):
        total, need = largest
        console.print(
            f"Exact selection holds up to {decimal(need)} of memory for {total:,} candidates.",
            highlight=False,
            soft_wrap=True,
        )
    for arm, own_plan in plan.arms.items():
        if own_plan.alarms and own_plan.iterations > 1:
            alarms = ", ".join(own_plan.alarms)
            console.print(f"{arm}: this is the plan if no alarm goes off ({alarms}).")


def exact_selection(plan: Plan) -> tuple[int, int] | None:
    """Return the most candidates of a selection that looks at features, and the bytes it holds.

    None where no training set is selected so.
    """
    height, width, channels = plan.experiment.dataset.image_shape
    needs = [
        (total, total * (4 * features + 32))
        for (arm, iteration, generator), training_set in plan.training_sets.items()
        if iteration > 1 and not plan.arms[arm].at(iteration).method_for(generator).uniform
        for total in [training_set.candidates.total]
        for features in [plan.arms[arm].features.dimension((height, width, channels))]
    ]
    return max(needs, default=None)


def pool_size(plan: Plan) -> tuple[int, int]:
    """Return the rows that the plan puts into the pool, and the bytes of images and features."""
    rows = sum(rows_of(planned.step) for planned in plan.steps.values())
    height, width, channels = plan.experiment.dataset.image_shape
    # the embed steps of a space are distinguished by its identity; pixels are not stored twice
    spaces = [plan.experiment.features, plan.experiment.measured_in]
    distinct = {str(space.identity): space for space in spaces if not space.is_pixels}.values()
    features = sum(space.dimension((height, width, channels)) for space in distinct)
    return rows, rows * (height * width * channels + 4 * features + ROW_BYTES)


# sample id, seed, label, iteration and dictionary indices of a row in Arrow
ROW_BYTES = 60
