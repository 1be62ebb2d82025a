"""The names of what revisions make and take away, or call otherwise, before they end: in a database, they are taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from architect_migrate.databases.postgresql.catalog import OWN
from architect_migrate.databases.postgresql.pinned import query
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


def named(connection: Connection, names: Collection[str]) -> frozenset[Key]:
    """Return what of the schema has one of some names; of columns, where the table has one of them too."""
    rows = query(connection, _NAMED, {"names": [*names]}).fetchall() if names else []
    return frozenset(tuple(word for word in row if word is not None) for row in rows)


@dataclass(slots=True)
class OnTheWay:
    """What the statements of one revision have made so far, and what of the same names was there before."""

    had: set[Key] = field(default_factory=set)
    made: set[Key] = field(default_factory=set)

    def about_to_run(self, connection: Connection, text: str) -> None:
        """Take in a statement before it runs."""
        if verb(text) in _MAKING:
            self.had |= named(connection, names_in(text)) - self.made

    def has_run(self, connection: Connection, text: str) -> None:
        """Take in a statement that has run."""
        if verb(text) in _MAKING:
            self.made |= named(connection, names_in(text)) - self.had

    def gone(self, connection: Connection) -> frozenset[Key]:
        """Return what has been made and is not there any more."""
        return frozenset(self.made) - named(connection, {name for _, *words in self.made for name in words})
