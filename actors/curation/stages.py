"""The stages of a curation and how long each takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from actors.data.feature_source import Progress


class Stages:
    """Keeps the seconds per stage; shows nothing."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Progress]:
        """Time a stage; yields what to call with how much of `total` is done."""
        started = time.monotonic()
        try:
            with self.shown(name, total) as progress:
                yield progress
        finally:
            self.seconds[name] = self.seconds.get(name, 0) + time.monotonic() - started

    @contextmanager
    def shown(self, name: str, total: int | None) -> Iterator[Progress]:
        """Yield what shows progress; overridden where there is somebody to show it to."""
        yield lambda done: None
