"""Errors that are written for the person who reads them."""


class UserError(ValueError):
    """A mistake in a request: one line with the field, what was found and what is allowed."""


class NonFiniteError(ArithmeticError):
    """NaN or infinity where only finite numbers may pass."""


class StorageError(OSError):
    """A store cannot be read or written: one line with the file, the store and the cause."""


class PathError(StorageError):
    """A path, as a file of a store may hold one, that does not lead into the store."""


class WorkerDiedError(Exception):
    """The worker of a step died each time that it was begun, and not with its node."""

    def __init__(self, deaths: list[str]) -> None:
        super().__init__(deaths)
        self.deaths = deaths

    def __str__(self) -> str:
        return (
            f"its worker died {len(self.deaths)} times in a row; the last time: {self.deaths[-1]}"
        )


class NodeLostError(Exception):
    """A node was lost, and what is left has no room for the work, or does none of it."""


class DamagedError(Exception):
    """A stored file is no longer what was written.

    Attributes:
        step_path: the finished step that it belongs to.
        file: its path in the store.
    """

    def __init__(self, step_path: str, file: str, problem: str) -> None:
        super().__init__(step_path, file, problem)
        self.step_path = step_path
        self.file = file
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"
