"""The ledger: one SQLite file beside environments.toml in which every run leaves one row, for good."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as percent

from architect_migrate.core.atomic_files import private_folder
from architect_migrate.core.errors import LedgerError
from architect_migrate.core.secrets import mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path


_TIMEOUT = 10.0
_VERSION = 3
_COLUMNS = """environment TEXT NOT NULL, database TEXT NOT NULL, action TEXT NOT NULL, started_at TEXT NOT NULL,
    seconds REAL NOT NULL, result TEXT NOT NULL, from_heads TEXT NOT NULL, to_heads TEXT NOT NULL, steps TEXT NOT NULL,
    backup TEXT NOT NULL, findings TEXT NOT NULL, detail TEXT NOT NULL, user TEXT NOT NULL, host TEXT NOT NULL,
    command TEXT NOT NULL"""
_SINCE_2 = "facts TEXT NOT NULL DEFAULT '[]'"
_SINCE_3 = "hash TEXT NOT NULL DEFAULT ''"
_EMPTY, _NONE = "'[]'", "''"
_LISTS = frozenset({"from_heads", "to_heads", "steps", "findings"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One run: `started_at` is UTC in ISO 8601, `result` done, failed, blocked or interrupted, `backup` a path or "".

    `steps` are those that were executed, `facts` (name, value) pairs of what it went by and what it proved, digests for
    example; a name may come several times. `number` is the receipt's, from 1, and `hash` that of the entry and the one
    before it (empty in a ledger of an older archmig); both are the ledger's to give. URLs in any field are masked when
    the entry is written.
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
        """The fact of this name; empty where there is none."""
        return dict(self.facts).get(name, "")


# What is written; number and hash are the ledger's own to give.
_NAMES = tuple(each.name for each in fields(Entry) if each.name not in {"number", "hash"})


def append(file: Path, new: Entry) -> int:
    """Add an entry and return its number, making the file (0600) and its folder (0700) if need be; raises LedgerError.

    A ledger of an older archmig gets the columns that it lacks; its entries stay, and the first new hash covers them.
    """
    with _translated(file):
        _create(file)
        with closing(_open(file, "rw")) as connection:
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
    """The highest number that was ever given, 0 in a new ledger."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entry'").fetchone()
    return int(found[0]) if found else 0


def _last_hash(connection: sqlite3.Connection) -> str:
    """The hash that the next entry goes on from."""
    found = connection.execute("SELECT hash FROM entry ORDER BY id DESC LIMIT 1").fetchone()
    return str(found[0]) if found and found[0] else starting(_stored(connection))


