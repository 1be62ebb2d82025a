"""The objects of a database as they are after a revision renamed columns.

SQLite updates indexes and constraints if it renames a column; a batch operation does not. Both are compared with what
SQLite makes of the old texts.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.sql.lexer import significant, unquote
from architect_migrate.databases.sqlite.sql.parser import parse_table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from architect_migrate.model.history import Rename
    from architect_migrate.model.schema import Key


class Stored(NamedTuple):
    """An object as sqlite_master has it; `root` is the page where its content begins.

    Why a NamedTuple: before and after each revision there is one of every object, and a dataclass takes four times as
    long to make.
    """

    kind: str
    name: str
    table: str
    sql: str
    root: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """Kind and folded name: what it is called in history too."""
        return self.kind, fold(self.name)


def done_renames(
    renames: Iterable[Rename], before: Iterable[Stored], after: Iterable[Stored], tables: Collection[str]
) -> tuple[Rename, ...]:
    """Return the renames of columns that took place in these tables, in the direction in which they took place."""
    old, new = (_columns(objects, tables) for objects in (before, after))
    return tuple(
        replace(way, old=old[way.table][way.old], new=new[way.table][way.new])
        for rename in renames
        for way in (rename, replace(rename, old=rename.new, new=rename.old))
        if rename.table in old
        and rename.table in new
        and way.old in old[way.table].keys() - new[way.table].keys()
        and way.new in new[way.table].keys() - old[way.table].keys()
    )


def _columns(objects: Iterable[Stored], tables: Collection[str]) -> dict[str, dict[str, str]]:
    """The columns of ordinary tables by folded name, as they are spelt."""
    return {
        stored.key[1]: {fold(column.name): column.name for column in parse_table(stored.sql).columns}
        for stored in objects
        if stored.kind == "table" and stored.key[1] in tables and stored.root
    }


def carried_along(
    objects: tuple[Stored, ...], renames: tuple[Rename, ...], tables: Collection[str]
) -> tuple[Stored, ...]:
    """Return the objects with the texts that SQLite gives tables and indexes after these renames.

    They are returned unchanged if SQLite cannot create them on an empty database.
    """
    if not renames:
        return objects
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as scratch:
        try:
            for stored in objects:
                if stored.kind in {"table", "index"} and fold(stored.table) in tables:
                    scratch.execute(stored.sql)
            for rename in renames:
                columns = f"{quote(rename.old)} TO {quote(rename.new)}"
                scratch.execute(f"ALTER TABLE {quote(rename.table)} RENAME COLUMN {columns}")
        except sqlite3.Error:
            return objects
        texts = {(kind, fold(name)): sql for kind, name, sql in scratch.execute(_TEXTS)}
    return tuple(stored._replace(sql=texts.get(stored.key, stored.sql)) for stored in objects)


_TEXTS = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"


def renamed_key(key: Key, renames: Iterable[Rename]) -> Key:
    """Return the key of a fact after the columns of its table were renamed."""
    if key[0] in {"table", "index", "trigger", "view"}:
        return key
    kind, table, *rest = key
    columns, others = (rest[:1], rest[1:]) if kind == "foreign key" else (rest, [])
    for rename in renames:
        if fold(rename.table) == table:
            columns = [_renamed(part, fold(rename.old), fold(rename.new)) for part in columns]
    return (kind, table, *(sorted(columns) if kind == "unique" else columns), *others)


def _renamed(part: str, old: str, new: str) -> str:
    """A part of a key with another name for a column: a name, several with commas, or an expression."""
    words = [(token.start, token.end) for token in significant(part) if fold(unquote(token.text)) == old]
    for start, end in reversed(words):
        part = part[:start] + new + part[end:]
    return part
