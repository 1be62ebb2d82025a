"""Chains that are no line: two heads, a merge, a revision that depends on another branch."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from architect_migrate.planning.results import Outcome, State
from architect_migrate.runs.reconcile import preview, reconcile
from support.cli import archmig
from support.scenarios import ask, headlines, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

A, B, C, D, E = (f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, x TEXT)" for name in "abcde")
TWO_HEADS = {
    "1_base": revision(None, A),
    "2_left": revision("1_base", B),
    "2_right": revision("1_base", C, "CREATE INDEX ix_c ON c(x)"),
    "3_left": revision("2_left", D),
}
MERGED = TWO_HEADS | {"4_merge": revision(("3_left", "2_right"), E)}
DEPENDING = {
    "1_base": revision(None, A),
    "2_other": revision(None, B, more="branch_labels = ('other',)"),
    "3_needs": revision("1_base", C, more="depends_on = '2_other'"),
}


def at_heads(home: Home, *heads: str) -> list[str]:
    """Reconcile, hold that the stamp is these heads and that nothing is left to do; the steps."""
    shown = home.preview()
    assert shown.outcome is Outcome.PLANNED, shown.detail
    reconcile(home.context(), shown.plan, lambda *_: None)
    assert sorted(row[0] for row in ask(home.database, "SELECT version_num FROM alembic_version")) == sorted(heads)
    assert home.survey().state is State.UP_TO_DATE
    assert home.preview().outcome is Outcome.NOTHING
    return headlines(shown.plan)


def test_of_two_heads_the_one_that_is_not_there_is_run(tmp_path: Path) -> None:
    home = own_chain(tmp_path, TWO_HEADS)
    script(home.database, A, B, D, *stamp("3_left"))
    assert at_heads(home, "3_left", "2_right") == ["run revision 2_right", "stamp 3_left, 2_right"]


def test_of_two_heads_the_one_that_nobody_recorded_is_seen(tmp_path: Path) -> None:
    home = own_chain(tmp_path, TWO_HEADS)
    script(home.database, A, C, "INSERT INTO c VALUES (1, 'x')")
    assert at_heads(home, "3_left", "2_right") == [
        "create index ix_c",
        "stamp 2_right",
        "run revision 2_left",
        "run revision 3_left",
        "stamp 3_left, 2_right",
    ]


def test_two_stamped_heads_are_no_surprise(tmp_path: Path) -> None:
    home = own_chain(tmp_path, TWO_HEADS)
    script(home.database, A, B, D, C, *stamp("3_left", "2_right"))
    assert at_heads(home, "3_left", "2_right") == ["create index ix_c"]


@pytest.mark.parametrize("drifted", [(), ("DROP INDEX ix_c",)], ids=["as the chain makes it", "drifted"])
def test_heads_are_told_in_the_order_of_the_chain(tmp_path: Path, drifted: tuple[str, ...]) -> None:
    home = own_chain(tmp_path, TWO_HEADS)
    made = A, B, C, "CREATE INDEX ix_c ON c(x)", D
    script(home.database, *made, *drifted, *stamp("2_right", "3_left"))
    home.context()
    shown = archmig("-c", str(tmp_path / "environments.toml"), "status").out.splitlines()[1]
    assert shown.count("3, 2_right") == 2  # short names where they are unique


def test_one_head_as_target_leaves_the_other_alone(tmp_path: Path) -> None:
    home = own_chain(tmp_path, TWO_HEADS)
    script(home.database, A, *stamp("1_base"))
    shown = preview(home.context(), "2_right")
    assert headlines(shown.plan) == ["run revision 2_right", "stamp 2_right"]


def test_evidence_of_a_merge_brings_both_sides(tmp_path: Path) -> None:
    home = own_chain(tmp_path, MERGED)
    script(home.database, A, D, E, "INSERT INTO e VALUES (1, 'x')", *stamp("2_left"))
    assert at_heads(home, "4_merge") == ["run revision 2_right", "run revision 2_left", "stamp 4_merge"]


def test_half_of_both_sides_of_a_merge_is_completed(tmp_path: Path) -> None:
    home = own_chain(tmp_path, MERGED)
    script(home.database, A, B, C, *stamp("2_right"))
    steps = at_heads(home, "4_merge")
    assert steps == [
        "create index ix_c",
        "stamp 2_right, 2_left",
        "run revision 3_left",
        "run revision 4_merge",
        "stamp 4_merge",
    ]


def test_what_a_revision_depends_on_comes_before_it(tmp_path: Path) -> None:
    home = own_chain(tmp_path, DEPENDING)
    script(home.database, A, "INSERT INTO a VALUES (1, 'x')", *stamp("1_base"))
    steps = at_heads(home, "3_needs")
    assert steps == ["run revision 2_other", "run revision 3_needs", "stamp 3_needs"]


@pytest.mark.parametrize("there", [(), ("1_base",), ("3_left",), ("2_left", "2_right")])
def test_the_sql_of_an_upgrade_leads_from_any_heads_to_both(tmp_path: Path, there: tuple[str, ...]) -> None:
    home = own_chain(tmp_path, TWO_HEADS)
    (tmp_path / "environments.toml").write_text('[env.it]\npath = "it.db"\nuninitialised = "create"\n')
    made = {
        (): (),
        ("1_base",): (A,),
        ("3_left",): (A, B, D),
        ("2_left", "2_right"): (A, B, C, "CREATE INDEX ix_c ON c(x)"),
    }
    script(home.database, *made[there], *(stamp(*there) if there else ()))
    done = archmig("-c", str(tmp_path / "environments.toml"), "upgrade", "-e", "it", "--sql")
    assert (done.code, done.err) == (0, "")
    with closing(sqlite3.connect(home.database)) as connection:
        connection.executescript(done.out)
    assert home.survey().state is State.UP_TO_DATE


def test_a_branch_that_renames_what_another_one_drops_is_compared_at_every_position(tmp_path: Path) -> None:
    key = "CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a (id))"
    chain = {
        "1_base": revision(None, A, key),
        "2_right": revision("1_base", "ALTER TABLE a RENAME TO c"),
        "2_left": revision("1_base", "DROP TABLE b", D),
    }
    home = own_chain(tmp_path, chain)
    # In the replay the key of b refers to c when b is dropped; here it still refers to a.
    script(home.database, A, D, "INSERT INTO a VALUES (1, 'x')", *stamp("2_left"))
    assert home.survey().state is State.BEHIND
    assert at_heads(home, "2_left", "2_right") == ["run revision 2_right", "stamp 2_right, 2_left"]
    assert ask(home.database, "SELECT * FROM c") == [(1, "x")]


def test_a_branch_that_drops_what_another_one_changes_is_compared_at_every_position(tmp_path: Path) -> None:
    chain = {
        "1_base": revision(None, A, "CREATE VIEW v AS SELECT x FROM a"),
        "2_right": revision("1_base", "ALTER TABLE a RENAME TO c"),
        "2_left": revision("1_base", "DROP VIEW v"),
    }
    home = own_chain(tmp_path, chain)
    # In the replay the view reads c when it is dropped.
    script(home.database, A, *stamp("2_left"))
    assert home.survey().state is State.BEHIND
    assert at_heads(home, "2_left", "2_right") == ["run revision 2_right", "stamp 2_right, 2_left"]
    assert ask(home.database, "SELECT name FROM sqlite_master WHERE type = 'view'") == []


def test_a_table_is_made_again_with_its_columns_in_the_chains_order_at_every_position(tmp_path: Path) -> None:
    made = "CREATE TABLE \"b\" (id INTEGER NOT NULL, x TEXT DEFAULT '0', y TEXT, PRIMARY KEY (id))"
    remade = (made.replace('"b"', "b_new"), "INSERT INTO b_new SELECT id, x, y FROM b", "DROP TABLE b")
    chain = {
        "1_base": revision(None, "CREATE TABLE b (id INTEGER NOT NULL, x TEXT, y TEXT, PRIMARY KEY (id))"),
        "2_left": revision("1_base", *remade, "ALTER TABLE b_new RENAME TO b", A),
        "2_right": revision("1_base", C),
        "3_left": revision("2_left", D),
        "3_right": revision("2_right", E),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, A, D, C, *stamp("3_left", "2_right"))
    assert at_heads(home, "3_left", "3_right")[0] == "create table b"
    assert ask(home.database, "SELECT sql FROM sqlite_master WHERE name = 'b'") == [(made,)]
