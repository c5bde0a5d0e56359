"""What a step has stored: the manifest, whose presence says that all is there, and whole files."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from actors.errors import DamagedError, PathError
from actors.pool.filesystems import below
from actors.pool.storage import File, Storage, checksum_of

NOT_ITS_KEY = "what it says is not what its step's key stands for"
# what a manifest holds for people alone
PEOPLE = ("settings", "host", "libraries", "notes")
# files found whole by this process: local path, inode, times of last change, size, checksum
_seen: set[tuple[str, int, int, int, int, str]] = set()


@dataclass(frozen=True)
class StoredStep:
    """A finished step, as its manifest says.

    Attributes:
        path: its folder, steps/KIND/KEY.
        config: all of the configuration that determined the output.
        inputs: paths of the steps that it read, by what it read them for.
        seed, version: as in Step.
        started: POSIX time, in seconds.
        seconds: that it took.
        settings, host, libraries, notes: for people: how, where and with which versions it was
            done, and what its worker said of it.
    """

    path: str
    config: dict[str, Any]
    inputs: Mapping[str, tuple[str, ...]]
    seed: int
    version: int
    files: tuple[File, ...]
    started: float
    seconds: float
    settings: dict[str, Any] = field(default_factory=dict)
    host: str = "not known"
    libraries: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return kind_of(self.path)

    @property
    def key(self) -> str:
        return self.path.split("/")[2]

    @property
    def source(self) -> str | None:
        return self.config.get("source")

    @property
    def iteration(self) -> int | None:
        return self.config.get("iteration")

    @property
    def read_steps(self) -> list[str]:
        """Paths of all steps that it read, in order."""
        return sorted({path for paths in self.inputs.values() for path in paths})

    @property
    def tables(self) -> list[File]:
        """Its files that have rows."""
        return [file for file in self.files if file.rows is not None]

    @property
    def rows(self) -> int:
        """Rows of all its tables."""
        return sum(file.rows or 0 for file in self.files)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    def input(self, name: str) -> str | None:
        """Return the first of the steps that it read under a name; None where it read none."""
        return next(iter(self.inputs.get(name, ())), None)

    def locate(self, row: int) -> tuple[File, int]:
        """Return the table that has a row of the step, and the number of the row in it.

        Raises:
            IndexError: it has fewer rows.
        """
        for file in self.tables:
            if row < (file.rows or 0):
                return file, row
            row -= file.rows or 0
        raise IndexError(f"{self.path} has {self.rows} rows")


def manifest_path(step_path: str) -> str:
    """Return the file whose presence says that the step is done."""
    return f"{step_path}/step.json"


def kind_of(step_path: str) -> str:
    """Return the kind of the step that lies at a path."""
    return step_path.split("/")[1]


def short_name(step_path: str) -> str:
    """Return e.g. "train 0123456789ab"."""
    _, kind, key = step_path.split("/")
    return f"{kind} {key[:12]}"


def is_done(storage: Storage, step_path: str) -> bool:
    """Whether the step's whole output is stored."""
    return storage.exists(manifest_path(step_path))


def finished(storage: Storage, paths: Collection[str]) -> set[str]:
    """Return those of some steps' paths whose whole output is stored.

    A remote store is asked for one listing of each kind of step, not once for each step.
    """
    if storage.is_local:
        return {path for path in paths if is_done(storage, path)}
    kinds = {path.rpartition("/")[0] for path in paths}
    stored = {file for kind in kinds for file in storage.files(kind)}
    return {path for path in paths if manifest_path(path) in stored}


def read_step(storage: Storage, path: str) -> StoredStep:
    """Read the manifest of a finished step.

    Raises:
        DamagedError: there is none, or it is not one that a step writes.
    """
    try:
        value = storage.read_json(manifest_path(path))
        files = tuple(File(**file) for file in value["files"])
        inputs = {name: tuple(paths) for name, paths in value["inputs"].items()}
        for name in [file.path for file in files] + [p for paths in inputs.values() for p in paths]:
            below("", name)
        given = {name: value[name] for name in ("config", "seed", "version", "started", "seconds")}
        people = {name: value[name] for name in PEOPLE if name in value}
        if f"steps/{value['kind']}/{value['key']}" == path:
            return StoredStep(path, inputs=inputs, files=files, **given, **people)
        problem = NOT_ITS_KEY
    except FileNotFoundError:
        problem = "it is not there"
    except PathError as error:
        problem = str(error)
    except ValueError:
        problem = "it is not JSON"
    except (AttributeError, KeyError, TypeError):
        problem = "it is no manifest of a step"
    raise DamagedError(path, manifest_path(path), problem)


def tables_of(storage: Storage, step_paths: Iterable[str]) -> list[File]:
    """Return the tables of some finished steps, in order."""
    steps = storage.at_once(partial(read_step, storage), step_paths)
    return [file for step in steps for file in step.tables]


def files_of(storage: Storage, step_path: str) -> list[str]:
    """Return the paths of a finished step's tables, in order."""
    return [file.path for file in tables_of(storage, [step_path])]


def forget(storage: Storage, step_path: str) -> int:
    """Remove a step's manifest, then its files; return the bytes of the files.

    In this order a reader that comes in between sees a step that is not done.
    """
    storage.remove(manifest_path(step_path))
    infos = storage.infos(step_path)
    for path in infos:
        storage.remove(path)
    return sum(info.size for info in infos.values())


def damage(storage: Storage, file: File) -> str | None:
    """Return what is wrong with a file, by its record; None if nothing.

    A process reads a file for this once, until it changes. What is wrong with this machine's copy
    of a remote file counts only if it is so when fetched again.
    """
    try:
        problem = _damage(storage, file)
        if problem and not storage.is_local:
            storage.forget(file.path)
            problem = _damage(storage, file)
    except PathError as error:
        return str(error)
    return problem


def _damage(storage: Storage, file: File) -> str | None:
    try:
        local = storage.local(file.path)
        status = local.stat()
        if status.st_size != file.bytes:
            return f"it has {status.st_size:,} bytes, {file.bytes:,} were written"
        times = status.st_mtime_ns, status.st_ctime_ns
        identity = (str(local), status.st_ino, *times, status.st_size, file.xxh128)
        if identity not in _seen:
            if checksum_of(local) != file.xxh128:
                return "its checksum is not that of what was written"
            _seen.add(identity)
    except (FileNotFoundError, NotADirectoryError):
        return "it is not there"
    return None


def check(storage: Storage, step_path: str) -> None:
    """Raise DamagedError unless every file of a finished step is whole.

    For a selection, so must be those of the steps whose rows it chose, for they are read with it.
    """
    steps = [read_step(storage, step_path)]
    if steps[0].kind == "select":
        inputs = steps[0].inputs
        # in pixel space the two are the same
        paths = dict.fromkeys((*inputs.get("samples", ()), *inputs.get("features", ())))
        steps += storage.at_once(partial(read_step, storage), paths)
    files = [(step, file) for step in steps for file in step.files]
    problems = storage.at_once(lambda pair: damage(storage, pair[1]), files)
    for (step, file), problem in zip(files, problems, strict=True):
        if problem:
            raise DamagedError(step.path, file.path, problem)
