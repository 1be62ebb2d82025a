"""Store of the ledger: an SQLite file beside environments.toml with one permanent row for every run."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as percent

from architect_migrate.core.atomic_files import create_private_folder, is_unwritable
from architect_migrate.core.errors import LedgerError
from architect_migrate.core.secrets import mask
from architect_migrate.databases.registry import access

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path


# Seconds to wait for another process that writes the ledger.
_TIMEOUT = 10.0
# The version of the ledger's own schema, in PRAGMA user_version.
_VERSION = 3
_COLUMNS = """environment TEXT NOT NULL, database TEXT NOT NULL, action TEXT NOT NULL, started_at TEXT NOT NULL,
    seconds REAL NOT NULL, result TEXT NOT NULL, from_heads TEXT NOT NULL, to_heads TEXT NOT NULL, steps TEXT NOT NULL,
    backup TEXT NOT NULL, findings TEXT NOT NULL, detail TEXT NOT NULL, user TEXT NOT NULL, host TEXT NOT NULL,
    command TEXT NOT NULL"""
_SINCE_2 = "facts TEXT NOT NULL DEFAULT '[]'"
_SINCE_3 = "hash TEXT NOT NULL DEFAULT ''"
_EMPTY, _NONE = "'[]'", "''"
_CHECK = "check its folder, its disk and which processes have it open"
_ELSEWHERE = "make its folder writable, or name another one in environments.toml: path in [ledger]"
_LISTS = frozenset({"from_heads", "to_heads", "steps", "findings"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One run; `started_at` is UTC in ISO 8601, `seconds` its duration, `backup` a path or empty.

    `result` is done, failed, blocked, interrupted or noted. `steps` are those that were executed. `facts` are (name,
    value) pairs of its evidence and its proof, for example digests; a name may occur several times. `number` is the
    receipt's, from 1; `hash` covers the entry and the hash of the one before (empty in a ledger of an older archmig).
    `append` assigns both, and masks URLs in every field.
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
    hash: str = field(default="", compare=False)

    def fact(self, name: str) -> str:
        """Return the last fact of this name; empty if there is none."""
        return dict(self.facts).get(name, "")


# The fields that `append` takes from an entry; it assigns number and hash itself.
_NAMES = tuple(each.name for each in fields(Entry) if each.name not in {"number", "hash"})


def append(file: Path, new: Entry) -> int:
    """Add an entry and return its number; create the file (0600) and its folder (0700) if missing. Raises LedgerError.

    A ledger of an older archmig gets the missing columns; its entries remain, and the first new hash covers them.
    """
    with _translated(file):
        _create(file)
        with closing(_open(file, "rw")) as connection:
            # Why IMMEDIATE: the write lock is taken before the last hash is read, so that two processes cannot both
            # continue the same hash.
            connection.execute("BEGIN IMMEDIATE")
            _prepare(connection, file)
            values = [_written(getattr(new, name)) for name in _NAMES]
            number = _highest(connection) + 1
            names = ", ".join(("hash", "id", *_NAMES))
            row = (hashed(_last_hash(connection), (number, *values)), number, *values)
            connection.execute(f"INSERT INTO entry ({names}) VALUES ({', '.join('?' * len(row))})", row)
            connection.execute("COMMIT")
    return number


def _highest(connection: sqlite3.Connection) -> int:
    """Return the highest number ever assigned, 0 in a new ledger.

    Why from sqlite_sequence: it still has the number if the last entries were deleted.
    """
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entry'").fetchone()
    return int(row[0]) if row else 0


def _last_hash(connection: sqlite3.Connection) -> str:
    """Return the hash that the next entry's hash continues."""
    row = connection.execute("SELECT hash FROM entry ORDER BY id DESC LIMIT 1").fetchone()
    return str(row[0]) if row and row[0] else starting(_stored(connection))


