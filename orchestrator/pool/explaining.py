"""`pool why`: why a sample is in the selections of a store or not."""

from rich.console import Console

from actors.curation.why import sentence
from actors.pool.inspect.contents import Contents, Finished
from actors.pool.inspect.reasons import reason
from actors.pool.storage import Storage


def explain(
    console: Console, storage: Storage, contents: Contents, sample_id: str, selection: str | None
) -> None:
    """Print a line per selection that had the sample's step among its own, or of the one asked for.

    Raises:
        UserError: there is no such sample or selection, or they have nothing to do with each other.
    """
    sample, index = contents.find_sample(sample_id)
    if selection is not None:
        key = selection.rstrip("/").rpartition("/")[2]
        asked = [contents.find_step(key, "--selection", "select")]
    else:
        asked = [
            step
            for step in contents.of_kind("select")
            if sample.path in step.manifest["inputs"].get("samples", ())
        ]
    for select in asked:
        said = sentence(reason(storage, select, sample, index))
        console.print(f"{describe(contents, select)}: {said}", soft_wrap=True)
    if not asked:
        console.print(
            f"{sample_id}: no selection of this store had rows of its step to choose from"
        )


def describe(contents: Contents, select: Finished) -> str:
    """Return e.g. "select 0123456789ab (greedy, 64 rows; trains ddpm of iteration 2)"."""
    trains = dict.fromkeys(
        f"{step.source} of iteration {step.iteration}"
        for step in contents.of_kind("train")
        if step.reads("training_set") == select.path
    )
    method = select.config.get("selection", {}).get("kind", "selection")
    rows = next((record["rows"] for record in select.files if "rows" in record), 0)
    behind = f"; trains {', '.join(trains)}" if trains else ""
    return f"select {select.key[:12]} ({method}, {rows:,} rows{behind})"
