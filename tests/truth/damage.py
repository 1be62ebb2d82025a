"""What goes wrong with a database, as SQL: each function writes one kind of it, or raises LookupError."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from truth.reader import VERSIONS, columns_of, quote, texts
from truth.stamps import (
    Damage,
    stamp_elsewhere,
    stamp_newer,
    stamp_older,
    stamp_two_rows,
    stamp_unknown,
)
from truth.tokens import Definition, table_text, tokens

if TYPE_CHECKING:
    import random
    import sqlite3
    from collections.abc import Callable, Sequence

    from truth.chain import Chain


@dataclass(slots=True)
class Site:
    """The database as it is now, the chain's schema at its heads, and the position that is true.

    `past` are the texts of triggers that the database had at some moment, by their names.
    """

    raw: sqlite3.Connection
    head: sqlite3.Connection
    chain: Chain
    position: frozenset[str]
    chance: random.Random
    past: dict[str, str]

    def table(self) -> str:
        return self.chance.choice(list(self.tables()))

    def tables(self) -> dict[str, str]:
        return {name: sql for name, sql in texts(self.raw, "table").items() if not name.startswith(("x_", "_alembic"))}

    def later_tables(self) -> dict[str, str]:
        """Tables of the chain's heads that are not here."""
        here = {name.lower() for name in texts(self.raw, "table")}
        return {name: sql for name, sql in texts(self.head, "table").items() if name.lower() not in here}

    def shared_tables(self) -> list[str]:
        later = texts(self.head, "table")
        return [name for name in self.tables() if name in later]


def _chosen(site: Site, kind: str) -> str:
    return site.chance.choice([name for name in texts(site.raw, kind) if not name.startswith("x_")])


# The stamp.


def stamp_lost(site: Site) -> Damage:
    if VERSIONS not in {row[0] for row in site.raw.execute("SELECT name FROM sqlite_master")}:
        raise LookupError
    way = site.chance.choice([f"DROP TABLE {VERSIONS}", f"DELETE FROM {VERSIONS}"])
    return Damage("stamp lost", (way,))


# Things dropped.


def index_dropped(site: Site) -> Damage:
    return Damage("index dropped", (f"DROP INDEX {quote(_chosen(site, 'index'))}",))


def trigger_dropped(site: Site) -> Damage:
    return Damage("trigger dropped", (f"DROP TRIGGER {quote(_chosen(site, 'trigger'))}",))


def view_dropped(site: Site) -> Damage:
    return Damage("view dropped", (f"DROP VIEW {quote(_chosen(site, 'view'))}",))


def table_dropped(site: Site) -> Damage:
    return Damage("table dropped", (f"DROP TABLE {quote(site.table())}",))


def column_dropped(site: Site) -> Damage:
    table = site.table()
    column = site.chance.choice([name for name in columns_of(site.raw, table) if name != "id"])
    statement = f"ALTER TABLE {quote(table)} DROP COLUMN {quote(column)}"
    return Damage("column dropped", (statement,), frozenset({table.lower()}))


# Things made by hand.


def later_column(site: Site) -> Damage:
    table = site.chance.choice(site.shared_tables())
    here = columns_of(site.raw, table)
    there = [part for part in _columns(texts(site.head, "table")[table]) if part.column not in here]
    text = site.chance.choice(there).text
    if site.chance.random() < 0.3:
        text = " ".join(text.split()[:2])  # without its default and its NOT NULL
    column = tokens(text)[0].text
    rows = (
        f"UPDATE {quote(table)} SET {quote(column)} = 'hand ' || id WHERE id IN (SELECT id FROM {quote(table)} LIMIT 1)"
    )
    fill = (rows,) if any(word in text.upper() for word in ("VARCHAR", "TEXT")) and "REFERENCES" not in text else ()
    return Damage("later column by hand", (f"ALTER TABLE {quote(table)} ADD COLUMN {text}", *fill))


def later_index(site: Site) -> Damage:
    found = {name: sql for name, sql in texts(site.head, "index").items() if name not in texts(site.raw, "index")}
    name, sql = site.chance.choice(list(found.items()))
    if site.chance.random() < 0.5:
        return Damage("later index by hand", (sql,))
    return Damage("later index by hand, another name", (_renamed(sql, name, f"hand_{name}"),))


def index_renamed(site: Site) -> Damage:
    name = _chosen(site, "index")
    sql = texts(site.raw, "index")[name]
    return Damage("index under another name", (f"DROP INDEX {quote(name)}", _renamed(sql, name, f"hand_{name}")))


