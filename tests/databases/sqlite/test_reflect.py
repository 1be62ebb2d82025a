"""Reading a schema, judged by SQLite's own pragmas and by the catalogue of features."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from typing import Any

import pytest

from architect_migrate.databases.sqlite.fingerprint import digest
from architect_migrate.databases.sqlite.reflect import read_schema
from architect_migrate.databases.sqlite.sql.lexer import significant
from architect_migrate.model.facts import facts
from architect_migrate.model.schema import Check, ForeignKey, IndexedColumn, Schema, Table
from support.paths import DATA

CATALOGUE = json.loads((DATA / "feature_catalogue.json").read_text(encoding="utf-8"))
PROPERTIES = ("encoding", "auto_vacuum", "user_version", "application_id", "page_size")


def made(script: str) -> sqlite3.Connection | None:
    """A database after a script; None where this SQLite cannot run it."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(script)
    except sqlite3.Error:
        connection.close()
        return None
    return connection


def read(script: str) -> Schema:
    connection = made(script)
    assert connection is not None, script
    with closing(connection):
        return read_schema(connection)


def possible(*keys: str) -> list[dict[str, Any]]:
    """The entries of the catalogue with these keys that this SQLite can build."""
    found = []
    for entry in CATALOGUE:
        built = [made(entry[key]) for key in keys if key in entry]
        for connection in built:
            if connection is not None:
                connection.close()
        if len(built) == len(keys) and None not in built:
            found.append(entry)
    return found


@pytest.mark.parametrize("entry", possible("setup"), ids=lambda one: one["name"][:40])
def test_columns_keys_and_references_are_what_the_pragmas_say(entry: dict[str, Any]) -> None:
    connection = made(entry["setup"])
    assert connection is not None
    with closing(connection):
        for table in read_schema(connection).tables:
            if not table.module:
                assert summary(table) == by_pragmas(connection, table.spelling)


def summary(table: Table) -> tuple[object, ...]:
    columns = [
        # A rowid's other name is never NULL, whatever was declared.
        (
            column.spelling,
            column.not_null and not (table.rowid_key and column.name in table.primary_key),
            column.generated is not None,
        )
        for column in table.columns
    ]
    references = sorted((key.columns, key.parent, key.on_update, key.on_delete) for key in table.foreign_keys)
    return columns, list(table.primary_key), sorted(table.uniques), references, table.without_rowid, table.strict


def by_pragmas(connection: sqlite3.Connection, table: str) -> tuple[object, ...]:
    def ask(sql: str, *values: str) -> list[tuple[Any, ...]]:
        return connection.execute(sql, values).fetchall()

    rows = [row for row in ask('SELECT name, "notnull", hidden, pk FROM pragma_table_xinfo(?)', table) if row[2] != 1]
    key = [row[0].lower() for row in sorted(rows, key=lambda row: row[3]) if row[3]]
    ((without, strict),) = ask("SELECT wr, strict FROM pragma_table_list(?) WHERE schema = 'main'", table)
    alias = len(key) == 1 and not without and not ask("SELECT 1 FROM pragma_index_list(?) WHERE origin = 'pk'", table)
    columns = [(row[0], bool(row[1]) and not (alias and row[3]), row[2] > 1) for row in rows]
    uniques = {
        tuple(sorted(row[0].lower() for row in ask("SELECT name FROM pragma_index_info(?)", index)))
        for (index,) in ask("SELECT name FROM pragma_index_list(?) WHERE origin = 'u'", table)
    }
    listed = ask(
        'SELECT id, "from", "table", on_update, on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq', table
    )
    references = {
        (tuple(r[1].lower() for r in listed if r[0] == number), parent.lower(), update.lower(), delete.lower())
        for number, _, parent, update, delete in listed
    }
    return columns, key, sorted(uniques), sorted(references), bool(without), bool(strict)


@pytest.mark.parametrize("entry", possible("setup"), ids=lambda one: one["name"][:40])
def test_indexes_triggers_and_views_are_those_of_the_master_table(entry: dict[str, Any]) -> None:
    connection = made(entry["setup"])
    assert connection is not None
    with closing(connection):
        found = read_schema(connection)
        master = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'table'"
        )
        kinds = {"index": found.indexes, "trigger": found.triggers, "view": found.views}
        assert sorted((kind, each.spelling, each.sql) for kind, objects in kinds.items() for each in objects) == sorted(
            master
        )
        for index in found.indexes:
            rows = connection.execute('SELECT coll, "desc" FROM pragma_index_xinfo(?) WHERE key', (index.spelling,))
            assert [(term.collation, term.descending) for term in index.terms] == [
                (coll.lower(), bool(d)) for coll, d in rows
            ]


@pytest.mark.parametrize("entry", possible("setup"), ids=lambda one: one["name"][:40])
def test_the_same_text_formatted_otherwise_reads_the_same(entry: dict[str, Any]) -> None:
    connection = made(entry["setup"])
    assert connection is not None
    with closing(connection), closing(sqlite3.connect(":memory:")) as other:
        texts = connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
        for (sql,) in texts.fetchall():
            # What stands in a virtual table's parentheses is its module's own language, and its storage comes with it.
            text = sql if "VIRTUAL" in sql else "/* again */ " + "\n\t".join(one.text for one in significant(sql))
            with suppress(sqlite3.OperationalError):
                other.execute(text)
        assert read_schema(other) == read_schema(connection)


