"""What a run of the chain's code read, and whether all of it is still the same.

Results of such a run (a replay, the trials of `archmig lint`) are cached under a digest of everything that the run
read: files, the names in folders, environment variables (see `revisions.watch`). Why not a digest of the chain's
folder: revisions import applications, read files beside them, and may lie in several folders.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from functools import lru_cache
from importlib.machinery import all_suffixes
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from architect_migrate.databases.registry import LOCAL, about

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from architect_migrate.model.chain_config import ChainConfig

# The result of a run that is the chain's replay.
REPLAY = "replay"
# The name that stands for the whole environment, which `os.environ.copy()` reads.
EVERY_VARIABLE = "*"
# Variables that a run of the chain's code does not get, so that its result cannot depend on them: they differ from one
# terminal to the next. Python's folders of the user and of temporary files are the run's own.
NOT_PASSED_ON = frozenset({"_", "OLDPWD", "PWD", "SHLVL", "COLUMNS", "LINES", "WINDOWID", "TERM_SESSION_ID"})
_NOT_PASSED_ON = ("XDG_", "SSH_", "ARCHMIG_CACHE", "ARCHMIG_REPLAY", "PYTEST_CURRENT_TEST")
_OF_ITS_OWN = frozenset({"HOME", "TMPDIR"})
# What Python itself reads, before the chain's code asks for anything.
_OF_PYTHON = ("PYTHON", "LC_", "LANG", "TZ")
# Larger files are compared by size and times: reading them at each command would take too long.
_LARGE = 4 << 20
# So many manifests of a chain are kept: what it reads may depend on a variable such as APP_ENV.
_KEPT = 8


class Reads(NamedTuple):
    """What a run read, by absolute paths.

    `files` are compared by their contents; `packages` are files of installed packages, compared by size and time.
    `folders` were listed by the chain's code; `searched` were listed by imports, where only the names in `modules`
    matter. `asked` are paths that the code looked at without opening them (`Path.exists`). `variables` may contain `*`.
    Why a NamedTuple: it is JSON as it is. To copy thousands of paths for it takes longer than to look at their files.
    """

    files: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


def disk_state(reads: Reads) -> str:
    """Return a digest of everything on disk that a run read, as it is now."""
    digest = hashlib.blake2b(_names(reads), digest_size=16)
    names = frozenset(reads.modules)
    for path in reads.files:
        digest.update(os.fsencode(path))
        digest.update(content(path))
    states = (
        [installed_state(path) for path in reads.packages],
        [listed(path) for path in reads.folders],
        [importable(path, names) for path in reads.searched],
        [kind(path) for path in reads.asked],
    )
    digest.update(repr(states).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


# Why cached: the names are a thousand, and a command on many environments goes through them for each chain it looks up.
@lru_cache(maxsize=16)
def _names(reads: Reads) -> bytes:
    """Return a digest of the names of what a run read."""
    return hashlib.blake2b(repr(reads).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def digest_of(chain: str, result: str, reads: Reads, on_disk: str, environ: Mapping[str, str]) -> str:
    """Return the digest under which one result of a run is cached, from the digest of what it read on disk.

    `chain` is the identity of its configuration (see `identity_of`), here and below.
    """
    values = sorted(_values(reads, environ))
    parts = (chain, result, sys.version_info, about(LOCAL).version()[1], _of_archmig(), on_disk, values)
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def identity_of(chain: ChainConfig) -> str:
    """Return a digest that tells the configurations of chains apart: their places, and what their code is given.

    Why the place of alembic.ini: projects share nothing, whatever is in them. What one of them does may depend on where
    it is.
    """
    places = (os.path.realpath(chain.ini), os.path.realpath(chain.root), chain.section)
    given = (
        *places,
        chain.x,
        chain.variables,
        chain.app,
        chain.engine,
        chain.baseline,
        chain.baseline_at,
        chain.versions,
        chain.kind,
        chain.release,
        chain.schema,
    )
    return hashlib.blake2b(repr(given).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def passed_on(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that a run of the chain's code gets."""
    return {name: value for name, value in environ.items() if name not in NOT_PASSED_ON and not _is_ours(name)}


def _is_ours(name: str) -> bool:
    return name.startswith(_NOT_PASSED_ON)


