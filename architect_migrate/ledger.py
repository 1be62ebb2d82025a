"""The ledger: one SQLite file beside environments.toml in which every run leaves one row, for good."""

from __future__ import annotations

import getpass
import json
import os
import socket
import sqlite3
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as percent

from architect_migrate.errors import LedgerError
from architect_migrate.urls import mask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TIMEOUT = 10.0
_VERSION = 2
_COLUMNS = """environment TEXT NOT NULL, database TEXT NOT NULL, action TEXT NOT NULL, started_at TEXT NOT NULL,
    seconds REAL NOT NULL, result TEXT NOT NULL, from_heads TEXT NOT NULL, to_heads TEXT NOT NULL, steps TEXT NOT NULL,
    backup TEXT NOT NULL, findings TEXT NOT NULL, detail TEXT NOT NULL, user TEXT NOT NULL, host TEXT NOT NULL,
    command TEXT NOT NULL"""
_SINCE_2 = "facts TEXT NOT NULL DEFAULT '[]'"
_LISTS = frozenset({"from_heads", "to_heads", "steps", "findings"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One run: `started_at` is UTC in ISO 8601, `result` done, failed, blocked or nothing, `backup` a path or empty.

    `facts` are (name, value) pairs of what it went by and what it proved, digests for example; `number` is the
    receipt's, from 1, given by the ledger. URLs in any field are masked when the entry is written.
    """

    environment: str
    database: str
    action: str
    started_at: str
    seconds: float
    result: str
    from_heads: tuple[str, ...] = ()
    to_heads: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    backup: str = ""
    findings: tuple[str, ...] = ()
    detail: str = ""
    user: str = ""
    host: str = ""
    command: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    number: int = field(default=0, compare=False)

    def fact(self, name: str) -> str:
        """The fact of this name; empty where there is none."""
        return dict(self.facts).get(name, "")


# What is written; the number is the ledger's own to give.
_NAMES = tuple(it.name for it in fields(Entry) if it.name != "number")


def entry(
    *,
    environment: str,
    database: str,
    action: str,
    started: float,
    result: str,
    from_heads: tuple[str, ...] = (),
    to_heads: tuple[str, ...] = (),
    steps: tuple[str, ...] = (),
    backup: str = "",
    findings: tuple[str, ...] = (),
    detail: str = "",
    facts: tuple[tuple[str, str], ...] = (),
) -> Entry:
    """The entry of a run of this process that ends now; `started` is of time.time()."""
    return Entry(
        environment=environment,
        database=database,
        action=action,
        started_at=datetime.fromtimestamp(started, UTC).isoformat(timespec="milliseconds"),
        seconds=round(time.time() - started, 3),
        result=result,
        from_heads=from_heads,
        to_heads=to_heads,
        steps=steps,
        backup=backup,
        findings=findings,
        detail=detail,
        user=_user(),
        host=socket.gethostname(),
        command=" ".join(sys.argv),
        facts=facts,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that nobody has a name for
        return str(os.getuid())


def append(file: Path, new: Entry) -> int:
    """Add an entry and return its number, making the file (0600) and its folder (0700) if need be; raises LedgerError.

    A ledger of an older archmig gets the columns that it lacks.
    """
    with _translated(file):
        _create(file)
        with closing(_open(file, "rw")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            _prepare(connection, file)
            values = [_written(getattr(new, name)) for name in _NAMES]
            marks = ", ".join("?" * len(values))
            number = connection.execute(f"INSERT INTO entry ({', '.join(_NAMES)}) VALUES ({marks})", values).lastrowid
            connection.execute("COMMIT")
    return number or 0


def entries(file: Path) -> tuple[Entry, ...]:
    """Every entry, oldest first; none where there is no file. Raises LedgerError."""
    return _select(file, "ORDER BY id", ())


def last(file: Path, environment: str) -> Entry | None:
    """The newest entry of an environment. Raises LedgerError."""
    found = _select(file, "WHERE environment = ? ORDER BY id DESC LIMIT 1", (_written(environment),))
    return found[0] if found else None


def entries_of(file: Path, environment: str, action: str) -> tuple[Entry, ...]:
    """The entries of one action on an environment, oldest first. Raises LedgerError."""
    values = (_written(environment), action)
    return _select(file, "WHERE environment = ? AND action = ? ORDER BY id", values)


def _select(file: Path, rest: str, values: tuple[object, ...]) -> tuple[Entry, ...]:
    with _translated(file):
        if not file.exists():
            return ()
        with closing(_open(file, "ro")) as connection:
            version = _version(connection, file)
            if not version:
                return ()
            names = ", ".join(it for it in _NAMES if it != "facts")
            facts = "facts" if version >= 2 else "'[]'"
            rows = connection.execute(f"SELECT {names}, {facts}, id FROM entry {rest}", values).fetchall()
            return tuple(_read(row) for row in rows)


def _create(file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        # Not through SQLite, which would leave the permissions to the umask.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(file, flags, 0o600))


def _open(file: Path, mode: str) -> sqlite3.Connection:
    if file.is_dir():
        raise LedgerError(str(file), "it is a folder")
    uri = f"file:{percent(os.fsencode(file))}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=_TIMEOUT, isolation_level=None)


def _version(connection: sqlite3.Connection, file: Path) -> int:
    """The version of the ledger's own schema, 0 for a new file; raises for one that this archmig does not know."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise LedgerError(str(file), f"a newer archmig wrote it (version {version})")
    if not version and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise LedgerError(str(file), "it is a database of something else")
    return int(version)


def _prepare(connection: sqlite3.Connection, file: Path) -> None:
    version = _version(connection, file)
    if version == 1:
        connection.execute(f"ALTER TABLE entry ADD COLUMN {_SINCE_2}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    if version:
        return
    connection.execute(f"CREATE TABLE entry (id INTEGER PRIMARY KEY AUTOINCREMENT, {_COLUMNS}, {_SINCE_2}) STRICT")
    connection.execute("CREATE INDEX entry_environment ON entry (environment, id)")
    for change in ("UPDATE", "DELETE"):
        connection.execute(
            f"CREATE TRIGGER entry_no_{change.lower()} BEFORE {change} ON entry "
            "BEGIN SELECT RAISE(ABORT, 'entries of the ledger stay as they are'); END"
        )
    connection.execute(f"PRAGMA user_version = {_VERSION}")


def _written(value: object) -> object:
    if isinstance(value, tuple):
        return json.dumps([_item(item) for item in value], ensure_ascii=False)
    return _plain(value) if isinstance(value, str) else value


def _item(item: object) -> object:
    return [_plain(str(it)) for it in item] if isinstance(item, tuple) else _plain(str(item))


def _plain(text: str) -> str:
    """Without secrets, and without the halves of characters that a file name may bring along."""
    return mask(text).encode("utf-8", "backslashreplace").decode()


def _read(row: tuple[object, ...]) -> Entry:
    values: dict[str, Any] = dict(zip((*_NAMES, "number"), row, strict=True))
    lists = {name: tuple(json.loads(values[name])) for name in _LISTS}
    facts = tuple((str(name), str(value)) for name, value in json.loads(values["facts"]))
    return Entry(**{**values, **lists, "facts": facts})


@contextmanager
def _translated(file: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, ValueError) as error:
        raise LedgerError(str(file), str(error)) from error
