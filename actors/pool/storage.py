"""A folder of whole files behind a `pyarrow.fs` URI: written atomically, read memory-mapped."""

import errno
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import xxhash
from pyarrow import fs
from safetensors import SafetensorError

from actors.errors import StorageError, UserError
from actors.pool import cache
from actors.pool.filesystems import (
    below,
    is_passing,
    open_filesystem,
    place_of,
    without_secrets,
)

TEMPORARY = "tmp"
BLOCK = 1 << 22
FULL = (errno.ENOSPC, errno.EDQUOT)
# how long a store that does not answer is tried again, and the longest pause between two tries
PATIENCE_SECONDS = 120.0
LONGEST_PAUSE_SECONDS = 5.0

# requests to a remote store that one reader has under way at once
REQUESTS = 16

A = TypeVar("A")
T = TypeVar("T")


@dataclass(frozen=True)
class File:
    """The record of a file, as manifests have it.

    Attributes:
        path: in the store.
        xxh128: its checksum, XXH3 of 128 bits, in hex. It tells of damage, not of forgery: who can
            write a file can write its record.
        rows: of a table; None for other files.
    """

    path: str
    bytes: int
    xxh128: str
    rows: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Storage:
    """The store at a URI; cheap to make, safe to send between processes.

    Its methods raise StorageError where a file cannot be read or written, the disk being full or
    the network down, PathError, which is one, where a path leads out of the store, and
    FileNotFoundError where there is none to read.

    Attributes:
        patience: seconds for which is tried again what fails as an outage does.
    """

    uri: str
    patience: float = PATIENCE_SECONDS

    @cached_property
    def _located(self) -> tuple[fs.FileSystem, str]:
        return open_filesystem(self.uri)

    @property
    def filesystem(self) -> fs.FileSystem:
        return self._located[0]

    @property
    def root(self) -> str:
        return self._located[1].rstrip("/")

    @property
    def is_local(self) -> bool:
        # asked of the URI, for opening a file system may need the network
        return "://" not in self.uri or self.uri.startswith("file://")

    @cached_property
    def place(self) -> str:
        """What all URIs of this store have in common."""
        return place_of(self.uri)

    @property
    def _copies(self) -> Path:
        """Where this node's copies of the store's files lie."""
        return cache.folder() / hashlib.sha256(self.uri.encode()).hexdigest()[:16]

    @property
    def _temporary(self) -> Path:
        """Where files are filled before they are published."""
        return self._here(TEMPORARY)

    def _at(self, path: str) -> str:
        """Return a path of the store as its file system has it."""
        return below(self.root, path, on_disk=self.is_local)

    def _here(self, path: str) -> Path:
        """Return a path of the store, or of its copy, on this machine."""
        return Path(below(self.root if self.is_local else str(self._copies), path, on_disk=True))

    def exists(self, path: str) -> bool:
        """Whether a whole file lies at `path`."""
        info = self._try(path, "read", lambda: self.filesystem.get_file_info(self._at(path)))
        return bool(info.type == fs.FileType.File)

    def write(self, path: str, write: Callable[[Path], object]) -> File:
        """Let `write` fill a temporary file, then make it appear at `path` whole or not at all."""
        target = self._try(path, "written", lambda: self._at(path))
        temporary = self._temporary / f"{uuid.uuid4().hex}-{Path(path).name}"
        try:
            self._temporary.mkdir(parents=True, exist_ok=True)
            write(temporary)
            with temporary.open("rb+") as file:
                _start_writing(file.fileno())
                record = _record(temporary, path)
                os.fsync(file.fileno())
            self._try(path, "written", lambda: self._publish(temporary, path, target))
        except StorageError:
            raise
        except (OSError, SafetensorError) as error:
            raise self._error(path, "written", error) from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        return record

    def record(self, path: str) -> File:
        """Return the record of a file that is there."""
        local = self.local(path)
        return self._try(path, "read", lambda: _record(local, path))

    def _publish(self, temporary: Path, path: str, target: str) -> None:
        if self.is_local:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(target)
            return
        # an upload that is broken off may leave a part of the file under its name (pyarrow closes
        # its stream in any case), so that name is not yet the one that readers look for
        uploaded = self._at(f"{TEMPORARY}/{temporary.name}")
        with temporary.open("rb") as source, self.filesystem.open_output_stream(uploaded) as sink:
            shutil.copyfileobj(source, sink, BLOCK)
        self.filesystem.move(uploaded, target)
        # of an earlier file of this name
        self.forget(path)

    def local(self, path: str) -> Path:
        """Return a local path of the file, to be opened at once; a remote one is fetched once."""
        here = self._here(path)
        if not self.is_local:
            is_there = cache.use(here)
            cache.count(hit=is_there)
            while not is_there:
                self._try(path, "read", lambda: self._fetch(path, here))
                is_there = cache.use(here)
        return here

    def _fetch(self, path: str, copy: Path) -> None:
        def fill(sink: BinaryIO) -> None:
            with self.filesystem.open_input_stream(self._at(path)) as source:
                shutil.copyfileobj(source, sink, BLOCK)

        cache.make(copy, self._temporary / xxhash.xxh3_128_hexdigest(path.encode()), fill)

    def forget(self, path: str) -> None:
        """Drop this node's copy of a remote file, so that it is fetched again."""
        if not self.is_local:
            cache.drop(self._here(path))

    def at_once(self, work: Callable[[A], T], items: Iterable[A]) -> list[T]:
        """Return what `work` gives for each item, in order.

        A remote store is asked for several at once, as each takes a while to come.
        """
        if self.is_local:
            return [work(item) for item in items]
        with ThreadPoolExecutor(REQUESTS) as readers:
            return list(readers.map(work, items))

    def local_folder(self, path: str) -> Path:
        """Return a local path of a folder with all its files."""
        if not self.is_local:
            files = self.files(path)
            self.at_once(self.local, files)
            # the first of a large folder may have made room for the last
            self.at_once(self.local, files)
        return self._here(path)

    def files(self, path: str) -> list[str]:
        """Return the paths of all files below a folder, in order; none where there is no folder.

        Args:
            path: of the folder; empty: the whole store.
        """
        return list(self.infos(path))

    def infos(self, path: str) -> dict[str, fs.FileInfo]:
        """Return what is known of all files below a folder, by their paths, in order."""

        def look() -> list[fs.FileInfo]:
            folder = self._at(path) if path else self.root
            selector = fs.FileSelector(folder, recursive=True, allow_not_found=True)
            return self.filesystem.get_file_info(selector)

        infos = sorted(self._try(path, "read", look), key=lambda info: info.path)
        prefix = f"{self.root}/"
        return {i.path.removeprefix(prefix): i for i in infos if i.type == fs.FileType.File}

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""
        with suppress(FileNotFoundError):
            self._try(path, "removed", lambda: self.filesystem.delete_file(self._at(path)))
        self.forget(path)

    def write_json(self, path: str, value: Any) -> File:
        """Write `value` as JSON, whole or not at all."""
        text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False)
        return self.write(path, lambda temporary: _write_text(temporary, text))

    def read_json(self, path: str) -> Any:
        """Read a JSON file."""

        def read() -> bytes:
            with self.filesystem.open_input_stream(self._at(path)) as source:
                return bytes(source.read())

        return json.loads(self._try(path, "read", read))

    def now(self) -> float:
        """Return the POSIX time by the clock that files get their times from, maybe not ours."""
        probe = f"{TEMPORARY}/probe-{uuid.uuid4().hex}"
        self.write(probe, lambda temporary: _write_text(temporary, ""))
        info = self._try(probe, "read", lambda: self.filesystem.get_file_info(self._at(probe)))
        self.remove(probe)
        return float(info.mtime.timestamp())

    def check_writable(self) -> None:
        """Raise UserError when nothing can be written here, without waiting for an outage's end."""
        if not self.is_local:
            cache.limit()
        try:
            replace(self, patience=0).now()
        except StorageError as error:
            raise UserError(
                f"store: {without_secrets(self.uri)!r} cannot be written "
                f"({_cause(error.__cause__ or error)}); "
                "give a folder or URI with write permission"
            ) from None

    def sweep(self, age: float) -> None:
        """Remove temporary files that nobody wrote to for so many seconds."""
        now = self.now()
        if not self.is_local:
            there = self._at(TEMPORARY)
            self._try(TEMPORARY, "removed", lambda: _sweep(self.filesystem, there, now - age))
            now = time.time()
        _sweep(fs.LocalFileSystem(), str(self._temporary), now - age)

    def _try(self, path: str, done: str, work: Callable[[], T]) -> T:
        """Return what `work` does, which is tried again as long as an outage may pass.

        Raises:
            StorageError: it failed for another reason, or for longer than the patience.
            FileNotFoundError: from `work`.
        """
        begun, pause = time.monotonic(), 0.5
        while True:
            try:
                return work()
            except (StorageError, FileNotFoundError):
                raise
            except OSError as error:
                tried = time.monotonic() - begun
                if not is_passing(error) or tried + pause > self.patience:
                    raise self._error(path, done, error, tried) from error
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _error(self, path: str, done: str, error: Exception, tried: float = 0) -> StorageError:
        free = f"; tried for {tried:.0f} s" if tried > 1 and self.patience else ""
        if isinstance(error, SafetensorError) or getattr(error, "errno", None) in FULL:
            with suppress(OSError):
                free = f"; {shutil.disk_usage(self._temporary).free:,} bytes are free there"
        return StorageError(
            f"{path}: cannot be {done} in store {without_secrets(self.uri)!r} "
            f"({_cause(error)}){free}"
        )