def _values(reads: Reads, environ: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    passed = {name: value for name, value in passed_on(environ).items() if name not in _OF_ITS_OWN}
    every = EVERY_VARIABLE in reads.variables
    for name, value in passed.items():
        if every or name.startswith(_OF_PYTHON):
            yield name, value
    for name in () if every else reads.variables:
        yield name, passed.get(name)


def content(path: str) -> bytes:
    """Return a file's contents, or what stands for them: its size and times if it is large, the error's name."""
    try:
        # Why open and not Path: a chain may have thousands of files, and making a Path takes longer than reading one.
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            found = os.fstat(file.fileno())
            if found.st_size > _LARGE:
                return repr(file_state(path)).encode()
            return hashlib.blake2b(file.read(), digest_size=16).digest()
    except OSError as error:
        return type(error).__name__.encode()


def file_state(path: str) -> tuple[int, ...]:
    """Return what changes whenever a file is written to, and empty for a missing one."""
    try:
        found = os.stat(path)  # noqa: PTH116  (see `content`)
    except OSError:
        return ()
    # Why st_ctime_ns: st_mtime_ns can be set back, by a checkout for example.
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def installed_state(path: str) -> tuple[int, int]:
    """Return size and time of an installed file. Why whole seconds: layers of container images keep no more."""
    try:
        found = os.stat(path)  # noqa: PTH116  (see `content`)
    except OSError:
        return (-1, -1)
    return (found.st_size, found.st_mtime_ns // 1_000_000_000)


def listed(path: str) -> tuple[str, ...]:
    """Return the sorted names in a folder; the error's name if it cannot be read."""
    try:
        # Why without byte code: Python writes it when something imports the files beside it.
        return tuple(sorted(name for name in os.listdir(path) if name != "__pycache__"))  # noqa: PTH208
    except OSError as error:
        return ("", type(error).__name__)


def importable(path: str, names: frozenset[str]) -> tuple[str, ...]:
    """Return the names in a folder that an import of one of the modules `names` would find."""
    found = (name for name in listed(path) if _module(name) in names)
    # Why the folder: a file without a suffix, such as a log beside alembic.ini, is no module.
    return tuple(name for name in found if _module(name) != name or os.path.isdir(f"{path}{os.sep}{name}"))  # noqa: PTH112  (see `content`)


@lru_cache(maxsize=1)
def _suffixes() -> tuple[str, ...]:
    return tuple(sorted(all_suffixes(), key=len, reverse=True))


def _module(name: str) -> str:
    return next((name.removesuffix(suffix) for suffix in _suffixes() if name.endswith(suffix)), name)


def kind(path: str) -> str:
    """Return what is at a path: nothing, a file, a folder, or a link with its target."""
    if os.path.islink(path):  # noqa: PTH114  (see `content`)
        with suppress(OSError):
            return f"{os.readlink(path)} -> {kind(os.path.realpath(path))}"  # noqa: PTH115  (for the same reason)
    return "folder" if os.path.isdir(path) else "file" if os.path.exists(path) else ""  # noqa: PTH110, PTH112


@lru_cache(maxsize=1)
def _of_archmig() -> str:
    """Return a digest of path, time and size of archmig's files, and of the first file of Alembic and of SQLAlchemy.

    Why not version numbers: reading them would import the packages, and they do not change while archmig is edited.
    """
    root = str(Path(__file__).parents[1])
    own = [f"{folder}{os.sep}{name}" for folder, _, names in os.walk(root) for name in names if name.endswith(".py")]
    specs = [find_spec(package) for package in ("alembic", "sqlalchemy")]
    paths = sorted(own) + [spec.origin for spec in specs if spec and spec.origin]
    # Why os.stat: for two hundred files at each command, `Path.rglob` and `Path.stat` take twice as long.
    stats = [(path, os.stat(path)) for path in paths]  # noqa: PTH116  (for the same reason)
    states = [(path, one.st_mtime_ns, one.st_size) for path, one in stats]
    return hashlib.blake2b(repr(states).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def cached_digest(cache: Path, chain: str, result: str, environ: Mapping[str, str]) -> str:
    """Return the digest of a cached result of the chain if everything that its run read is the same; else empty."""
    for reads, digests in _manifests(cache, chain, result):
        now = digest_of(chain, result, reads, disk_state(reads), environ)
        if now in digests:
            return now
    return ""


def remember_reads(cache: Path, chain: str, result: str, reads: Reads, digest: str) -> None:
    """Note under which digest the result of a run with these reads is cached. Raises OSError."""
    from architect_migrate.core.atomic_files import write_atomically

    known = _manifests(cache, chain, result)
    same = [each for old, digests in known if old == reads for each in digests if each != digest]
    others = [(old, digests) for old, digests in known if old != reads]
    kept = [(reads, [digest, *same][:_KEPT]), *others][:_KEPT]
    text = json.dumps([[each, digests] for each, digests in kept], separators=(",", ":"))
    write_atomically(_manifest(cache, chain, result), text)


def _manifest(cache: Path, chain: str, result: str) -> Path:
    """Return the file of a chain's manifests."""
    key = hashlib.blake2b(os.fsencode(f"{chain}\0{result}"), digest_size=16).hexdigest()
    return cache / f"{key}.reads.json"


def _manifests(cache: Path, chain: str, result: str) -> list[tuple[Reads, list[str]]]:
    try:
        stored: list[Any] = json.loads(_manifest(cache, chain, result).read_bytes())
        return [(reads_of(fields), list(digests)) for fields, digests in stored]
    except (OSError, ValueError, TypeError):
        return []


def reads_of(fields: list[list[str]]) -> Reads:
    """Return the Reads of a JSON array of its fields. Raises TypeError."""
    return Reads(*(tuple(one) for one in fields))
