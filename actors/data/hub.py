"""Data sets of the Hugging Face hub."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from actors.data.columns import find_columns
from actors.data.dataset import RealData
from actors.data.source import Source
from actors.data.table import open_table
from actors.errors import UserError

PROBE_SECONDS = 5
WITHOUT_NETWORK = (
    "without network work the kinds image_folder, parquet, fashion_mnist, digits, cifar10 with a "
    "path, and what `datasets` has in its cache (HF_DATASETS_CACHE)"
)


class Hub(RealData):
    """A data set of the Hugging Face hub, through its cache."""

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
        return open_hub(
            self.name,
            config=self.config,
            split=self.split,
            revision=self.revision,
            image_column=self.image_column,
            label_column=self.label_column,
        )


def open_hub(
    name: str,
    *,
    config: str | None = None,
    split: str = "train",
    revision: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
) -> Source:
    """Open a data set of the hub, downloaded into the cache of `datasets` if it is not there.

    Raises:
        UserError: it cannot be had, or has no such split or column.
    """

    if os.path.isdir(name):
        raise UserError(
            f"name {name!r} is a folder here, which `datasets` would take for the hub's; "
            "read it as kind image_folder or parquet, or run elsewhere"
        )
    data, digest = _load(name, config, split, revision)
    table = data.data.table.select(data.column_names)
    columns = find_columns(data.features.arrow_schema, image_column, label_column)
    batches = table.to_batches()

    def read(group: int, names: list[str]) -> pa.Table:
        return pa.Table.from_batches([batches[group]]).select(names)

    lengths = [batch.num_rows for batch in batches]
    return open_table(read, lengths, columns, digest, paths=True)


def _load(name: str, config: str | None, split: str, revision: str | None) -> tuple[Any, str]:
    """Return a split of a data set and the hash of its content."""
    import datasets

    with _offline_without_network() as offline:
        try:
            builder = datasets.load_dataset_builder(name, config, revision=revision)
            builder.download_and_prepare()
        except Exception as error:  # `datasets` and the hub's client share no class of errors
            cause = " ".join(str(error).split())[:300]
            if offline and isinstance(error, ConnectionError):
                cause = "it is out of reach, and the cache does not have the data set"
            hint = f"; {WITHOUT_NETWORK}" if offline else ""
            raise UserError(f"name {name!r} cannot be had from the hub: {cause}{hint}") from None
    # the cache has commits, and knows nothing of branches
    if offline and revision not in (None, builder.hash):
        raise UserError(
            f"revision {revision!r} cannot be looked up without network; allowed is "
            f"{builder.hash!r}, which is in the cache"
        )
    splits = list(builder.info.splits or {})
    if split not in splits:
        raise UserError(f"split {split!r} is not there; allowed are {', '.join(map(repr, splits))}")
    # folders of the cache: name, configuration, version and commit
    digest = "/".join([*Path(builder.cache_dir).parts[-4:], split])
    return builder.as_dataset(split=split), digest


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
