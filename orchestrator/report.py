"""Reports on the terminal: the plan before, the comparison of arms after."""

from rich.console import Console
from rich.table import Table

from actors.pool.storage import Storage
from orchestrator.casting import Cast, Node
from orchestrator.plan import Plan, count_kinds, rows_of
from orchestrator.results import Result


def print_plan(
    console: Console, plan: Plan, cast: Cast, nodes: list[Node], storage: Storage
) -> None:
    """Print steps, actors, and what the pool will hold."""
    everything = list(plan.steps.values())
    todo = count_kinds(plan.todo(storage))
    table = Table("step", "all", "done", "to do", title="Steps")
    for kind, number in count_kinds(everything).items():
        table.add_row(kind, str(number), str(number - todo[kind]), str(todo[kind]))
    table.add_section()
    done = len(everything) - todo.total()
    table.add_row("total", str(len(everything)), str(done), str(todo.total()))
    console.print(table)

    table = Table("actor", "CPUs", "GPUs", "threads", title="Actors")
    for role in cast.roles:
        resources = role.resources
        table.add_row(
            role.name, f"{resources.cpus:g}", f"{resources.gpus:g}", str(resources.threads)
        )
    table.add_section()
    table.add_row(
        f"of {len(nodes)} machine{'s'[: len(nodes) > 1]}",
        f"{sum(node.cpus for node in nodes):g}",
        f"{sum(node.gpus for node in nodes):g}",
        "",
    )
    console.print(table)

    table = Table("arm", "iteration", "rows", "candidates", "ratio", title="Training sets")
    for (arm, iteration), training_set in plan.training_sets.items():
        table.add_row(
            arm,
            str(iteration),
            f"{training_set.rows:,}",
            f"{training_set.candidates:,}",
            f"{training_set.rows / training_set.candidates:.3g}",
        )
    console.print(table)
    rows, size = pool_size(plan)
    console.print(
        f"The pool at {storage.uri} will hold {rows:,} rows of this, {_bytes(size)}.",
        highlight=False,
        soft_wrap=True,
    )


def pool_size(plan: Plan) -> tuple[int, int]:
    """Return the rows that the plan puts into the pool, and the bytes of images and features."""
    rows = sum(rows_of(planned.step) for planned in plan.steps.values())
    height, width, channels = plan.experiment.dataset.image_shape
    features = plan.experiment.features.dimension((height, width, channels))
    return rows, rows * (height * width * channels + 4 * features + ROW_BYTES)


# sample id, seed, label, iteration and dictionary indices of a row in Arrow
ROW_BYTES = 60


def print_comparison(console: Console, results: list[Result]) -> None:
    """Print measures per iteration and arm, and which arm kept more entropy."""
    generators = list(dict.fromkeys(result.generator for result in results))
    table = Table(title="Training sets and what the generators made of them")
    table.add_column("it.", justify="right")
    table.add_column("arm")
    table.add_column("training-set\nentropy (nats)", justify="right")
    for name in generators:
        table.add_column(f"GS\n{name}", justify="right")
    for name in generators:
        table.add_column(f"Fréchet\n{name}", justify="right")
    rows: dict[tuple[int, str], dict[str, Result]] = {}
    for result in sorted(results, key=lambda r: r.iteration):
        rows.setdefault((result.iteration, result.arm), {})[result.generator] = result
    left_out = 0
    previous = 0
    for (iteration, arm), by_generator in rows.items():
        if previous and iteration != previous:
            table.add_section()
        entropy = next(iter(by_generator.values())).measure("entropy", "training_set")
        left_out += bool(entropy["zero_distances"])
        table.add_row(
            str(iteration) if iteration != previous else "",
            arm,
            _number(entropy["value"]) + ("*" if entropy["zero_distances"] else ""),
            *(_measure(by_generator.get(name), "generalization_score") for name in generators),
            *(_measure(by_generator.get(name), "frechet_distance") for name in generators),
        )
        previous = iteration
    console.print(table)
    console.print(
        "GS: generalization score, mean distance of samples to their training set (falls with "
        "memorization).\nFréchet: distance of samples to held-out real rows (lower is better). "
        f"Both in {results[0].measures[0]['features']} space.",
        style="dim",
        highlight=False,
    )
    if left_out:
        console.print("* rows with an exact duplicate are left out of this entropy")
    if verdict := kept_more_entropy(results):
        console.print(verdict, highlight=False, style="bold")


def kept_more_entropy(results: list[Result]) -> str | None:
    """Return one sentence that ranks the arms by the entropy of their last training set.

    None where there is nothing to compare: one arm, or training sets of different size.
    """
    arms: dict[str, dict[int, dict[str, object]]] = {}
    for result in results:
        card = result.measure("entropy", "training_set")
        arms.setdefault(result.arm, {})[result.iteration] = card
    common = set.intersection(*(set(cards) for cards in arms.values())) if arms else set()
    if len(arms) < 2 or not common:
        return None
    last = max(common)
    cards = {arm: by_iteration[last] for arm, by_iteration in arms.items()}
    if len({(card["features"], card["n"], card["k"]) for card in cards.values()}) > 1:
        sizes = ", ".join(f"{arm} {card['n']:,} rows" for arm, card in cards.items())
        return f"The entropies at iteration {last} cannot be compared: {sizes}."
    values = {
        arm: -float("inf") if card["value"] is None else float(str(card["value"]))
        for arm, card in cards.items()
    }
    order = sorted(values, key=lambda arm: values[arm], reverse=True)
    if values[order[0]] == values[order[1]]:
        return f"The arms have the same entropy at iteration {last}."
    rest = ", ".join(f"{_number(values[arm])} in {arm}" for arm in order[1:])
    return (
        f"{order[0]} kept more entropy: {_number(values[order[0]])} nats in its training set of "
        f"iteration {last}, against {rest}."
    )


def _measure(result: Result | None, metric: str) -> str:
    return "" if result is None else _number(result.measure(metric)["value"])


def _number(value: float | None) -> str:
    return "-inf" if value is None else f"{value:.2f}"


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
