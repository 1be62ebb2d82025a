"""The names of what revisions make and take away, or call otherwise, before they end: in a database, they are taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from architect_migrate.databases.postgresql.catalog import OWN
from architect_migrate.databases.postgresql.pinned import pinned, query, taken_back
from architect_migrate.databases.postgresql.statements import names_in, verb

if TYPE_CHECKING:
    from collections.abc import Collection

    from architect_migrate.databases.postgresql.pinned import Connection
    from architect_migrate.model.schema import Key

# Verbs of statements that give names.
_MAKING = frozenset({"alter", "create"})
_NAMED = f"""
    SELECT CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
                        WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'c' THEN 'type' ELSE 'table' END,
           relname::text, NULL
    FROM pg_class WHERE {OWN} AND relname = ANY (%(names)s)
    UNION ALL
    SELECT 'column', c.relname::text, a.attname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.{OWN} AND c.relkind IN ('r', 'p', 'f') AND c.relname = ANY (%(names)s) AND a.attname = ANY (%(names)s)
          AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT CASE typtype WHEN 'd' THEN 'domain' ELSE 'type' END, typname::text, NULL
    FROM pg_type WHERE {OWN.replace("relnamespace", "typnamespace")} AND typtype IN ('d', 'e', 'r')
          AND typname = ANY (%(names)s)"""

_DEFAULTS = f"""
    SELECT c.relname::text, a.attname::text, pg_get_expr(d.adbin, d.adrelid)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.{OWN} AND c.relname = ANY (%(tables)s) AND a.attname = ANY (%(columns)s) AND NOT a.attisdropped"""


def named(connection: Connection, names: Collection[str]) -> frozenset[Key]:
    """Return what of the schema has one of some names; of columns, where the table has one of them too."""
    rows = query(connection, _NAMED, {"names": [*names]}).fetchall() if names else []
    return frozenset(tuple(word for word in row if word is not None) for row in rows)


@dataclass(slots=True)
class OnTheWay:
    """What the statements of one revision have made so far, and what of the same names was there before.

    `here` is what had a name of the statement that runs, before it. `defaults` are those with which columns came.
    """

    had: set[Key] = field(default_factory=set)
    made: set[Key] = field(default_factory=set)
    here: frozenset[Key] = frozenset()
    defaults: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def about_to_run(self, connection: Connection, text: str) -> None:
        """Take in a statement before it runs."""
        if verb(text) in _MAKING:
            self.here = named(connection, names_in(text))
            self.had |= self.here - self.made

    def has_run(self, connection: Connection, text: str) -> None:
        """Take in a statement that has run."""
        if verb(text) in _MAKING:
            there = named(connection, names_in(text))
            self.made |= there - self.had
            self._note_defaults(connection, {key[1:] for key in there - self.here if key[0] == "column"})

    def _note_defaults(self, connection: Connection, places: set[Key]) -> None:
        """Note the defaults that columns have which a statement has made."""
        if not places:
            return
        names = {"tables": [table for table, _ in places], "columns": [column for _, column in places]}
        # Why a transaction of its own: in an autocommit_block() there is none.
        with taken_back(connection), pinned(connection):
            found = query(connection, _DEFAULTS, names).fetchall()
        self.defaults |= {(table, column): default for table, column, default in found if (table, column) in places}

    def gone(self, connection: Connection) -> frozenset[Key]:
        """Return what has been made and is not there any more."""
        return frozenset(self.made) - named(connection, {name for _, *words in self.made for name in words})
