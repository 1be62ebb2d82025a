"""Drifted databases as values: where on the chain they start, and the statements that led them astray."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from architect_migrate.databases.sqlite.sql.render import create_table
from architect_migrate.model.schema import Column, ForeignKey, Index, Schema, Table
from support.property_checks import Chain, Drifted

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DrawFn

TRACKER = "CREATE TABLE schema_versions (id INTEGER PRIMARY KEY, version TEXT UNIQUE NOT NULL, applied_at TIMESTAMP,"
TRACKER += " description TEXT, checksum TEXT)"
VERSIONS = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"

PLAIN = ("1", "2", "'a'", "'b'", "'pending'", "'2024-01-02 10:00:00'", "NULL")
ODD = (
    "NULL",
    "0",
    "-1",
    "9223372036854775807",
    "-9223372036854775808",
    "0.1",
    "1e300",
    "9e999",
    "''",
    "'12'",
    "' 7 '",
    "'1.0'",
    "'1e3'",
    "'true'",
    "'ß😀'",
    "'line\nbreak'",
    "CAST(x'610062' AS TEXT)",
    "CAST(x'ff80' AS TEXT)",
    "x''",
    "x'00ff'",
)
NUMBERS = st.sampled_from(["1", "2", "3", "NULL", "9223372036854775806"])
DEFAULTS = (None, "0", "1", "'0'", "0.0", "''", "'x'", "CURRENT_TIMESTAMP", "(1 + 1)", "NULL", "TRUE", "-1")
TYPES = ("", "INTEGER", "INT", "TEXT", "VARCHAR(20)", "REAL", "BLOB", "NUMERIC", "BOOLEAN", "TIMESTAMP", "DATETIME")


@st.composite
def drifted(draw: DrawFn, chain: Chain) -> Drifted:
    schemas = chain.schemas
    start = draw(st.integers(0, len(schemas)) | st.just(len(schemas)))
    here = schemas[start - 1] if start else replace(schemas[0], tables=(), indexes=(), triggers=(), views=())
    # A key of the database's own can refuse rows that the chain brings along: that is for a person to settle.
    seeded = frozenset(write for replayed in chain.history.replayed for write in replayed.writes)
    near = draw(_few(here))
    script: list[str] = []
    ways: list[Callable[[], list[str]]] = [
        lambda: draw(_dropped(here if draw(st.booleans()) else near)),
        lambda: draw(_forged(near, seeded)),
        lambda: draw(_early(schemas[-1])),
        lambda: draw(_column_gone(near)),
        lambda: draw(_extra(near)),
        lambda: draw(_filled(near)),
    ]
    for _ in range(draw(st.integers(0, 7))):
        script += draw(st.sampled_from(ways))()
    for _ in range(draw(st.integers(0, 2))):
        script += draw(_filled(near))
    script += draw(_stamped(chain)) + draw(_tracked(chain))
    return Drifted(start, tuple(script))


@st.composite
def _few(draw: DrawFn, here: Schema) -> Schema:
    """A few tables of a schema with what belongs to them, so that one table suffers more than one thing."""
    if not here.tables:
        return here
    chosen = draw(st.lists(st.sampled_from(here.tables), min_size=1, max_size=3, unique=True))
    names = {one.name for one in chosen}
    return replace(
        here,
        tables=tuple(chosen),
        indexes=tuple(index for index in here.indexes if index.table in names),
        triggers=tuple(trigger for trigger in here.triggers if trigger.table in names),
    )


def name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


@st.composite
def _dropped(draw: DrawFn, here: Schema) -> list[str]:
    """Objects that are gone."""
    kinds = [("TABLE", here.tables), ("INDEX", here.indexes), ("TRIGGER", here.triggers), ("VIEW", here.views)]
    filled = [(kind, tuple(one.name for one in item)) for kind, item in kinds if item]
    if not filled:
        return []
    kind, found = draw(st.sampled_from(filled))
    gone = draw(st.lists(st.sampled_from(found), min_size=1, max_size=4, unique=True))
    return [f"DROP {kind} {name(one)}" for one in gone]


@st.composite
def _column_gone(draw: DrawFn, here: Schema) -> list[str]:
    if not here.tables:
        return []
    table = draw(st.sampled_from(here.tables))
    column = draw(st.sampled_from(table.columns))
    return [
        *(f"DROP INDEX {name(index.name)}" for index in here.indexes if _mentions(index, table.name, column.name)),
        f"ALTER TABLE {name(table.name)} DROP COLUMN {name(column.name)}",
    ]


def _mentions(index: Index, table: str, column: str) -> bool:
    return index.table == table and any(column in term.expression for term in index.terms)


@st.composite
def _early(draw: DrawFn, head: Schema) -> list[str]:
    """A table of a later revision, with some of its indexes."""
    table = draw(st.sampled_from(head.tables))
    indexes = [index.sql for index in head.indexes if index.table == table.name]
    return [table.sql, *(draw(st.lists(st.sampled_from(indexes), unique=True, max_size=3)) if indexes else [])]


@st.composite
def _forged(draw: DrawFn, here: Schema, seeded: frozenset[str]) -> list[str]:
    """A table made in another shape, as an application might have made it first."""
    if not here.tables:
        return []
    table = draw(st.sampled_from(here.tables))
    columns = [draw(_other_column(column)) if draw(st.integers(0, 3)) == 0 else column for column in table.columns]
    if draw(st.integers(0, 3)) == 0 and len(columns) > 1:
        columns.pop(draw(st.integers(0, len(columns) - 1)))
    names = {column.name for column in columns}
    forged = replace(
        table,
        sql="",
        columns=tuple(draw(st.permutations(columns)) if draw(st.booleans()) and not table.without_rowid else columns),
        uniques=frozenset(unique for unique in table.uniques if set(unique) <= names and draw(st.booleans())),
        checks=frozenset(check for check in table.checks if check.mentions <= names and draw(st.booleans())),
        foreign_keys=frozenset(key for key in table.foreign_keys if set(key.columns) <= names and draw(st.booleans())),
        **draw(_other_key(table, names)),
    )
    if draw(st.integers(0, 4)) == 0 and names and table.name not in seeded:
        forged = replace(forged, foreign_keys=forged.foreign_keys | {draw(_other_reference(sorted(names), here))})
    indexes = [index.sql for index in here.indexes if index.table == table.name and draw(st.booleans())]
    triggers = [trigger.sql for trigger in here.triggers if trigger.table == table.name and draw(st.booleans())]
    return [f"DROP TABLE {name(table.name)}", create_table(forged), *indexes, *triggers]


@st.composite
def _other_column(draw: DrawFn, column: Column) -> Column:
    if column.generated:
        return replace(column, generated=None)
    default = draw(st.sampled_from(DEFAULTS))
    return draw(
        st.sampled_from(
            [
                replace(column, not_null=not column.not_null),
                replace(column, default=default.strip("()") if default else None),
                replace(column, declared=draw(st.sampled_from(TYPES))),
                replace(column, collation="nocase" if column.collation == "binary" else "binary"),
                replace(column, not_null=True, default=None),
            ]
        )
    )


@st.composite
def _other_key(draw: DrawFn, table: Table, names: set[str]) -> dict[str, object]:
    same = {"primary_key": table.primary_key, "rowid_key": table.rowid_key, "autoincrement": table.autoincrement}
    none = {"primary_key": (), "rowid_key": False, "autoincrement": False, "without_rowid": False}
    if not set(table.primary_key) <= names:
        return none
    ways = [same, same, same, same, none, {**same, "autoincrement": table.rowid_key and not table.autoincrement}]
    return draw(st.sampled_from([*ways, {**same, "rowid_key": False, "autoincrement": False}]))


@st.composite
def _other_reference(draw: DrawFn, names: list[str], here: Schema) -> ForeignKey:
    parent = draw(st.sampled_from(here.tables))
    actions = st.sampled_from(["no action", "cascade", "set null", "restrict"])
    return ForeignKey((draw(st.sampled_from(names)),), parent.name, (), draw(actions), draw(actions))


@st.composite
def _extra(draw: DrawFn, here: Schema) -> list[str]:
    """Something of the application's own; all of it is called x_something."""
    number = draw(st.integers(0, 99))
    mine = [
        f"CREATE TABLE x_t{number} (id INTEGER PRIMARY KEY, v, w TEXT UNIQUE)",
        f"INSERT INTO x_t{number} (v) VALUES (1)",
    ]
    if not here.tables:
        return mine
    table = draw(st.sampled_from(here.tables))
    on, column = name(table.name), name(draw(st.sampled_from(table.columns)).name)
    added = f"ALTER TABLE {on} ADD COLUMN x_c{number} {draw(st.sampled_from(TYPES))}"
    log = "BEGIN INSERT INTO x_log VALUES (1); END"
    event = draw(st.sampled_from(["INSERT", "UPDATE", "DELETE"]))
    # A quoted name that is no column is a string to SQLite, and another thing once the column is there.
    index, bare = f"INDEX x_i{number} ON {on}", column.strip('"')
    return draw(
        st.sampled_from(
            [
                mine,
                [added],
                [f"{added} NOT NULL DEFAULT 'x'"],
                [f"{added} REFERENCES {on}"],
                [f"{added} CHECK (x_c{number} <> 'z')"],
                [f"CREATE TABLE x_r{number} (id INTEGER PRIMARY KEY, r REFERENCES {on} ({column}) ON DELETE CASCADE)"],
                [f"CREATE {index} ({bare})"],
                [f"CREATE UNIQUE {index} ({bare})"],
                [f"CREATE {index} (lower({bare})) WHERE {bare} IS NOT NULL"],
                ["CREATE TABLE x_log (v)", f"CREATE TRIGGER x_g{number} AFTER {event} ON {on} {log}"],
                [f"CREATE VIEW x_v{number} AS SELECT {bare} AS it, count(*) FROM {on} GROUP BY 1"],
            ]
        )
    )


