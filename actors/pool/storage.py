"""A folder of whole files behind a `pyarrow.fs` URI: written atomically, read memory-mapped."""

import hashlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pyarrow import fs

from actors.errors import UserError

TEMPORARY = "tmp"


@dataclass(frozen=True)
class Storage:
    """The store at a URI; cheap to make, safe to send between processes."""

    uri: str

    @cached_property
    def _located(self) -> tuple[fs.FileSystem, str]:
        if "://" in self.uri:
            return fs.FileSystem.from_uri(self.uri)
        return fs.LocalFileSystem(), os.path.abspath(self.uri)

    @property
    def filesystem(self) -> fs.FileSystem:
        return self._located[0]

    @property
    def root(self) -> str:
        return self._located[1].rstrip("/")

    @property
    def is_local(self) -> bool:
        return isinstance(self.filesystem, fs.LocalFileSystem)

    @cached_property
    def _cache(self) -> Path:
        name = hashlib.sha256(self.uri.encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"ouroboros-cache-{os.getuid()}" / name

    def exists(self, path: str) -> bool:
        """Whether a whole file lies at `path`."""
        return self.filesystem.get_file_info(f"{self.root}/{path}").type == fs.FileType.File

    def write(self, path: str, write: Callable[[Path], object]) -> dict[str, Any]:
        """Let `write` fill a temporary file, then make it appear at `path` whole or not at all.

        Returns:
            The file's record: path, bytes, sha256.
        """
        folder = Path(self.root) / TEMPORARY if self.is_local else self._cache / TEMPORARY
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"{uuid.uuid4().hex}-{Path(path).name}"
        try:
            write(temporary)
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            record = _record(temporary, path)
            self._publish(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        return record

    def record(self, path: str) -> dict[str, Any]:
        """Return the record of a file that is there: path, bytes, sha256."""
        return _record(self.local(path), path)

    def _publish(self, temporary: Path, path: str) -> None:
        target = f"{self.root}/{path}"
        if self.is_local:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(target)
            return
        with temporary.open("rb") as source, self.filesystem.open_output_stream(target) as sink:
            shutil.copyfileobj(source, sink, 1 << 22)

    def local(self, path: str) -> Path:
        """Return a local path of the file, for memory-mapping; a remote one is fetched once."""
        if self.is_local:
            return Path(self.root) / path
        cached = self._cache / path
        if not cached.exists():
            cached.parent.mkdir(parents=True, exist_ok=True)
            partial = cached.with_name(f"{cached.name}.{uuid.uuid4().hex}")
            remote = self.filesystem.open_input_stream(f"{self.root}/{path}")
            with remote as source, partial.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 22)
            partial.replace(cached)
        return cached

    def local_folder(self, path: str) -> Path:
        """Return a local path of a folder with all its files."""
        if not self.is_local:
            for file in self.files(path):
                self.local(file)
        return (Path(self.root) if self.is_local else self._cache) / path

    def files(self, path: str) -> list[str]:
        """Return the paths of all files below a folder, in order; none where there is no folder."""
        selector = fs.FileSelector(f"{self.root}/{path}", recursive=True, allow_not_found=True)
        found = self.filesystem.get_file_info(selector)
        return sorted(
            info.path.removeprefix(f"{self.root}/")
            for info in found
            if info.type == fs.FileType.File
        )

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""
        if self.exists(path):
            self.filesystem.delete_file(f"{self.root}/{path}")
        if not self.is_local:
            (self._cache / path).unlink(missing_ok=True)

    def write_json(self, path: str, value: Any) -> dict[str, Any]:
        """Write `value` as JSON, whole or not at all."""
        text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False)
        return self.write(path, lambda temporary: _write_text(temporary, text))

    def read_json(self, path: str) -> Any:
        """Read a JSON file."""
        with self.filesystem.open_input_stream(f"{self.root}/{path}") as source:
            return json.loads(source.read())

    def check_writable(self) -> None:
        """Raise UserError when nothing can be written here."""
        probe = f"{TEMPORARY}/probe-{uuid.uuid4().hex}"
        try:
            self.write(probe, lambda temporary: _write_text(temporary, ""))
            self.filesystem.delete_file(f"{self.root}/{probe}")
        except OSError as error:
            cause = error.strerror or str(error).splitlines()[0]
            raise UserError(
                f"store: {self.uri!r} cannot be written ({cause}); "
                "give a folder or URI with write permission"
            ) from None

    def sweep(self, older_than: float) -> None:
        """Remove temporary files last written before the POSIX time `older_than`."""
        folder = Path(self.root) / TEMPORARY
        if self.is_local and folder.is_dir():
            for leftover in folder.iterdir():
                if leftover.stat().st_mtime < older_than:
                    leftover.unlink(missing_ok=True)


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a local file in hex."""
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while block := content.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _record(file: Path, path: str) -> dict[str, Any]:
    return {"path": path, "bytes": file.stat().st_size, "sha256": digest_of(file)}


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