def _stored(connection: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Return every row as stored: hash, number, values; oldest first."""
    return connection.execute(f"SELECT {', '.join(('hash', 'id', *_NAMES))} FROM entry ORDER BY id")


def entries(file: Path) -> tuple[Entry, ...]:
    """Return every entry, oldest first; none if there is no file. Raises LedgerError."""
    return _select(file, "ORDER BY id", ())


def last(file: Path, environment: str) -> Entry | None:
    """Return the newest entry of an environment; None if there is none. Raises LedgerError."""
    return latest(file, [environment]).get(environment)


def latest(file: Path, environments: Iterable[str], fact: str = "") -> dict[str, Entry]:
    """Return the newest entry of each environment by its name; with `fact`, the newest with that fact.

    Environments without such an entry are left out. Raises LedgerError.
    """
    newest = {}
    with _reading(file) as (connection, version):
        for name in environments:
            rows = _rows(connection, version, "WHERE environment = ? ORDER BY id DESC", (_written(name),))
            if entry := next((row for row in map(_read, rows) if not fact or row.fact(fact)), None):
                newest[name] = entry
    return newest


def problem(file: Path) -> str:
    """Describe the first sign that the ledger was altered, on one line; empty if there is none.

    Changes to entries without a hash, of an older archmig, show only if made after the first hash. Raises LedgerError.
    """
    with _reading(file) as (connection, version):
        if connection is None or version < 3:
            return ""
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        if not {f"entry_no_{name}" for name in ("update", "delete")} <= {name for (name,) in names}:
            return "the triggers that protect its entries were removed"
        return broken(_stored(connection), _highest(connection))


def entries_of(file: Path, environment: str, action: str) -> tuple[Entry, ...]:
    """Return the entries of one action on an environment, oldest first. Raises LedgerError."""
    values = (_written(environment), action)
    return _select(file, "WHERE environment = ? AND action = ? ORDER BY id", values)


def _select(file: Path, rest: str, values: tuple[object, ...]) -> tuple[Entry, ...]:
    with _reading(file) as (connection, version):
        return tuple(map(_read, _rows(connection, version, rest, values)))


@contextmanager
def _reading(file: Path) -> Iterator[tuple[sqlite3.Connection | None, int]]:
    """Open the ledger read-only in one transaction; yield the connection and its version, or None and 0 without one."""
    with _translated(file):
        if not file.exists():
            yield None, 0
            return
        with closing(_open(file, "ro")) as connection:
            # Why a transaction: the version and all rows are read from one snapshot.
            connection.execute("BEGIN")
            version = _version(connection, file)
            yield connection if version else None, version


def _rows(
    connection: sqlite3.Connection | None, version: int, rest: str, values: tuple[object, ...]
) -> Iterable[tuple[Any, ...]]:
    if connection is None:
        return ()
    names = ", ".join(name for name in _NAMES if name != "facts")
    later = f"{'facts' if version >= 2 else _EMPTY}, id, {'hash' if version >= 3 else _NONE}"
    return connection.execute(f"SELECT {names}, {later} FROM entry {rest}", values)


def _create(file: Path) -> None:
    create_private_folder(file.parent)
    if not file.exists():
        # Why not through SQLite: it would leave the permissions to the umask.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(file, flags, 0o600))


def _open(file: Path, mode: str) -> sqlite3.Connection:
    if not file.is_file():
        raise LedgerError(str(file), "it is a folder" if file.is_dir() else "it is not a file")
    if odd := access.odd_journal(file):
        raise LedgerError(str(file), f"{odd} is not a file", "move that away")
    uri = f"file:{percent(os.fsencode(file))}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=_TIMEOUT, isolation_level=None)


def _version(connection: sqlite3.Connection, file: Path) -> int:
    """Return the version of the ledger's own schema, 0 for a new file. Raises LedgerError for an unknown one."""
    # Why user_version: SQLite stores it in the file's header and leaves its meaning to the application.
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise LedgerError(str(file), f"a newer archmig wrote it (version {version})", "use that archmig")
    if not version and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise LedgerError(str(file), "it is another program's database")
    return int(version)


def _prepare(connection: sqlite3.Connection, file: Path) -> None:
    version = _version(connection, file)
    for column in ((_SINCE_2, _SINCE_3)[version - 1 :]) if version else ():
        connection.execute(f"ALTER TABLE entry ADD COLUMN {column}")
    # Why within the transaction: the version changes together with the columns, or not at all.
    connection.execute(f"PRAGMA user_version = {_VERSION}")
    if version:
        return
    # Why AUTOINCREMENT: the number of a deleted entry is never assigned again, so that the gap shows.
    columns = f"id INTEGER PRIMARY KEY AUTOINCREMENT, {_COLUMNS}, {_SINCE_2}, {_SINCE_3}"
    connection.execute(f"CREATE TABLE entry ({columns}) STRICT")
    connection.execute("CREATE INDEX entry_environment ON entry (environment, id)")
    # Why triggers: they keep other programs from editing entries by accident.
    for change in ("UPDATE", "DELETE"):
        connection.execute(
            f"CREATE TRIGGER entry_no_{change.lower()} BEFORE {change} ON entry "
            "BEGIN SELECT RAISE(ABORT, 'entries of the ledger stay as they are'); END"
        )


def _written(value: object) -> object:
    if isinstance(value, tuple):
        return json.dumps([_item(item) for item in value], ensure_ascii=False)
    # Why float: a REAL column returns 2.0 for 2, and the hash covers the stored value.
    return _plain(value) if isinstance(value, str) else float(value) if isinstance(value, int) else value


def _item(item: object) -> object:
    return [_plain(str(one)) for one in item] if isinstance(item, tuple) else _plain(str(item))


def _plain(text: str) -> str:
    """Mask secrets, and escape lone surrogates, which file names may contain and SQLite cannot store."""
    return mask(text).encode("utf-8", "backslashreplace").decode()


def _read(row: tuple[object, ...]) -> Entry:
    values: dict[str, Any] = dict(zip((*_NAMES, "number", "hash"), row, strict=True))
    lists = {name: tuple(json.loads(values[name])) for name in _LISTS}
    facts = tuple((str(name), str(value)) for name, value in json.loads(values["facts"]))
    return Entry(**{**values, **lists, "facts": facts})


@contextmanager
def _translated(file: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        problem = str(getattr(error, "strerror", None) or error)
        readonly = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY
        advice = _ELSEWHERE if readonly or is_unwritable(error) else _CHECK
        raise LedgerError(str(file), problem, advice) from error
    except (sqlite3.Error, ValueError) as error:
        raise LedgerError(str(file), str(error)) from error


def hashed(before: str, row: Sequence[object]) -> str:
    """Return the SHA-256 hash of a row as stored and the hash of the row before it (empty: there is none)."""
    return hashlib.sha256(json.dumps([before, *row]).encode()).hexdigest()


def starting(rows: Iterable[Sequence[object]]) -> str:
    """Return the hash of all rows (hash, number, values) written without one, which the first hash continues."""
    before = ""
    for _, *row in rows:
        before = hashed(before, row)
    return before


def broken(rows: Iterable[Sequence[Any]], highest: int) -> str:
    """Describe the first altered or missing row; empty if there is none.

    `rows` are (hash, number, values), oldest first; `highest` is the highest number ever assigned.
    """
    before, expected, chained = "", 1, False
    for one, *row in rows:
        if row[0] != expected:
            return _gone(expected, row[0] - 1)
        computed = hashed(before, row)
        if chained and not one:
            return f"entry {expected} has no hash any more"
        if one and one != computed:
            older = " or one before it" if not chained and expected > 1 else ""
            return f"entry {expected}{older} was altered"
        before, expected, chained = computed, expected + 1, bool(one)
    return _gone(expected, highest) if expected <= highest else ""


def _gone(first: int, last: int) -> str:
    return f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"
