"""The oracle's reading of a database: every fact of its schema, its rows and its stamp, and a digest of all of it."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from truth.constraints import Constraints, constraints
from truth.tokens import normal, table_text, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Key = tuple[str, ...]
Row = dict[str, object]
VERSIONS = "alembic_version"


@dataclass(frozen=True, slots=True)
class Content:
    """`facts` of the schema by key; `rows` by table; the rows of Alembic's table as `stamp` (None: no such table)."""

    facts: Mapping[Key, str]
    rows: Mapping[str, tuple[Row, ...]]
    stamp: tuple[str, ...] | None
    digest: str

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(key[1] for key in self.facts if key[0] == "table")


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def opened(image: bytes) -> Iterator[sqlite3.Connection]:
    """A connection to a database in memory that begins as `image`; each statement commits."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        if image:
            connection.deserialize(image)
        yield connection


def content_of(image: bytes) -> Content:
    with opened(image) as connection:
        return content(connection)


def content_at(path: Path) -> Content:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return content(connection)


def content(connection: sqlite3.Connection) -> Content:
    master = connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1, 2"
    ).fetchall()
    tables = [(str(name), str(sql)) for kind, name, _, sql in master if kind == "table"]
    rows = {name: rows_of(connection, name) for name, _ in tables}
    stamp = tuple(sorted(str(row["version_num"]) for row in rows[VERSIONS])) if VERSIONS in rows else None
    digest = hashlib.sha256(repr((master, sorted(rows.items()))).encode()).hexdigest()
    return Content(dict(_facts(connection, master)), rows, stamp, digest)


def rows_of(connection: sqlite3.Connection, table: str) -> tuple[Row, ...]:
    found = connection.execute(f"SELECT * FROM {quote(table)}")
    names = [column[0].lower() for column in found.description]
    return tuple(dict(zip(names, row, strict=True)) for row in found.fetchall())


def columns_of(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    return tuple(str(row[1]).lower() for row in connection.execute(f"PRAGMA table_info({quote(table)})"))


def texts(connection: sqlite3.Connection, kind: str, table: str = "") -> dict[str, str]:
    """The stored texts of all objects of a kind (on one table), by name; none for indexes of constraints."""
    return {
        str(name): str(sql)
        for name, owner, sql in connection.execute(
            "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = ? AND sql IS NOT NULL ORDER BY name", (kind,)
        )
        if not table or owner.lower() == table.lower()
        if name not in {VERSIONS, "sqlite_sequence"}
    }


def _facts(connection: sqlite3.Connection, master: list[tuple[str, str, str, str]]) -> Iterator[tuple[Key, str]]:
    for kind, name, table, sql in master:
        if VERSIONS in {name.lower(), table.lower()}:
            continue
        match kind:
            case "table":
                yield from _table_facts(connection, name, sql)
            case "index":
                if sql:
                    yield ("index", name.lower()), _index(connection, name, table, sql)
            case _:
                yield (kind, name.lower()), normal(sql).replace(" temp ", " ")


def _index(connection: sqlite3.Connection, name: str, table: str, sql: str) -> str:
    """What an index says, its name left out: the table, whether unique, its columns and its WHERE."""
    found = tokens(sql)
    start = next(number for number, token in enumerate(found) if token.is_word("on"))
    unique = any(token.is_word("unique") for token in found[:2])
    terms = connection.execute(f"PRAGMA index_xinfo({quote(name)})").fetchall()
    collations = [str(term[4]).lower() for term in terms if term[5]]
    text = " ".join(token.text for token in found[start + 2 :])
    return f"{'unique ' * unique}on {table.lower()} {text} {collations}"


def _table_facts(connection: sqlite3.Connection, name: str, sql: str) -> Iterator[tuple[Key, str]]:
    table = name.lower()
    try:
        text = table_text(sql)
    except ValueError:
        yield ("table", table), normal(sql)
        return
    yield ("table", table), normal(text.after)
    for row in connection.execute(f"PRAGMA table_xinfo({quote(name)})").fetchall():
        column = str(row[1]).lower()
        yield ("column", table, column), "there"
        yield ("type", table, column), str(row[2]).upper()
        yield ("not null", table, column), str(row[3])
        # DEFAULT NULL is what a column without a default does.
        yield ("default", table, column), normal(row[4]).removeprefix("null")
        yield ("generated", table, column), str(row[6])
    found = constraints(text)
    for column, collation in found.collations:
        yield ("collation", table, column), collation
    keys = {parent: _primary_key(connection, parent) for parent in {key.parent for key in found.foreign_keys}}
    counted: Counter[Key] = Counter()
    counted.update(("unique", table, ", ".join(columns), label) for columns, label in found.uniques)
    counted.update(("check", table, expression, label) for expression, label in found.checks)
    counted.update(("foreign key", table, key.text(keys[key.parent]), key.name) for key in found.foreign_keys)
    for key, number in counted.items():
        yield key, str(number)
    yield ("primary key", table), ", ".join(_primary_key(connection, name)) + " autoincrement" * found.autoincrement
    yield ("primary key's name", table), found.primary_name
    _agree(connection, name, found)


def _primary_key(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    rows = connection.execute(f"PRAGMA table_info({quote(table)})").fetchall()
    return tuple(str(row[1]).lower() for row in sorted(rows, key=lambda row: int(row[5])) if row[5])


def _agree(connection: sqlite3.Connection, name: str, found: Constraints) -> None:
    """The parsed constraints are as many as SQLite's own: else the oracle reads wrongly, and must not judge."""

    keys = {row[0] for row in connection.execute(f"PRAGMA foreign_key_list({quote(name)})")}
    assert len(keys) == len(found.foreign_keys), (name, found)
    uniques = [row for row in connection.execute(f"PRAGMA index_list({quote(name)})") if row[3] == "u"]
    assert len(uniques) == len({columns for columns, _ in found.uniques}), (name, found)
