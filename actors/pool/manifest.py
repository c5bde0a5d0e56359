"""The manifest of a step: the file whose presence says that its whole output is stored."""

from actors.pool.storage import Storage


def manifest_path(step_path: str) -> str:
    """Return the file whose presence says that the step is done."""
    return f"{step_path}/step.json"


def is_done(storage: Storage, step_path: str) -> bool:
    """Whether the step's whole output is stored."""
    return storage.exists(manifest_path(step_path))


def files_of(storage: Storage, step_path: str, suffix: str = ".arrow") -> list[str]:
    """Return the paths of a finished step's files, in order."""
    records = storage.read_json(manifest_path(step_path))["files"]
    return [record["path"] for record in records if record["path"].endswith(suffix)]