@st.composite
def _filled(draw: DrawFn, here: Schema) -> list[str]:
    """Rows, plausible and odd."""
    if not here.tables:
        return []
    table = draw(st.sampled_from(here.tables))
    columns = [column for column in table.columns if column.generated is None]
    values = st.sampled_from(PLAIN) | st.sampled_from(ODD)
    script = []
    for _ in range(draw(st.integers(1, 4))):
        chosen = [column for column in columns if column.not_null or draw(st.booleans())] or columns[:1]
        given = {
            one.name: draw(NUMBERS)
            if table.rowid_key and one.name in table.primary_key
            else draw(st.sampled_from(PLAIN[:-1]))
            if one.not_null and draw(st.integers(0, 3))
            else draw(values)
            for one in chosen
        }
        into = f"{name(table.name)} ({', '.join(map(name, given))})"
        script.append(f"INSERT OR IGNORE INTO {into} VALUES ({', '.join(given.values())})")
    return script


@st.composite
def _stamped(draw: DrawFn, chain: Chain) -> list[str]:
    revision = draw(st.none() | st.just("") | st.sampled_from((*chain.history.graph.order, "unknown_one")))
    if revision is None:
        return []
    return [VERSIONS, *([f"INSERT INTO alembic_version VALUES ('{revision}')"] if revision else [])]


@st.composite
def _tracked(draw: DrawFn, chain: Chain) -> list[str]:
    if draw(st.booleans()):
        return []
    known = [revision.legacy_version for revision in chain.history.graph.revisions if revision.legacy_version]
    numbers = draw(st.lists(st.sampled_from([*known, "000", "099", "x"]), unique=True, max_size=12))
    titles = [revision.title for revision in chain.history.graph.revisions]
    script = [TRACKER]
    for number in numbers:
        said = draw(st.sampled_from(["", "skipped (already applied)", *titles])).replace("'", "")
        at = f"2026-02-10 10:{draw(st.integers(0, 59)):02}:00"
        checksum = draw(st.sampled_from(["manual", "manual-skip", "d41d8cd9"]))
        script.append(
            f"INSERT INTO schema_versions (version, applied_at, description, checksum) "
            f"VALUES ('{number}', '{at}', '{said}', '{checksum}')"
        )
    return script
