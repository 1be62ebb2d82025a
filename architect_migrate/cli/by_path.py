"""Databases that are named by their files: --db PATH, --db PATTERN, and a pattern that the shell expanded."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.config.context import backups_of, kept_for, ledger_of
from architect_migrate.config.file_patterns import is_pattern, matching
from architect_migrate.config.loader import environment_at
from architect_migrate.core.database_errors import BackupError, NamedFileMissingError
from architect_migrate.core.errors import LedgerError, UsageError, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from architect_migrate.model.environment import Environment, ProjectConfig

# Commands that tell what was, or bring it back: they also take a database that is gone, if archmig knows it.
_OF_THE_PAST = frozenset({"backup list", "backup prune", "backup restore", "backup verify", "log", "undo"})


def environments_by_path(project: ProjectConfig, paths: Iterable[Path], command: str) -> tuple[Environment, ...]:
    """The environments of files that are there. Raises NamedFileMissingError, UsageError, and as `environment_at`."""
    files = [file for path in paths for file in _files(project, path)]
    return tuple(existing(project, file, command) for file in files)


def existing(project: ProjectConfig, file: Path, command: str) -> Environment:
    """The environment of a file that is there, or that a command of the past may name. Raises NamedFileMissingError."""
    environment = environment_at(project, file)
    if _is_missing(file) and not (command in _OF_THE_PAST and _is_known(project, environment)):
        raise NamedFileMissingError(os.fspath(Path.cwd() / file), *_advice(project, environment, file))
    return environment


def files_among(words: Sequence[str], paths: Sequence[Path]) -> tuple[list[str], list[Path]]:
    """Tell words from files that lie beside one of --db and end like it: the shell wrote them for a pattern."""
    like = {(path.parent, path.suffix) for path in paths if path.suffix}
    files = [word for word in words if (Path(word).parent, Path(word).suffix) in like and Path(word).is_file()]
    return [word for word in words if word not in files], [Path(word) for word in files]


def _files(project: ProjectConfig, path: Path) -> Iterator[Path]:
    """Yield the files that a pattern matches, or the path itself. Why not where it exists: a name may have a *."""
    if not is_pattern(path) or os.path.lexists(path):
        yield path
        return
    here = Path.cwd()
    found = matching(here / path, kept_for(project))
    if not found.files:
        why = "; ".join(found.unread) or f"no file matches in {found.folder}"
        raise UsageError(f"--db {str(path)!r}: {why}", "correct the pattern")
    yield from (file.written if path.is_absolute() else file.written.relative_to(here) for file in found.files)


def _is_missing(file: Path) -> bool:
    """Whether there is certainly no file; one in a folder that cannot be searched is reported by who opens it."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _is_known(project: ProjectConfig, environment: Environment) -> bool:
    """Whether the ledger has an entry of a database, or there is a backup of it."""
    from architect_migrate.backups.record import copies
    from architect_migrate.ledger import store

    known = list[str]()
    with suppress(LedgerError):
        known += [entry.database for entry in store.entries(ledger_of(project))]
    with suppress(BackupError):
        known += [copy.record.database for copy in copies(backups_of(project)) if copy.record]
    return str(environment.url) in known


def _advice(project: ProjectConfig, environment: Environment, file: Path) -> tuple[str, ...]:
    from difflib import get_close_matches  # only a missing file pays for the import

    if environment in project.environments:
        return (f"nothing was created: name the environment instead, with -e {environment.name}",)
    beside = matching((Path.cwd() / file).parent / "*", kept_for(project)).files
    # Why without their suffixes: with an equal one, all short names are similar.
    known = {each.written.stem.lower(): each.written.name for each in beside}
    close = get_close_matches(file.stem[:80].lower(), known, n=1, cutoff=0.6)
    return (f"nothing was created: did you mean {shortened(known[close[0]])}?",) if close else ()