# How a constraint's own index is sorted is kept by every repair but not compared.
NOT_COMPARED = {"UNIQUE (a COLLATE NOCASE, b DESC)"}


@pytest.mark.parametrize("entry", possible("setup", "without"), ids=lambda one: one["name"][:40])
def test_a_feature_is_told_from_its_absence(entry: dict[str, Any]) -> None:
    assert (read(entry["setup"]) == read(entry["without"])) == (entry["name"] in NOT_COMPARED)


@pytest.mark.parametrize("before", ["", "CREATE TABLE t (a)", "CREATE TABLE t (a); CREATE VIEW v AS SELECT a FROM t"])
def test_a_digest_is_the_same_as_long_as_the_texts_are(before: str) -> None:
    def mark(script: str) -> str:
        connection = made(script)
        assert connection is not None
        with closing(connection):
            return digest(connection)

    assert mark(before) == mark(before)
    assert mark(before) != mark(before + ";CREATE TABLE u (a)")


def test_hidden_tables_are_left_out_with_what_belongs_to_them() -> None:
    script = "CREATE TABLE Hidden (a UNIQUE); CREATE INDEX i ON Hidden (a); CREATE TABLE seen (a)"
    connection = made(script + "; CREATE TRIGGER t AFTER INSERT ON hidden BEGIN SELECT 1; END")
    assert connection is not None
    with closing(connection):
        assert read_schema(connection, ["HIDDEN"]) == read("CREATE TABLE seen (a)")


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("a REFERENCES p", ForeignKey(("a",), "p", ("k",))),
        ("a REFERENCES P (K)", ForeignKey(("a",), "p", ("k",))),
        ("a REFERENCES p ON DELETE SET NULL", ForeignKey(("a",), "p", ("k",), on_delete="set null")),
        ("a REFERENCES p DEFERRABLE INITIALLY DEFERRED", ForeignKey(("a",), "p", ("k",), deferred=True)),
        ("a REFERENCES p DEFERRABLE INITIALLY IMMEDIATE", ForeignKey(("a",), "p", ("k",))),
        ("a REFERENCES nowhere", ForeignKey(("a",), "nowhere", ())),
    ],
)
def test_a_reference_names_what_it_refers_to(column: str, expected: ForeignKey) -> None:
    found = read(f"CREATE TABLE p (k TEXT PRIMARY KEY); CREATE TABLE t ({column})")
    assert found.tables[1].foreign_keys == {expected}


def test_checks_name_their_columns_and_indexes_their_terms() -> None:
    found = read(
        'CREATE TABLE t (a, "B c" CHECK ("B c" > a), CHECK (1));'
        'CREATE UNIQUE INDEX i ON t (lower(a) DESC, "B c" COLLATE NOCASE) WHERE a > 0'
    )
    assert {(check.expression, check.mentions) for check in found.tables[0].checks} == {
        ('"b c" > a', frozenset({"a", "b c"})),
        ("1", frozenset()),
    }
    assert found.tables[0].checks == {Check('"b c" > a'), Check("1")}
    (index,) = found.indexes
    assert index.terms == (IndexedColumn("lower ( a )", "binary", descending=True), IndexedColumn("b c", "nocase"))
    assert (index.unique, index.where) == (True, "a > 0")


def test_every_fact_has_a_key_of_its_own() -> None:
    found = read("CREATE TABLE t (a UNIQUE, b, p REFERENCES t, q REFERENCES t, UNIQUE (a, b), CHECK (a), CHECK (b))")
    assert len(facts(found)) == 1 + 4 + 2 + 2 + 2


def test_constraints_have_the_names_that_their_text_gives_them() -> None:
    script = """
        CREATE TABLE p (id INTEGER CONSTRAINT "pk of p" PRIMARY KEY);
        CREATE TABLE c (
            id INTEGER, a TEXT CONSTRAINT uq_a UNIQUE, b TEXT NOT NULL CONSTRAINT ck_b CHECK (b <> ''), p INTEGER,
            CONSTRAINT "Pk_C" PRIMARY KEY (id), CONSTRAINT uq_ba UNIQUE (b, a), UNIQUE (p),
            CONSTRAINT fk_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE, FOREIGN KEY (p) REFERENCES p (id)
        )
    """
    child, parent = (table.constraint_names for table in read(script).tables)
    assert {(one.name, one.kind) for one in parent} == {("pk of p", "primary key")}
    assert {(one.name, one.kind, one.of) for one in child} == {
        ("uq_a", "unique", ("a",)),
        ("ck_b", "check", ("b <> ''",)),
        ("Pk_C", "primary key", ()),
        ("uq_ba", "unique", ("a", "b")),
        ("fk_p", "foreign key", ("p", "p", "cascade", "no action", "")),
    }
