"""Data sets of the Hugging Face hub."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from actors.data.dataset import RealData, Source
from actors.data.image_tables import open_image_table
from actors.data.tables import Table
from actors.errors import UserError

PROBE_SECONDS = 5


class Hub(RealData):
    """A data set of the Hugging Face hub, through its cache."""

    needs_network: ClassVar[bool] = True

    kind: Literal["hub"] = "hub"
    name: str = Field(
        pattern=r"^\w[\w.-]*(/\w[\w.-]*)?$", description="name on the hub, e.g. ylecun/mnist"
    )
    config: str | None = Field(None, description="the hub's configuration, where it has several")
    split: str = Field("train", description="the hub's split")
    revision: str | None = Field(None, description="commit, tag or branch; default is the newest")
    image_column: str | None = Field(None, description="found by its type if not given")
    label_column: str | None = Field(None, description="the ClassLabel's column if not given")

    def open(self) -> Source:
        """Download the data set into the cache of `datasets` if it is not there, and open it.

        Raises:
            UserError: it cannot be had, or has no such split or column.
        """
        if os.path.isdir(self.name):
            raise UserError(
                f"name {self.name!r} is a folder here, which `datasets` would take for the hub's; "
                "read it as kind image_folder or parquet, or run elsewhere"
            )
        builder = _prepared(self.name, self.config, self.revision)
        splits = list(builder.info.splits or {})
        if self.split not in splits:
            allowed = ", ".join(map(repr, splits))
            raise UserError(f"split {self.split!r} is not there; allowed are {allowed}")
        files = builder.as_dataset(split=self.split).cache_files
        # folders of the cache: name, configuration, version and commit
        digest = "/".join([*Path(builder.cache_dir).parts[-4:], self.split])
        table = Table(tuple(file["filename"] for file in files), "name")
        return open_image_table(
            table, self.image_column, self.label_column, digest, may_name_files=True
        )


def _prepared(name: str, config: str | None, revision: str | None) -> Any:
    """Return the builder of a data set, whose Arrow files are in the cache."""
    import datasets

    with _offline_without_network() as offline:
        try:
            builder = datasets.load_dataset_builder(name, config, revision=revision)
            builder.download_and_prepare()
        except Exception as error:  # `datasets` and the hub's client share no class of errors
            cause = " ".join(str(error).split())[:300]
            if offline and isinstance(error, ConnectionError):
                cause = "it is out of reach, and the cache does not have the data set"
            hint = f"; {_without_network()}" if offline else ""
            raise UserError(f"name {name!r} cannot be had from the hub: {cause}{hint}") from None
    # the cache has commits, and knows nothing of branches
    if offline and revision not in (None, builder.hash):
        raise UserError(
            f"revision {revision!r} cannot be looked up without network; allowed is "
            f"{builder.hash!r}, which is in the cache"
        )
    return builder


def _without_network() -> str:
    """Return in words what can be read where the hub is out of reach."""
    local = [kind for kind in RealData.__subclasses__() if not kind.needs_network]
    kinds = ", ".join(kind.model_fields["kind"].default for kind in local)
    return (
        f"without network work the kinds {kinds}, with a path where they can take one, and what "
        "`datasets` has in its cache (HF_DATASETS_CACHE)"
    )


@contextmanager
def _offline_without_network() -> Iterator[bool]:
    """Keep `datasets` from trying a hub out of reach again and again, for half a minute."""
    import datasets

    before = datasets.config.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = offline = before or not reachable()
    try:
        yield offline
    finally:
        datasets.config.HF_HUB_OFFLINE = before


def reachable(address: str | None = None) -> bool:
    """Whether the hub, or another address, answers within a few seconds."""
    from huggingface_hub import constants, get_session

    try:
        get_session().head(address or constants.ENDPOINT, timeout=PROBE_SECONDS)
    except Exception:  # the client's errors are another library's in each of its versions
        return False
    return True