def _stored(connection: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Every row as it is stored: hash, number, values; oldest first."""
    return connection.execute(f"SELECT {', '.join(('hash', 'id', *_NAMES))} FROM entry ORDER BY id")


def entries(file: Path) -> tuple[Entry, ...]:
    """Every entry, oldest first; none where there is no file. Raises LedgerError."""
    return _select(file, "ORDER BY id", ())


def last(file: Path, environment: str) -> Entry | None:
    """The newest entry of an environment. Raises LedgerError."""
    return latest(file, [environment]).get(environment)


def latest(file: Path, environments: Iterable[str], fact: str = "") -> dict[str, Entry]:
    """The newest entry of each environment by its name, or its newest that has a certain fact. Raises LedgerError."""
    found = {}
    with _reading(file) as (connection, version):
        for name in environments:
            rows = _rows(connection, version, "WHERE environment = ? ORDER BY id DESC", (_written(name),))
            if newest := next((row for row in map(_read, rows) if not fact or row.fact(fact)), None):
                found[name] = newest
    return found


def problem(file: Path) -> str:
    """What speaks against the ledger being as archmig wrote it, in a line; empty where nothing does.

    Of entries that an older archmig wrote only what came since the first hash is told. Raises LedgerError.
    """
    with _reading(file) as (connection, version):
        if connection is None or version < 3:
            return ""
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        if not {f"entry_no_{name}" for name in ("update", "delete")} <= {name for (name,) in names}:
            return "the triggers that keep its entries as they are have been taken away"
        return broken(_stored(connection), _highest(connection))


def entries_of(file: Path, environment: str, action: str) -> tuple[Entry, ...]:
    """The entries of one action on an environment, oldest first. Raises LedgerError."""
    values = (_written(environment), action)
    return _select(file, "WHERE environment = ? AND action = ? ORDER BY id", values)


def _select(file: Path, rest: str, values: tuple[object, ...]) -> tuple[Entry, ...]:
    with _reading(file) as (connection, version):
        return tuple(map(_read, _rows(connection, version, rest, values)))


@contextmanager
def _reading(file: Path) -> Iterator[tuple[sqlite3.Connection | None, int]]:
    """A connection that cannot write, in one transaction, and the ledger's version; None and 0 where none is there."""
    with _translated(file):
        if not file.exists():
            yield None, 0
            return
        with closing(_open(file, "ro")) as connection:
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
    private_folder(file.parent)
    if not file.exists():
        # Not through SQLite, which would leave the permissions to the umask.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(file, flags, 0o600))


def _open(file: Path, mode: str) -> sqlite3.Connection:
    if not file.is_file():
        raise LedgerError(str(file), "it is a folder" if file.is_dir() else "it is no file")
    uri = f"file:{percent(os.fsencode(file))}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=_TIMEOUT, isolation_level=None)


def _version(connection: sqlite3.Connection, file: Path) -> int:
    """The version of the ledger's own schema, 0 for a new file; raises for one that this archmig does not know."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise LedgerError(str(file), f"a newer archmig wrote it (version {version})", "use that one")
    if not version and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise LedgerError(str(file), "it is a database of something else")
    return int(version)


def _prepare(connection: sqlite3.Connection, file: Path) -> None:
    version = _version(connection, file)
    for column in ((_SINCE_2, _SINCE_3)[version - 1 :]) if version else ():
        connection.execute(f"ALTER TABLE entry ADD COLUMN {column}")
    connection.execute(f"PRAGMA user_version = {_VERSION}")
    if version:
        return
    columns = f"id INTEGER PRIMARY KEY AUTOINCREMENT, {_COLUMNS}, {_SINCE_2}, {_SINCE_3}"
    connection.execute(f"CREATE TABLE entry ({columns}) STRICT")
    connection.execute("CREATE INDEX entry_environment ON entry (environment, id)")
    for change in ("UPDATE", "DELETE"):
        connection.execute(
            f"CREATE TRIGGER entry_no_{change.lower()} BEFORE {change} ON entry "
            "BEGIN SELECT RAISE(ABORT, 'entries of the ledger stay as they are'); END"
        )


def _written(value: object) -> object:
    if isinstance(value, tuple):
        return json.dumps([_item(item) for item in value], ensure_ascii=False)
    # A REAL column gives 2.0 back for 2, and the hash is of what is stored.
    return _plain(value) if isinstance(value, str) else float(value) if isinstance(value, int) else value


def _item(item: object) -> object:
    return [_plain(str(one)) for one in item] if isinstance(item, tuple) else _plain(str(item))


def _plain(text: str) -> str:
    """Without secrets, and without the halves of characters that a file name may bring along."""
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
        raise LedgerError(str(file), problem, "see to its folder, its disk and who else has it open") from error
    except (sqlite3.Error, ValueError) as error:
        raise LedgerError(str(file), str(error)) from error


def hashed(before: str, row: Sequence[object]) -> str:
    """The hash (SHA-256) of a row as it is stored, after the hash of the row before it (empty: there is none)."""
    return hashlib.sha256(json.dumps([before, *row]).encode()).hexdigest()


def starting(rows: Iterable[Sequence[object]]) -> str:
    """What the first hash goes on from: the rows (hash, number, values) that were written without one."""
    before = ""
    for _, *row in rows:
        before = hashed(before, row)
    return before


def broken(rows: Iterable[Sequence[Any]], highest: int) -> str:
    """The first place at which rows (hash, number, values), oldest first, are not what was written; empty: none is.

    `highest` is the highest number that was given.
    """
    before, expected, chained = "", 1, False
    for one, *row in rows:
        if row[0] != expected:
            return _gone(expected, row[0] - 1)
        its = hashed(before, row)
        if chained and not one:
            return f"entry {expected} has lost its hash"
        if one and one != its:
            older = " or one before it" if not chained and expected > 1 else ""
            return f"entry {expected}{older} is not what was written"
        before, expected, chained = its, expected + 1, bool(one)
    return _gone(expected, highest) if expected <= highest else ""


def _gone(first: int, last: int) -> str:
    return f"entry {first} is gone" if first == last else f"entries {first} to {last} are gone"
