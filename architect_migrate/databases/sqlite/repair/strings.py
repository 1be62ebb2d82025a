"""Finds objects whose names in double quotes became strings, as SQLite takes them where there is no such column."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite.compile_check import compile_triggers, compile_view
from architect_migrate.databases.sqlite.sql.lexer import tokenize, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.databases.sqlite.repair.carried import Stored

_ORDER = ("table", "index", "view", "trigger")


def turned_into_strings(before: Iterable[Stored], after: Iterable[Stored]) -> tuple[Stored, ...]:
    """Return the indexes, views and triggers that named columns before, and have strings in their place now.

    Those that had strings before, or did not work, have not changed.
    """
    suspects = tuple(stored for stored in after if stored.kind != "table" and '"' in stored.sql)
    if not suspects:
        return ()
    now = _unresolved(after)
    left = tuple(stored for stored in suspects if stored.key in now)
    earlier = _unresolved(before) if left else frozenset()
    return tuple(stored for stored in left if stored.key not in earlier)


def _unresolved(objects: Iterable[Stored]) -> frozenset[tuple[str, str]]:
    """The objects that do not work if each name in double quotes has to be a name."""
    failed = set()
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as scratch:
        for stored in sorted(objects, key=lambda each: _ORDER.index(each.kind)):
            try:
                scratch.execute(_as_names(stored.sql) if stored.kind != "table" else stored.sql)
                if stored.kind == "view":
                    compile_view(scratch, stored.name)
                elif stored.kind == "trigger":
                    compile_triggers(scratch, stored.table)
                    # Why dropped: the next trigger of this table is compiled by itself.
                    scratch.execute(f"DROP TRIGGER {_as_name(stored.name)}")
            except sqlite3.Error:
                failed.add(stored.key)
                if stored.kind == "trigger":
                    scratch.execute(f"DROP TRIGGER IF EXISTS {_as_name(stored.name)}")
    return frozenset(failed)


def _as_names(sql: str) -> str:
    """A text with backticks for double quotes: SQLite never takes what is in backticks for a string."""
    return "".join(_as_name(unquote(t.text)) if t.text.startswith('"') else t.text for t in tokenize(sql))


def _as_name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
