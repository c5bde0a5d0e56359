"""Data sets of the Hugging Face hub."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from actors.data.dataset import RealData, Source
from actors.data.files import INFO, Files
from actors.data.image_tables import find_columns, open_image_table
from actors.data.images import Header, read_header
from actors.data.index import Index
from actors.data.reading import Alike
from actors.data.tables import Table, class_names
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
        """Open the data set in the cache of `datasets`, or say what the hub knows of it.

        Raises:
            UserError: it cannot be had, or has no such split or column.
        """
        if os.path.isdir(self.name):
            raise UserError(
                f"name {self.name!r} is a folder here, which `datasets` would take for the hub's; "
                "read it as kind image_folder or parquet, or run elsewhere"
            )
        builder = self._builder()
        return (None if _is_here(builder) else self._described(builder)) or self._opened(builder)

    def fetch(self) -> bool:
        self._opened(self._builder())
        return True

    def _opened(self, builder: Any) -> Source:
        """Return the rows, downloaded into the cache if they are not there."""
        with self._asking():
            builder.download_and_prepare()
        self._check_split(builder)
        files = [file["filename"] for file in builder.as_dataset(split=self.split).cache_files]
        table = Table(tuple(files), "name")
        source = open_image_table(
            table,
            self.image_column,
            self.label_column,
            _digest(builder, self.split),
            may_name_files=True,
        )
        names = [os.path.relpath(file, builder.cache_dir) for file in files]
        return replace(source, files=Files(builder.cache_dir, names))

    def _described(self, builder: Any) -> Source | None:
        """Return the rows as the hub describes them; None where that is not enough."""
        info = builder.info
        if not info.splits or info.features is None:
            return None
        self._check_split(builder)
        schema = info.features.arrow_schema
        image, label = find_columns(schema, self.image_column, self.label_column)
        classes = None if label is None else class_names(schema, label)
        count, digest = info.splits[self.split].num_examples, _digest(builder, self.split)
        if not count or (label is not None and classes is None):
            return None

        def first() -> Index:
            return Index(digest, (Alike(self._first_header(builder, image), "row 0", count),))

        return Source(
            count,
            len(classes) if classes else None,
            digest,
            lambda positions: self._opened(self._builder()).take(positions),
            notes=(
                f"{self.name} will be downloaded; whether all {count:,} images are like the first "
                "is seen then",
            ),
            look=first,
        )

    def _first_header(self, builder: Any, column: str) -> Header:
        """Return the header of the first image, read from the hub unless the fields say enough."""
        if self.resize and self.channels:
            return Header(self.resize, self.resize, self.channels)
        import datasets

        with self._asking():
            rows = builder.as_streaming_dataset(split=self.split)
            first = next(iter(rows.cast_column(column, datasets.Image(decode=False))))[column]
        return read_header(first["bytes"] or first["path"])

    def _check_split(self, builder: Any) -> None:
        splits = list(builder.info.splits or {})
        if self.split not in splits:
            allowed = ", ".join(map(repr, splits))
            raise UserError(f"split {self.split!r} is not there; allowed are {allowed}")

    def _builder(self) -> Any:
        """Return what `datasets` knows of the data set, before anything of it is downloaded."""
        import datasets

        with self._asking() as offline:
            builder = datasets.load_dataset_builder(self.name, self.config, revision=self.revision)
        # the cache has commits, and knows nothing of branches
        if offline and self.revision not in (None, builder.hash):
            raise UserError(
                f"revision {self.revision!r} cannot be looked up without network; allowed is "
                f"{builder.hash!r}, which is in the cache"
            )
        return builder

    @contextmanager
    def _asking(self) -> Iterator[bool]:
        """Turn what the hub's client raises into one line; yield whether there is no network."""
        with _offline_without_network() as offline:
            try:
                yield offline
            except Exception as error:  # `datasets` and the client share no class of errors
                cause = " ".join(str(error).split())[:300]
                if offline and isinstance(error, ConnectionError):
                    cause = "it is out of reach, and the cache does not have the data set"
                hint = f"; {_without_network()}" if offline else ""
                raise UserError(
                    f"name {self.name!r} cannot be had from the hub: {cause}{hint}"
                ) from None


def _is_here(builder: Any) -> bool:
    """Whether the Arrow files of a data set are in the cache."""
    return os.path.isfile(os.path.join(builder.cache_dir, INFO))


def _digest(builder: Any, split: str) -> str:
    """Return the folders of the cache: name, configuration, version and commit; and the split."""
    return "/".join([*Path(builder.cache_dir).parts[-4:], split])


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
