"""Backups of PostgreSQL databases: the archive that pg_dump makes of the schema, with all of its rows."""

from __future__ import annotations

import hashlib
import os
import subprocess
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from architect_migrate.core.atomic_files import create_private_folder, draft, sweep, sync
from architect_migrate.core.backup_files import publish
from architect_migrate.core.database_errors import ArchiveProgramError, BackupError, RestoreError
from architect_migrate.core.names import quote
from architect_migrate.core.text import shortlist
from architect_migrate.core.urls import DatabaseUrl
from architect_migrate.databases.postgresql.archive import contents, last_words, opened
from architect_migrate.databases.postgresql.catalog import OWN
from architect_migrate.databases.postgresql.connection import reading
from architect_migrate.databases.postgresql.content import counted, objects_of
from architect_migrate.databases.postgresql.pinned import current_schema, query
from architect_migrate.databases.postgresql.programs import clients
from architect_migrate.databases.postgresql.urls import libpq_uri
from architect_migrate.databases.values import Backup, no_progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from architect_migrate.databases.base import Place
    from architect_migrate.databases.values import Recorded

# How long to wait for the application's locks, in milliseconds.
_WAIT = 30_000
_MOMENT = """SELECT pg_export_snapshot(), pg_snapshot_xmin(pg_current_snapshot())::text,
                    current_setting('bytea_output'), set_config('idle_in_transaction_session_timeout', '0', true)"""

# pg_dump reads all rows or fails, so what it says of such a table is not told before hours of dumping.
_HIDDEN = f"""SELECT relname FROM pg_class WHERE {OWN} AND relkind IN ('r', 'p') AND row_security_active(oid)
              ORDER BY relname"""


def take(place: Place, folder: Path, name: str, *, progress: Callable[[str], None] = no_progress) -> Backup:
    """Dump the schema of a database to `folder`/`name`-TIME-N.dump, and read the archive through.

    pg_dump reads all tables as of one moment, and waits for no writer. Only its owner can read the file. Raises
    BackupError, and as opening the database does; no file is left then.
    """
    assert isinstance(place, DatabaseUrl)
    try:
        create_private_folder(folder)
        sweep(folder)
        with draft(folder) as copy:
            content, since = _dumped(place, copy, progress)
            sync(copy)
            final = publish(copy, folder, name, ".dump")
    except RestoreError as error:
        raise BackupError(str(place), error.problem) from error
    except OSError as error:
        raise BackupError(str(folder), error.strerror or str(error)) from error
    return Backup(final, final.stat().st_size, content, file_digest(final), since)


def _dumped(place: DatabaseUrl, copy: Path, progress: Callable[[str], None]) -> tuple[Recorded, str]:
    """Dump to a file; return what it holds, and the moment of the dump (see `Backup.since`)."""
    with reading(place) as connection:
        schema, release = current_schema(connection), connection.info.server_version // 10_000
        programs = clients(release)
        if programs is None:
            problem = f"pg_dump of PostgreSQL {release} or newer is not installed"
            raise BackupError(str(place), problem, "install it, or `pip install archmig[postgresql-server]`")
        if hidden := [str(name) for (name,) in query(connection, _HIDDEN).fetchall()]:
            problem = f"row level security hides rows of {shortlist(hidden, 3)} from the role"
            raise BackupError(str(place), problem, "nothing was changed: run this as a role with BYPASSRLS")
        progress("dumping")
        objects = objects_of(connection)
        # Why the snapshot: objects and rows are to be those of the same moment.
        snapshot, since, as_bytes, _ = query(connection, _MOMENT).fetchone() or ("", "", "", "")
        options = ["--format=custom", "--no-password", f"--lock-wait-timeout={_WAIT}", f"--snapshot={snapshot}"]
        options += ["--schema", quote(schema), "--file", str(copy)]
        _run([str(programs / "pg_dump"), *options], place, "" if as_bytes == "hex" else "-c bytea_output=hex")
    progress("reading the backup")
    return counted(opened(copy), objects), str(since)


def damage(archive: Path) -> str:
    """Return why an archive cannot be read to its end; empty if it can. Raises ArchiveProgramError."""
    try:
        for _ in contents(opened(archive)):
            pass
    except ArchiveProgramError:
        raise
    except RestoreError as error:
        return error.problem
    return ""


def file_digest(path: Path) -> str:
    """Return the digest of a file's bytes. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _run(command: list[str], place: DatabaseUrl, settings: str) -> None:
    """Run a program on a database, with settings. Why no URL: other users see the arguments of a process."""
    # Why in UTC: values are compared with the archive as they are written there.
    surroundings = {**os.environ, "PGTZ": "UTC"}
    done = subprocess.run(
        [*command, "--dbname", _without_password(place, surroundings, settings)],
        capture_output=True,
        text=True,
        check=False,
        env=surroundings,
    )
    if done.returncode:
        raise BackupError(str(place), last_words(done.stderr))


def _without_password(place: DatabaseUrl, surroundings: dict[str, str], settings: str) -> str:
    """The connection string without its password, which is put into the surroundings."""
    given = conninfo_to_dict(libpq_uri(place.raw))
    if password := given.pop("password", None):
        surroundings["PGPASSWORD"] = str(password)
    if settings:
        given["options"] = f"{given.get('options') or os.environ.get('PGOPTIONS', '')} {settings}".strip()
    return make_conninfo("", **given)
