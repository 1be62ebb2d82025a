"""What goes to the cache comes back equal, and nothing else comes back at all."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from architect_migrate.core import codec
from architect_migrate.model.delta import Delta
from architect_migrate.model.history import Replayed
from architect_migrate.model.revision_graph import Revision, RevisionGraph
from architect_migrate.model.schema import (
    Check,
    Column,
    ForeignKey,
    Generated,
    Index,
    IndexedColumn,
    Schema,
    Table,
    Trigger,
    View,
)
from architect_migrate.planning import plan, table_edits
from support.schemas import line_of, schema_of

OUTLINE_CLASSES = (RevisionGraph, Revision)
STEP_CLASSES = (
    Replayed,
    Delta,
    Schema,
    Table,
    Column,
    Generated,
    ForeignKey,
    Check,
    Index,
    IndexedColumn,
    Trigger,
    View,
)

HISTORY = line_of(
    "CREATE TABLE a (id INTEGER PRIMARY KEY, ü TEXT DEFAULT 'it''s', g AS (id * 2) STORED, CHECK (id > 0))",
    "CREATE TABLE b (a REFERENCES a, u UNIQUE); CREATE INDEX i ON b (lower(u)) WHERE a > 1; CREATE VIEW v AS SELECT 1",
    "DROP TABLE a; CREATE TRIGGER t AFTER INSERT ON b BEGIN SELECT 1; END",
)


@dataclass(frozen=True)
class Stranger:
    value: int


def test_a_history_comes_back_equal_with_its_texts() -> None:
    graph = codec.load(codec.dump(HISTORY.graph), OUTLINE_CLASSES)
    replayed = codec.load(codec.dump(HISTORY.replayed), STEP_CLASSES)
    assert graph == HISTORY.graph
    assert replayed == HISTORY.replayed
    assert [table.sql for step in replayed for table in step.delta.changed.tables] == [
        table.sql for step in HISTORY.replayed for table in step.delta.changed.tables
    ]


names = st.text(max_size=8)
keys = st.lists(names, max_size=3).map(tuple)
columns = st.builds(
    Column,
    names,
    names,
    names,
    st.booleans(),
    st.none() | names,
    names,
    st.none() | st.builds(Generated, names, st.booleans()),
    names,
)
tables = st.builds(
    Table,
    names,
    st.lists(columns, max_size=3).map(tuple),
    keys,
    uniques=st.frozensets(keys, max_size=3),
    foreign_keys=st.frozensets(st.builds(ForeignKey, keys, names, keys), max_size=2),
    checks=st.frozensets(st.builds(Check, names, st.frozensets(names, max_size=2)), max_size=2),
    sql=names,
)


@given(tables)
def test_any_table_comes_back_equal_in_every_field(table: Table) -> None:
    back = codec.load(codec.dump(table), STEP_CLASSES)
    assert back == table
    assert (back.sql, {check.mentions for check in back.checks}) == (
        table.sql,
        {check.mentions for check in table.checks},
    )


def test_classes_of_one_name_come_back_each_as_its_own() -> None:
    steps = (plan.AddColumn("t", "a", "a TEXT", "001"), table_edits.AddColumn("a TEXT"))
    assert codec.load(codec.dump(steps), map(type, steps)) == steps


def test_equal_values_give_equal_texts() -> None:
    tables = [schema_of("CREATE TABLE t (a UNIQUE, b UNIQUE, CHECK (a > 0), CHECK (b > 0))") for _ in range(2)]
    assert codec.dump(tables[0]) == codec.dump(tables[1])


@pytest.mark.parametrize(
    "text",
    [
        codec.dump(Stranger(1)),
        '{"class":"test_codec.Stranger","values":[1]}',
        '{"class":"schema.Column","more":1}',
        '{"class":"Column","values":[]}',
        '{"set":1}',
        '{"a":1}',
        "not JSON",
        "",
    ],
)
def test_what_archmig_did_not_write_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        codec.load(text, STEP_CLASSES)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes"])
def test_what_cannot_come_back_is_not_written(value: object) -> None:
    with pytest.raises(TypeError):
        codec.dump(value)
