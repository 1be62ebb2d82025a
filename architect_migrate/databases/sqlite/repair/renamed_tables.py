"""A database, and what a revision does, under the names that the revision gives tables.

A revision may rename a table and make it anew, in either order: what only the database has on it is lost all the same.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.names import fold, quote
from architect_migrate.databases.sqlite.definitions import copy_definitions
from architect_migrate.databases.sqlite.repair.carried import Stored
from architect_migrate.model.facts import (
    Fact,
    ForeignKeyFact,
    IndexFact,
    NameFact,
    ObjectFact,
    TriggerFact,
    ViewFact,
    keyed,
)
from architect_migrate.model.history import Effects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from architect_migrate.model.history import Replayed

_TEXTS = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"


def renamed_tables(replayed: Replayed, before: Iterable[Stored], after: Iterable[Stored]) -> dict[str, str]:
    """Return the tables that got another name by a revision, with that, both as they are spelt.

    Another table may have got the old name since, as where two exchange their names. One that takes the name of a
    dropped table is not among them.
    """
    old, new = ({stored.key[1]: stored for stored in side if stored.kind == "table"} for side in (before, after))
    renames = [each for each in replayed.renames if not each.table]
    ways = {way for each in renames for way in ((each.old, each.new), (each.new, each.old)) if way[0] not in new}
    ways |= {(was, now) for now, was in (replayed.stops[-1].whole if replayed.stops else ()) if now != was}
    found = {source: to for source, to in sorted(ways) if source in old and to in new}
    while wrong := [source for source, to in found.items() if to in old and to not in found]:
        found = {source: to for source, to in found.items() if source not in wrong}
    return {old[source].name: new[to].name for source, to in found.items()}


def under_new_names(objects: tuple[Stored, ...], tables: Mapping[str, str]) -> tuple[Stored, ...] | None:
    """Return the objects with the texts that SQLite gives them where it renames these tables.

    None if SQLite cannot create or rename them in an empty database.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as scratch:
        try:
            copy_definitions(scratch, [(stored.kind, stored.sql) for stored in objects])
            # Why in two steps: tables may exchange their names.
            passing = {old: f"archmig {number}" for number, old in enumerate(tables)}
            for old, new in (*passing.items(), *((passing[old], new) for old, new in tables.items())):
                scratch.execute(f"ALTER TABLE {quote(old)} RENAME TO {quote(new)}")
        except sqlite3.Error:
            return None
        texts = {(kind, fold(name)): (name, table, sql) for kind, name, table, sql in scratch.execute(_TEXTS)}
    last = {fold(old): fold(new) for old, new in tables.items()}
    return tuple(_as_in(stored, texts, last) for stored in objects)


def _as_in(stored: Stored, texts: Mapping[tuple[str, str], tuple[str, str, str]], last: Mapping[str, str]) -> Stored:
    kind, name = stored.key
    now = texts.get((kind, last.get(name, name) if kind == "table" else name))
    return Stored(kind, *now, stored.root) if now else stored


def effects_under(does: Effects, tables: Mapping[str, str]) -> Effects:
    """Return the effects of a revision without those that are only that tables got another name.

    `tables` are folded names. What the revision takes away is under the new ones; a trigger is taken away and made.
    """
    if not tables:
        return does
    removed = keyed(_under(fact, tables) for fact in does.removed.values())
    return Effects(
        {its_key: fact for its_key, fact in does.added.items() if removed.get(its_key) != fact},
        {its_key: fact for its_key, fact in removed.items() if does.added.get(its_key) != fact},
    )


def _under(fact: Fact, last: Mapping[str, str]) -> Fact:
    match fact:
        case ForeignKeyFact(table=table, foreign_key=foreign_key):
            parent = last.get(foreign_key.parent, foreign_key.parent)
            return replace(fact, table=last.get(table, table), foreign_key=replace(foreign_key, parent=parent))
        case IndexFact(index=index):
            return IndexFact(replace(index, table=last.get(index.table, index.table)))
        case NameFact(kind="foreign key", table=table, of=of):
            return replace(fact, table=last.get(table, table), of=(of[0], last.get(of[1], of[1]), *of[2:]))
        case TriggerFact() | ViewFact() | ObjectFact():
            return fact
        case _:
            return replace(fact, table=last.get(fact.table, fact.table))
