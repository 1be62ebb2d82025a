"""Watch of a process that runs a chain's code: writes down what the code reads (see `revisions.reads`).

An audit hook sees which files are opened, which folders are listed and which modules are looked for. Python reports
neither the environment variables that are asked for nor paths that are only looked at (`Path.exists`), so `os.environ`,
`os.stat`, `os.lstat` and `os.access` are watched themselves. Not seen is what code written in C opens by itself.
"""

from __future__ import annotations

import json
import os
import site
import sys
import sysconfig
import threading
from collections.abc import Iterator  # noqa: TC003  (mypy wants a base class's method typed as in typeshed)
from contextlib import contextmanager
from functools import lru_cache, wraps
from importlib.util import source_from_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from architect_migrate.revisions.reads import (
    EVERY_VARIABLE,
    Reads,
    disk_state,
    file_state,
    importable,
    kind,
    listed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LOOKING = ("stat", "lstat", "access")
_OF_THE_SYSTEM = ("/proc/", "/sys/", "/dev/")
# Of these a folder of ordinary files, which may hold a project.
_IN_MEMORY = "/dev/shm/"  # noqa: S108  (nothing is written there)
# Modules that Python imports by itself at its start, if they are there.
_CUSTOMIZE = ("sitecustomize", "usercustomize")
_IMPORTER = "<frozen importlib._bootstrap_external>"


class Watch:
    """What this process has read so far; `scratch` is the folder of the run, which does not count.

    Why the states at the time of reading are kept: what changed while the code ran must not be cached as it is now.
    """

    def __init__(self, scratch: Path) -> None:
        self.scratch = f"{scratch}{os.sep}"
        self.files: dict[str, tuple[int, ...]] = {}
        self.folders: dict[str, tuple[str, ...]] = {}
        self.searched: dict[str, tuple[str, ...]] = {}
        self.asked: dict[str, str] = {}
        self.modules: set[str] = set()
        self.variables: set[str] = set()
        self.chain: set[str] = set()
        self.busy = threading.local()

    @property
    def is_noting(self) -> bool:
        """Whether this thread is within the watch itself, whose own reads do not count."""
        return getattr(self.busy, "noting", False)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        self.busy.noting = True
        try:
            yield
        finally:
            self.busy.noting = False

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take in an audit event. Raises FileNotFoundError for byte code of files that are not installed."""
        if event == "import":
            self.modules.add(str(arguments[0]).rpartition(".")[2])
        elif event in {"open", "os.listdir", "os.scandir"} and not self.is_noting:
            caller = sys._getframe(1).f_code.co_filename  # noqa: SLF001  (audit hooks get no other word of it)
            with self._noting():
                if event == "open":
                    self._note_file(_path(arguments[0]))
                else:
                    self._note_folder(_path(arguments[0]), caller)

    def look(self, path: object) -> None:
        """Take in that the code looked whether something is at a path."""
        if self.is_noting or isinstance(path, int):
            return
        with self._noting():
            name = _path(path)
            if name and not self._is_apart(f"{name}{os.sep}") and _package_of(name) in {"", *self.chain}:
                self.asked.setdefault(name, kind(name))

    def hold(self, folders: Iterable[str]) -> None:
        """Take in the chain's folders: an installed package that contains one counts as the project's own."""
        self.chain |= {package for folder in folders if (package := _package_of(f"{folder}{os.sep}"))}

    def _note_file(self, name: str) -> None:
        if not name or self._is_apart(name):
            return
        source = _source_of(name)
        if source and not _package_of(source):
            # Why not from byte code: it may be older than its source, if that kept its size and time. The importer
            # goes on with the source, as if there were none.
            raise FileNotFoundError(name)
        self.files.setdefault(source or name, file_state(source or name))

    def _note_folder(self, name: str, caller: str) -> None:
        if not name or self._is_apart(f"{name}{os.sep}"):
            return
        noted = self.searched if caller == _IMPORTER else self.folders
        noted.setdefault(name, listed(name))

    def _is_apart(self, name: str) -> bool:
        """Whether a path belongs to the run itself, to the system, or to Python's own library."""
        if name.startswith(self.scratch) or (name.startswith(_library()) and not _package_of(name)):
            return True
        return name.startswith(_OF_THE_SYSTEM) and not name.startswith(_IN_MEMORY)

    def reads(self) -> Reads:
        """Return everything read until now, what was imported before the watch began included."""
        # Why sys.path too: where a folder of it is missing, imports have not listed it.
        self.searched |= {name: () for path in sys.path if (name := _path(path)) and name not in self.searched}
        loaded = {name for module in list(sys.modules.values()) if (name := _path_of(module))}
        links = {name for folder in _sites() for name in map(str, Path(folder).glob("*.pth"))}
        files = loaded | links | self.files.keys()
        packages = {name for name in files if (package := _package_of(name)) and package not in self.chain}
        own = f"{Path(__file__).parents[1]}{os.sep}"
        return Reads(
            files=_sorted(name for name in files - packages if not name.startswith(own) and not self._is_apart(name)),
            packages=_sorted(name for name in packages if not name.startswith(own)),
            folders=_sorted(self.folders),
            searched=_sorted(
                name
                for name in self.searched
                if not self._is_apart(f"{name}{os.sep}") and _package_of(name) in {"", *self.chain}
            ),
            modules=_sorted({*self.modules, *_CUSTOMIZE, *(name.rpartition(".")[2] for name in sys.modules)}),
            asked=_sorted(name for name in self.asked if name not in self.files),
            variables=_sorted(self.variables),
        )

    def has_changed(self, reads: Reads) -> bool:
        """Whether something is no longer as it was when the code read it."""
        names = frozenset(reads.modules)
        return (
            any(file_state(name) != was for name, was in self.files.items())
            or any(listed(name) != was for name, was in self.folders.items())
            or any(kind(name) != was for name, was in self.asked.items())
            or any(
                importable(name, names) != tuple(one for one in was if one in importable(name, names))
                for name, was in self.searched.items()
                if was
            )
        )

    def write(self, file: Path) -> None:
        """Write what was read, and the digest of it on disk, empty if something changed meanwhile."""
        with self._noting():
            reads = self.reads()
            # Why in this order: what changes after it was digested is seen as a change.
            state = disk_state(reads)
            state = "" if self.has_changed(reads) else state
            file.write_text(json.dumps([reads, state]), encoding="utf-8")


class _WatchedEnvironment(os._Environ[Any]):  # noqa: SLF001  (the class of os.environ, which has no public name)
    """The environment, which notes the names that it is asked for."""

    asked: set[str]

    def __getitem__(self, name: Any) -> Any:
        if isinstance(name, str | bytes):
            self.asked.add(os.fsdecode(name))
        return super().__getitem__(name)

    def __iter__(self) -> Iterator[Any]:
        self.asked.add(EVERY_VARIABLE)
        return super().__iter__()

    def __len__(self) -> int:
        self.asked.add(EVERY_VARIABLE)
        return super().__len__()


def watch(scratch: Path) -> Watch:
    """Watch this process from now on, until it ends."""
    watching = Watch(scratch)
    for environment in (os.environ, os.environb):
        vars(environment)["asked"] = watching.variables
        environment.__class__ = _WatchedEnvironment
    for name in _LOOKING:
        setattr(os, name, _watched(getattr(os, name), watching))
    sys.addaudithook(watching.hear)
    return watching


def _watched(function: Callable[..., Any], watching: Watch) -> Callable[..., Any]:
    @wraps(function)
    def looked(path: Any, *arguments: Any, **named: Any) -> Any:
        watching.look(path)
        return function(path, *arguments, **named)

    # Why: the standard library asks whether these functions take descriptors and links.
    for able in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        if function in able:
            able.add(looked)
    return looked


def _path(given: object) -> str:
    """Return the absolute path that an audit event names; empty for what is none, such as a pipe's descriptor."""
    try:
        if given is None:
            return os.getcwd()  # noqa: PTH109  (os.listdir without a path)
        if isinstance(given, int):
            target = os.readlink(f"/proc/self/fd/{given}")  # noqa: PTH115  (a folder that was opened before)
            return target if target.startswith(os.sep) else ""
        name = os.fsdecode(given)  # type: ignore[arg-type]  # a path, else TypeError
        return os.path.abspath(name) if "\0" not in name else ""  # noqa: PTH100  (Path.resolve follows links)
    except (OSError, TypeError):
        return ""


def _source_of(name: str) -> str:
    """Return the source file of a file of byte code; empty for other files, and where there is no source."""
    if not name.endswith(".pyc"):
        return ""
    try:
        source = source_from_cache(name)
    except (ValueError, RuntimeError):
        return ""
    return source if os.path.isfile(source) else ""  # noqa: PTH113  (called for each import)


def _path_of(module: Any) -> str:
    spec = getattr(module, "__spec__", None)
    name = spec.origin if spec and spec.has_location else getattr(module, "__file__", None)
    return _path(name) if isinstance(name, str) else ""


def _package_of(name: str) -> str:
    """Return the folder or file directly below `site-packages` that contains a path; empty for other paths."""
    for folder in _sites():
        if name.startswith(folder):
            return folder + name.removeprefix(folder).partition(os.sep)[0]
    return ""


@lru_cache(maxsize=1)
def _sites() -> tuple[str, ...]:
    found = {*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_path("purelib")}
    found |= {path for path in sys.path if path.endswith(("site-packages", "dist-packages"))}
    return tuple(sorted(f"{os.path.abspath(path)}{os.sep}" for path in found))  # noqa: PTH100  (see `_path`)


@lru_cache(maxsize=1)
def _library() -> tuple[str, ...]:
    found = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    return tuple(f"{os.path.abspath(path)}{os.sep}" for path in found)  # noqa: PTH100  (see `_path`)


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