def later_table(site: Site) -> Damage:
    name, sql = site.chance.choice(list(site.later_tables().items()))
    indexes = list(texts(site.head, "index", name).values()) if site.chance.random() < 0.5 else []
    return Damage("later table by hand", (sql, *indexes, *_rows(sql, name, site.chance)))


def models_newer(site: Site) -> Damage:
    """What `create_all` of newer models does: tables that are not there, with their indexes, and nothing else."""
    found = site.later_tables()
    if not found:
        raise LookupError
    made = [part for name, sql in found.items() for part in (sql, *texts(site.head, "index", name).values())]
    rows = [row for name, sql in found.items() for row in _rows(sql, name, site.chance)]
    return Damage("create_all by newer models", (*made, *rows))


def _rows(sql: str, table: str, chance: random.Random) -> tuple[str, ...]:
    """A row or none for a table that was made by hand."""
    if chance.random() < 0.4:
        return ()
    names, values = ["id"], [str(chance.randrange(900_000, 999_999))]
    for part in _columns(sql):
        if part.column != "id" and not part.column.endswith("_id"):
            names.append(part.column)
            values.append(f"'{part.column} {values[0]}'" if "CHAR" in part.text.upper() else values[0])
    return (f"INSERT INTO {quote(table)} ({', '.join(map(quote, names))}) VALUES ({', '.join(values)})",)


def trigger_back(site: Site) -> Damage:
    """A trigger that a revision took away, as one that was interrupted leaves it."""
    gone = [name for name in site.past if name not in {**texts(site.raw, "trigger"), **texts(site.head, "trigger")}]
    return Damage("trigger back that the chain took", (site.past[site.chance.choice(gone)],))


# The application's own.


def own_things(site: Site) -> Damage:
    number, table = site.chance.randrange(1000), site.table()
    on, column = quote(table), quote(site.chance.choice(columns_of(site.raw, table)))
    log = f"CREATE TABLE x_log{number} (id INTEGER PRIMARY KEY, what TEXT)"
    entry = f"INSERT INTO x_log{number} (what) VALUES (NEW.id)"
    ways = [
        (
            f"CREATE TABLE x_t{number} (id INTEGER PRIMARY KEY, v TEXT)",
            f"INSERT INTO x_t{number} VALUES ({800_000 + number}, 'mine')",
        ),
        (f"ALTER TABLE {on} ADD COLUMN x_c{number} TEXT", f"UPDATE {on} SET x_c{number} = 'mine ' || id"),
        (f"CREATE INDEX x_i{number} ON {on} ({column})",),
        (log, f"CREATE TRIGGER x_g{number} AFTER INSERT ON {on} BEGIN {entry}; END"),
        (f"CREATE VIEW x_v{number} AS SELECT id FROM {on}",),
    ]
    return Damage("application's own", site.chance.choice(ways))


# Shapes and names.


def names_stripped(site: Site) -> Damage:
    table, sql = site.chance.choice([(name, sql) for name, sql in site.tables().items() if _labels(sql)])
    parts = [_unlabelled(part) for part in table_text(sql).definitions]
    return Damage("names of constraints stripped", _rebuilt(site, table, table_text(sql).text(parts)))


def names_changed(site: Site) -> Damage:
    table, sql = site.chance.choice([(name, sql) for name, sql in site.tables().items() if _labels(sql)])
    label = site.chance.choice(_labels(sql))
    return Damage("name of a constraint changed", _rebuilt(site, table, _renamed(sql, label, f"other_{label}")))


def constraint_dropped(site: Site) -> Damage:
    found = [
        (name, sql, part)
        for name, sql in site.tables().items()
        for part in table_text(sql).definitions
        if not part.is_column and not any(token.is_word("primary") for token in part.tokens)
    ]
    table, sql, gone = site.chance.choice(found)
    text = table_text(sql)
    parts = [part.text for part in text.definitions if part is not gone]
    return Damage("constraint dropped", _rebuilt(site, table, text.text(parts)))


