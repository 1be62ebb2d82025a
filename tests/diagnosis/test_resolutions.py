"""What an entry in environments.toml settles, and the entry that is offered."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from architect_migrate.core.names import fold
from architect_migrate.diagnosis.resolutions import copy_line, drops, entry, fill_of, keeper, unsettled
from architect_migrate.model.diff import Change, Differs, Extra, Reordered, diff, explain
from architect_migrate.model.environment import Drop, Fill, Keep, Kind, Origin, Subject
from architect_migrate.model.facts import describe
from support.schemas import schema_of

ORIGIN = Origin(Path("environments.toml"), 1)
PARENT = "CREATE TABLE p (id INTEGER PRIMARY KEY);"
CHAIN = (
    PARENT + "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL UNIQUE, b INTEGER REFERENCES p, c TEXT, d, e,"
    "CHECK (a <> c), UNIQUE (d, e));"
    "CREATE INDEX ix ON t (a); CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END; CREATE VIEW vw AS SELECT 1;"
)
# Of everything but the parent there is nothing but a table with other columns.
BARE = PARENT + "CREATE TABLE t (z TEXT);"


def changes(chain: str = CHAIN, database: str = BARE) -> dict[str, Change]:
    return {
        one.table if isinstance(one, Reordered) else describe(one.fact): one
        for one in diff(schema_of(chain), schema_of(database))
    }


def keep(kind: Kind, name: str, table: str | None = None) -> Keep:
    return Keep(Subject(kind, name, table).folded(fold), ORIGIN)


def nullable(column: str = "a", *, default: str | None = None) -> Fill:
    return Fill("t", column, None, default, True, ORIGIN).folded(fold)


@pytest.mark.parametrize(
    ("subject", "covered"),
    [
        (keep(Kind.COLUMN, "A", "T"), {"column t.a", "unique t(a)", "check on t: a <> c"}),
        (keep(Kind.COLUMN, "c", "t"), {"column t.c", "check on t: a <> c"}),
        (keep(Kind.COLUMN, "b", "t"), {"column t.b", "foreign key t(b) to p"}),
        (keep(Kind.COLUMN, "e", "t"), {"column t.e", "unique t(d, e)"}),
        (keep(Kind.COLUMN, "id", "t"), {"column t.id", "primary key of t"}),
        (keep(Kind.COLUMN, "z", "t"), {"column t.z"}),
        (keep(Kind.COLUMN, "a", "p"), set()),
        (keep(Kind.INDEX, "IX"), {"index ix on t"}),
        (keep(Kind.TRIGGER, "Tr"), {"trigger tr on t"}),
        (keep(Kind.VIEW, "VW"), {"view vw"}),
        (keep(Kind.VIEW, "ix"), set()),
        (keep(Kind.INDEX, "vw"), set()),
        (keep(Kind.TABLE, "p"), set()),
    ],
)
def test_an_entry_lets_its_subject_stand_and_what_rests_on_it(subject: Keep, covered: set[str]) -> None:
    found = changes()
    assert {said for said, one in found.items() if keeper(one, [subject]) is subject} == covered
    assert {said for said, one in found.items() if unsettled(one, [subject]) is None} == covered


def test_an_entry_for_a_table_lets_all_of_it_stand() -> None:
    found = changes()
    left = {said for said, one in found.items() if keeper(one, [keep(Kind.TABLE, "T")]) is None}
    assert left == {"view vw"}


def test_the_first_entry_that_settles_a_difference_is_its_keeper() -> None:
    entries = [keep(Kind.COLUMN, "b", "t"), keep(Kind.TABLE, "t"), keep(Kind.COLUMN, "a", "t")]
    assert keeper(changes()["column t.a"], entries) is entries[1]
    assert keeper(changes()["column t.a"], []) is None


def test_an_entry_keeps_no_order_of_columns() -> None:
    (change,) = diff(schema_of("CREATE TABLE t (a, b)"), schema_of("CREATE TABLE t (b, a)"))
    assert unsettled(change, [keep(Kind.TABLE, "t")]) is change
    assert keeper(change, [keep(Kind.TABLE, "t")]) is None


def column(chain: str, database: str) -> Change:
    found = changes(f"CREATE TABLE t (id, a {chain}, b)", f"CREATE TABLE t (id, a {database}, b)")
    return found["column t.a"]


@pytest.mark.parametrize(
    ("chain", "database", "left"),
    [
        ("TEXT NOT NULL", "TEXT", None),
        ("TEXT NOT NULL", "INTEGER", "column t.a: type is INTEGER, the chain says TEXT"),
        ("TEXT", "TEXT NOT NULL", "column t.a: nullability is NOT NULL, the chain says NULL allowed"),
        ("TEXT", "INTEGER", "column t.a: type is INTEGER, the chain says TEXT"),
    ],
)
def test_an_entry_that_lets_a_column_be_null_settles_that_and_nothing_else(
    chain: str, database: str, left: str | None
) -> None:
    found = unsettled(column(chain, database), [nullable("A")])
    assert (found and explain(found)) == left


def test_what_is_settled_in_part_has_a_keeper_where_the_rest_needs_no_repair() -> None:
    cosmetic = column("VARCHAR(9) NOT NULL", "TEXT")
    serious = column("TEXT NOT NULL", "INTEGER")
    assert keeper(cosmetic, [nullable()]) == nullable()
    assert keeper(serious, [nullable()]) is None
    assert keeper(column("VARCHAR(9)", "TEXT"), [nullable()]) is None


@pytest.mark.parametrize(
    "fill", [nullable("b"), Fill("u", "a", None, None, True, ORIGIN), Fill("t", "a", None, "1", False, ORIGIN)]
)
def test_an_entry_about_another_column_or_without_null_settles_nothing(fill: Fill) -> None:
    change = column("TEXT NOT NULL", "TEXT")
    assert unsettled(change, [fill]) is change


def test_an_entry_that_lets_a_column_be_null_does_not_let_it_be_missing() -> None:
    change = changes()["column t.a"]
    assert unsettled(change, [nullable()]) is change


def test_what_a_column_gets_is_found_by_folded_names() -> None:
    fills = (keep(Kind.COLUMN, "a", "t"), Fill("T", "Ä", None, "1", False, ORIGIN).folded(fold), nullable("a"))
    assert fill_of(fills, "t", "a") == nullable("a")
    assert fill_of(fills, "t", "Ä") == fills[1]
    assert (fill_of(fills, "t", "b"), fill_of(fills, "u", "a")) == (None, None)


def test_only_an_extra_that_an_entry_names_itself_goes() -> None:
    found = changes("CREATE TABLE t (id)", "CREATE TABLE t (id, mine TEXT, UNIQUE (mine)); CREATE TABLE u (k)")
    drop = [Drop(Subject(Kind.COLUMN, "Mine", "T").folded(fold), ORIGIN)]
    assert {said for said, one in found.items() if drops(one, drop)} == {"column t.mine"}
    assert not drops(found["column t.mine"], [keep(Kind.COLUMN, "mine", "t")])
    assert {one for one, change in found.items() if drops(change, [Drop(Subject(Kind.TABLE, "u"), ORIGIN)])} == {
        "table u"
    }
    assert not drops(changes()["column t.a"], [Drop(Subject(Kind.COLUMN, "a", "t"), ORIGIN)])


NAMED = """CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (a INTEGER, b TEXT, c TEXT,
    CONSTRAINT Uq_A UNIQUE (b, a), CONSTRAINT ck_c CHECK (c <> 'x' OR b <> 'y'),
    CONSTRAINT fk_a FOREIGN KEY (a) REFERENCES p (id),
    CONSTRAINT fk_late FOREIGN KEY (a) REFERENCES p (id) ON DELETE CASCADE)"""
BARE = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (a INTEGER, b TEXT, c TEXT)"


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        (Subject(Kind.CONSTRAINT, "UQ_a", "T").folded(fold), {"unique t(a, b)"}),
        (Subject(Kind.CONSTRAINT, "", "t", ("B", "a")).folded(fold), {"unique t(a, b)"}),
        (Subject(Kind.CONSTRAINT, "", "t", ("a",)), {"foreign key t(a) to p"}),
        (Subject(Kind.CONSTRAINT, "ck_c", "t"), {"check on t: c <> 'x' or b <> 'y'"}),
        (Subject(Kind.CONSTRAINT, "", "t", ("b", "c")), {"check on t: c <> 'x' or b <> 'y'"}),
        (Subject(Kind.CONSTRAINT, "uq_a", "p"), set()),
        (Subject(Kind.CONSTRAINT, "a", "t"), set()),
    ],
)
def test_a_constraint_goes_by_its_name_or_its_columns(subject: Subject, said: set[str]) -> None:
    extra, missing = changes(BARE, NAMED), changes(NAMED, BARE)
    assert {one for one, change in extra.items() if drops(change, [Drop(subject, ORIGIN)])} == said
    assert {one for one, change in missing.items() if unsettled(change, [Keep(subject, ORIGIN)]) is None} == said


def test_one_of_two_foreign_keys_of_the_same_columns_goes_by_its_name() -> None:
    found = [one for one in diff(schema_of(BARE), schema_of(NAMED)) if describe(one.fact).startswith("foreign")]  # type: ignore[union-attr]  # no columns are in another order
    late = [Drop(Subject(Kind.CONSTRAINT, "fk_late", "t"), ORIGIN)]
    assert [one.fact.foreign_key.on_delete for one in found if drops(one, late)] == ["cascade"]  # type: ignore[union-attr]  # they are foreign keys


@pytest.mark.parametrize("name", ["ours", "theirs", ""])
def test_a_name_is_kept_by_either_name_and_by_the_columns(name: str) -> None:
    chain, database = (f"CREATE TABLE t (a, CONSTRAINT {one} UNIQUE (a))" for one in ("theirs", "ours"))
    [change] = diff(schema_of(chain), schema_of(database))
    subject = Subject(Kind.CONSTRAINT, name, "t", () if name else ("a",))
    assert unsettled(change, [Keep(subject, ORIGIN)]) is None
    assert unsettled(change, [keep(Kind.COLUMN, "a", "t")]) is change


def test_a_primary_key_never_goes() -> None:
    [change] = diff(schema_of("CREATE TABLE t (a)"), schema_of("CREATE TABLE t (a, PRIMARY KEY (a))"))
    assert not drops(change, [Drop(Subject(Kind.CONSTRAINT, "", "t", ("a",)), ORIGIN)])
    assert unsettled(change, [Keep(Subject(Kind.CONSTRAINT, "", "t", ("a",)), ORIGIN)]) is None


def test_an_extra_and_a_difference_can_be_kept_alike() -> None:
    found = changes("CREATE TABLE t (a TEXT)", "CREATE TABLE t (a BLOB, mine TEXT NOT NULL)")
    assert isinstance(found["column t.a"], Differs)
    assert isinstance(found["column t.mine"], Extra)
    assert all(keeper(one, [keep(Kind.TABLE, "t")]) for one in found.values())


def test_an_entry_is_ready_to_paste() -> None:
    assert entry("t", "", "keep = true") == '[[resolve]]\ntable = "t"\nkeep = true'
    odd = 'a"b\\c\nd\te'
    read = tomllib.loads(entry(odd, odd, copy_line(odd), "allow_null = true"))
    assert read == {"resolve": [{"table": odd, "column": odd, "copy_from": odd, "allow_null": True}]}