def checksum_of(file: Path) -> str:
    """Return the XXH128 of a local file in hex."""
    checksum = xxhash.xxh3_128()
    # a block that stays in the processor's cache; of a mapping, an error of the disk would be fatal
    block = memoryview(bytearray(1 << 18))
    with file.open("rb", buffering=0) as content:
        while size := content.readinto(block):
            checksum.update(block[:size])
    return checksum.hexdigest()


def _record(file: Path, path: str) -> File:
    return File(path, file.stat().st_size, checksum_of(file))


def _start_writing(descriptor: int) -> None:
    """Let the disk begin without waiting for it, so that it works while a checksum is taken."""
    # Linux starts to write what it is told will not be needed, and keeps it until it is written;
    # a thread that syncs instead waits for its turn where all processors are busy
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _sweep(filesystem: fs.FileSystem, folder: str, older_than: float) -> None:
    for info in filesystem.get_file_info(fs.FileSelector(folder, allow_not_found=True)):
        if info.type == fs.FileType.File and info.mtime.timestamp() < older_than:
            # its writer may have come to its end
            with suppress(FileNotFoundError):
                filesystem.delete_file(info.path)


def _cause(error: BaseException) -> str:
    """Return what the system or the network said, in a few words."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return " ".join(str(error).split()).rpartition("AWS Error ")[2]


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
