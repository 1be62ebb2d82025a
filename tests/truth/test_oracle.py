"""The oracle of `make truth` reads schemas rightly, builds the same again from a seed, and sees each kind of lie."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from truth.chain import Chain, Op, Revision
from truth.compare import differences
from truth.generate import generated
from truth.histories import History, case_of, drawn
from truth.reader import content, content_of, opened
from truth.row_truth import invented, lost_or_changed
from truth.stamps import Damage
from truth.trial import truth_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from truth.life import Truth
    from truth.reader import Key

_PARENT = "CREATE TABLE p (id INTEGER PRIMARY KEY)"
_TABLE = (
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT CONSTRAINT u UNIQUE, b INT NOT NULL"
    " CONSTRAINT f REFERENCES p ON DELETE SET NULL CONSTRAINT c CHECK (b > 0) DEFAULT 1 COLLATE NOCASE)"
)
_SPELT_OTHERWISE = (
    'CREATE TABLE "t" ("id" INTEGER, a TEXT, [b] INT DEFAULT (1) NOT NULL COLLATE nocase, PRIMARY KEY (id),'
    " CONSTRAINT u UNIQUE (a), CONSTRAINT f FOREIGN KEY(b) REFERENCES p (id) ON DELETE SET NULL, -- why, not what\n"
    " CONSTRAINT c CHECK ((b>0)))"
)


def _facts(*script: str) -> Mapping[Key, str]:
    with opened(b"") as raw:
        for statement in script:
            raw.execute(statement)
        return content(raw).facts


def test_one_schema_in_two_spellings_is_one() -> None:
    assert differences(_facts(_PARENT, _TABLE), _facts(_PARENT, _SPELT_OTHERWISE)) == []


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("CONSTRAINT u UNIQUE", "UNIQUE", "unique has no name"),
        ("CONSTRAINT u", "CONSTRAINT v", "unique named otherwise"),
        ("CONSTRAINT u UNIQUE", "", "unique missing"),
        ("CONSTRAINT c", "CONSTRAINT d", "check named otherwise"),
        ("CONSTRAINT c CHECK (b > 0)", "", "check missing"),
        ("ON DELETE SET NULL", "", "foreign key missing"),
        ("CONSTRAINT f", "", "foreign key has no name"),
        ("NOT NULL", "", "not null differs"),
        ("DEFAULT 1", "DEFAULT 2", "default differs"),
        ("COLLATE NOCASE", "", "collation differs"),
        ("b INT", "b TEXT", "type differs"),
        ("b INT", "b BIGINT", "declared type differs"),
    ],
)
def test_each_change_of_a_table_is_seen(old: str, new: str, kind: str) -> None:
    found = differences(_facts(_PARENT, _TABLE), _facts(_PARENT, _TABLE.replace(old, new, 1)))

    assert kind in {one.kind for one in found}


def test_a_chain_and_its_histories_are_the_same_from_a_seed(tmp_path: Path) -> None:
    chain = generated("5:1", rows=True)
    assert chain == generated("5:1", rows=True)
    one, other = (truth_of(tmp_path / name, chain, "5:1") for name in ("one", "other"))
    assert one is not None
    assert other is not None

    for number in range(5):
        first, again = (drawn(item, random.Random(number), "as it was") for item in (one, other))
        # Not their digests: Alembic's batch mode writes the constraints of a table in another order each time.
        assert (first.before.facts, first.before.rows) == (again.before.facts, again.before.rows)


def test_undamaged_rows_that_plain_alembic_carried_along_are_not_complained_of(tmp_path: Path) -> None:
    truth = _renaming(tmp_path)
    case = case_of(truth, History("as it was", 0, 1))
    assert case.twin is not None

    assert [*lost_or_changed(case, case.twin), *invented(case, case.twin)] == []


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("DELETE FROM people", "row lost"),
        ("UPDATE people SET name = NULL", "value lost"),
        ("UPDATE people SET rank = rank * 100", "value multiplied again"),
        ("INSERT INTO people (id) VALUES (77)", "row invented"),
        ("CREATE TABLE users AS SELECT * FROM people; DELETE FROM people", "row not where it belongs"),
    ],
)
def test_each_wrong_of_rows_is_seen(tmp_path: Path, script: str, kind: str) -> None:
    truth = _renaming(tmp_path)
    case = case_of(truth, History("as it was", 0, 1))
    with opened(truth.life(0).images[2]) as raw:
        raw.executescript(script)
        after = content(raw)

    assert kind in {one.kind for one in [*lost_or_changed(case, after), *invented(case, after)]}


def test_values_that_the_chain_was_to_change_are_known_under_another_name_and_as_null(tmp_path: Path) -> None:
    made = "op.execute('CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, note TEXT)')"
    ops = [f"op.execute('UPDATE users SET {column} = 7')" for column in ("name", "note")]
    renamed = "op.execute('ALTER TABLE users RENAME COLUMN name TO title')"
    revisions = (
        Revision("r01", (), (Op("create", made),)),
        Revision("r02", ("r01",), (*(Op("update", op) for op in ops), Op("rename", renamed))),
    )
    truth = truth_of(tmp_path / "chain", Chain(revisions, "a stranger's"), "d")
    assert truth is not None
    case = case_of(truth, History("as it was", 0, 1))
    with opened(case.image) as raw:
        raw.execute("ALTER TABLE users RENAME COLUMN name TO title")
        after = content(raw)
    assert None in [row["note"] for row in case.before.rows["users"]]

    found = list(lost_or_changed(case, after))

    assert {one.kind for one in found} == {"value as before, the chain changes it"}
    assert len(found) == 2 * len(after.rows["users"])


def test_a_value_made_by_hand_may_stay_though_a_column_beside_it_has_the_default_that_the_chain_gives(
    tmp_path: Path,
) -> None:
    made = "op.execute(\"CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT DEFAULT 'new')\")"
    column = "ALTER TABLE users ADD COLUMN made TEXT DEFAULT 'new'"
    row = Op("insert", "op.execute('INSERT INTO users (id) VALUES (1)')")
    revisions = (
        Revision("r01", (), (Op("create", made), row)),
        Revision("r02", ("r01",), (Op("add", f"op.execute({column!r})"),)),
    )
    truth = truth_of(tmp_path / "chain", Chain(revisions, "a stranger's"), "e")
    assert truth is not None
    damage = Damage("later column by hand", (column, "UPDATE users SET made = 'mine'"))
    case = case_of(truth, History("made by hand", 0, 1, damages=(damage,)))
    with opened(case.image) as raw:
        kept = content(raw)
        raw.execute("UPDATE users SET made = NULL")
        lost = content(raw)

    assert list(lost_or_changed(case, kept)) == []
    assert {one.kind for one in lost_or_changed(case, lost)} == {"value lost"}


def test_an_interrupted_revision_leaves_what_its_first_statements_made(tmp_path: Path) -> None:
    truth = _renaming(tmp_path)

    case = case_of(truth, replace(History("interrupted", 0, 1), half=1))

    assert "people" in case.before.tables
    assert case.before.stamp == ("r01",)
    assert "rank" not in case.before.rows["people"][0]


def _renaming(folder: Path) -> Truth:
    """A chain that makes a table, then gives it another name and a column."""
    made = "op.execute('CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)')"
    renamed = "op.rename_table('users', 'people')"
    added = "op.execute('ALTER TABLE people ADD COLUMN rank INTEGER DEFAULT 3')"
    revisions = (
        Revision("r01", (), (Op("create", made),)),
        Revision("r02", ("r01",), (Op("rename", renamed), Op("add", added))),
    )
    truth = truth_of(folder / "chain", Chain(revisions, "a stranger's"), "seed")
    assert truth is not None
    assert content_of(truth.head()).stamp == ("r02",)
    return truth