def column_reshaped(site: Site) -> Damage:
    """NOT NULL or a default gone, another type or collation."""
    table = site.table()
    text = table_text(site.tables()[table])
    part = site.chance.choice(
        [definition for definition in text.definitions if definition.is_column and definition.column != "id"]
    )
    words = part.text.split(None, 1)
    rest = words[1] if len(words) > 1 else ""
    ways = [
        rest.replace("NOT NULL", ""),
        rest.replace("DEFAULT 0", "").replace("DEFAULT 'new'", "DEFAULT 'old'"),
        rest.replace("COLLATE NOCASE", "") if "COLLATE" in rest else f"{rest} COLLATE NOCASE",
        rest.replace("VARCHAR(20)", "VARCHAR(30)").replace("INTEGER", "BIGINT").replace("FLOAT", "TEXT"),
        f"{rest} DEFAULT 5" if "DEFAULT" not in rest else rest,
    ]
    other = site.chance.choice([way for way in ways if way.split() != rest.split()])
    parts = [f"{words[0]} {other}" if definition is part else definition.text for definition in text.definitions]
    return Damage("column in another shape", _rebuilt(site, table, text.text(parts)))


def _columns(sql: str) -> list[Definition]:
    return [part for part in table_text(sql).definitions if part.is_column]


def _labels(sql: str) -> list[str]:
    """The names of a table's constraints, as spelt."""
    found = tokens(sql)
    return [
        sql[found[number + 1].start : found[number + 1].end]
        for number, token in enumerate(found)
        if token.is_word("constraint")
    ]


def _unlabelled(part: Definition) -> str:
    text = part.text
    for label in _labels(text):
        text = text.replace(f"CONSTRAINT {label} ", "")
    return text


def _renamed(sql: str, name: str, to: str) -> str:
    """The text with another name where `name` is a token."""
    bare = name.strip('"').lower()
    found = next(token for token in tokens(sql) if token.text == bare)
    return sql[: found.start] + quote(to.strip('"').replace('"', "")) + sql[found.end :]


def _rebuilt(site: Site, table: str, sql: str) -> tuple[str, ...]:
    """A table with another text, its rows, indexes and triggers as they were."""
    more = [*texts(site.raw, "index", table).values(), *texts(site.raw, "trigger", table).values()]
    return (
        "PRAGMA legacy_alter_table = ON",
        f"ALTER TABLE {quote(table)} RENAME TO zz_old",
        sql,
        f"INSERT INTO {quote(table)} SELECT * FROM zz_old",
        "DROP TABLE zz_old",
        *more,
        "PRAGMA legacy_alter_table = OFF",
    )


# Things on their way.


def tmp_left(site: Site) -> Damage:
    """`_alembic_tmp_x` as a broken batch operation leaves it: empty, full, or alone with the rows."""
    table = site.table()
    made = _renamed(site.tables()[table], table, f"_alembic_tmp_{table}")
    copied = f"INSERT INTO {quote(f'_alembic_tmp_{table}')} SELECT * FROM {quote(table)}"
    kind, more = site.chance.choice(
        [
            ("_alembic_tmp_ left empty", ()),
            ("_alembic_tmp_ left full", (copied,)),
            ("_alembic_tmp_ alone has the rows", (copied, f"DROP TABLE {quote(table)}")),
            ("_alembic_tmp_ has the rows of an empty table", (copied, f"DELETE FROM {quote(table)}")),
        ]
    )
    return Damage(kind, (made, *more))


def renamed_half(site: Site) -> Damage:
    """A later name of a table made empty beside the old full one; or the old one put aside and a new one empty."""
    table = site.table()
    sql = site.tables()[table]
    later = [name for name in site.later_tables() if _shape(site.later_tables()[name]) == _shape(sql)]
    if later and site.chance.random() < 0.7:
        return Damage("renamed: new one empty beside the old", (site.later_tables()[site.chance.choice(later)],))
    aside = f"ALTER TABLE {quote(table)} RENAME TO {quote(f'{table}_old')}"
    way, more = site.chance.choice([("put aside as x_old", ()), ("put aside as x_old, an empty one made", (sql,))])
    return Damage(way, ("PRAGMA legacy_alter_table = ON", aside, *more, "PRAGMA legacy_alter_table = OFF"))


def _shape(sql: str) -> list[str]:
    return [part.column for part in _columns(sql)]


GROUPS: dict[str, tuple[Callable[[Site], Damage], ...]] = {
    "stamp lost": (stamp_lost,),
    "stamp wrong": (stamp_older, stamp_newer, stamp_elsewhere, stamp_two_rows, stamp_unknown),
    "objects dropped": (index_dropped, trigger_dropped, view_dropped, table_dropped, column_dropped),
    "made by hand": (later_column, later_index, index_renamed, later_table, models_newer),
    "application's own": (own_things,),
    "names": (names_stripped, names_changed),
    "shapes": (constraint_dropped, column_reshaped),
    "on their way": (tmp_left, renamed_half),
    "taken back": (trigger_back,),
}


def apply(raw: sqlite3.Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        raw.execute(statement)
