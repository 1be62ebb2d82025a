"""Revisions that change rows, on databases whose stamp does not say that they ran."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from architect_migrate.model.environment import Origin, RowAnswer, Rows
from architect_migrate.planning.results import Outcome
from architect_migrate.runs.reconcile import preview, reconcile
from architect_migrate.runs.survey import survey
from support.scenarios import ask, headlines, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

A = "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT)"
MORE = "ALTER TABLE a ADD COLUMN more TEXT"
ANEW = (
    "CREATE TABLE b (id INTEGER PRIMARY KEY, x TEXT)",
    "INSERT INTO b SELECT id, x FROM a",
    "DROP TABLE a",
    "ALTER TABLE b RENAME TO a",
)
# What the second of three revisions runs.
STATEMENTS = {
    "inserts": ("INSERT INTO a (x) SELECT 'new' WHERE NOT EXISTS (SELECT 1 FROM a WHERE x = 'new')",),
    "updates": ("UPDATE a SET x = 'set' WHERE x = 'old'",),
    "updates by a common table": ("WITH w AS (SELECT 'old' AS x) UPDATE a SET x = 'set' WHERE x IN w",),
    "deletes": ("DELETE FROM a",),
    "makes its table anew": ANEW,
}
ROW = "INSERT INTO a VALUES (1, 'old', 'later')"


@pytest.mark.parametrize("statements", STATEMENTS.values(), ids=list(STATEMENTS))
def test_what_comes_after_it_shows_that_it_ran_and_its_statements_do_not_run_again(
    tmp_path: Path, statements: tuple[str, ...]
) -> None:
    chain = {"1_a": revision(None, A), "2_rows": revision("1_a", *statements), "3_more": revision("2_rows", MORE)}
    home = own_chain(tmp_path, chain)
    script(home.database, A, MORE, ROW)
    assert headlines(home.preview().plan) == ["stamp 3_more"]
    shown = home.preview()
    assert shown.plan is not None
    assert reconcile(home.context(), shown.plan, lambda *_: None).outcome is Outcome.DONE
    assert ask(home.database, "SELECT * FROM a") == [(1, "old", "later")]
    assert home.preview().outcome is Outcome.NOTHING


CENTS = {"1_a": revision(None, A), "2_rows": revision("1_a", "UPDATE a SET x = x || '!'")}


def undecided(home: Home) -> list[str]:
    return [finding.found for finding in home.survey().findings if finding.code == "rows-undecided"]


def test_the_last_revision_of_a_database_without_a_stamp_may_have_run_or_not(tmp_path: Path) -> None:
    home = own_chain(tmp_path, CENTS)
    script(home.database, A, "INSERT INTO a VALUES (1, 'old')")
    (found,) = undecided(home)
    assert found == (
        "cannot tell whether its rows are there: the schema looks the same with and without it, and no stamp says that "
        "it ran (UPDATE a SET x = x || '…')"
    )
    assert home.preview().outcome is Outcome.BLOCKED


@pytest.mark.parametrize(
    ("answer", "steps", "row"),
    [
        (RowAnswer.RUN, ["run revision 2_rows", "stamp 2_rows"], "old!"),
        (RowAnswer.DONE, ["stamp 2_rows"], "old"),
        (RowAnswer.SKIP, ["stamp 2_rows"], "old"),
    ],
)
def test_a_person_settles_it_for_one_run(tmp_path: Path, answer: RowAnswer, steps: list[str], row: str) -> None:
    home = own_chain(tmp_path, CENTS)
    script(home.database, A, "INSERT INTO a VALUES (1, 'old')")
    shown = preview(home.context(), rows=[("2", answer)])
    assert headlines(shown.plan) == steps
    assert shown.plan is not None
    done = reconcile(home.context(), shown.plan, lambda *_: None, rows=[("2", answer)])
    assert done.receipt is not None
    forced = next(words for kind, words in done.receipt.facts if kind == "forced")
    assert forced.startswith(f"rows of 2_rows: {answer.value} by ")
    assert ask(home.database, "SELECT x FROM a") == [(row,)]
    assert home.preview().outcome is Outcome.NOTHING


def test_an_entry_settles_it_for_the_environments_that_it_names(tmp_path: Path) -> None:
    home = own_chain(tmp_path, CENTS)
    script(home.database, A, "INSERT INTO a VALUES (1, 'old')")
    entry = Rows("2_rows", RowAnswer.DONE, Origin(tmp_path / "environments.toml", 1), frozenset({"home"}))
    context = replace(home.context(), resolutions=(entry,))
    assert headlines(preview(context).plan) == ["stamp 2_rows"]
    assert [finding.found for finding in survey(context).findings if finding.code == "rows-settled"] == [
        "settled as done by resolve[1]"
    ]


def test_statements_that_change_nothing_now_need_no_answer(tmp_path: Path) -> None:
    home = own_chain(tmp_path, CENTS)
    script(home.database, A)
    assert headlines(home.preview().plan) == ["stamp 2_rows"]
    chain = CENTS | {"2_rows": revision("1_a", "UPDATE a SET x = 'new' WHERE x = 'old'")}
    settled = own_chain(tmp_path / "settled", chain)
    script(settled.database, A, "INSERT INTO a VALUES (1, 'new')")
    assert headlines(settled.preview().plan) == ["stamp 2_rows"]


SLUGS = {
    "1_a": revision(None, A),
    "2_slug": revision(
        "1_a", "ALTER TABLE a ADD COLUMN slug TEXT", "UPDATE a SET slug = lower(x)", "CREATE INDEX ix_slug ON a (slug)"
    ),
}


@pytest.mark.parametrize("claims", [stamp("1_a"), ()], ids=["stamped before it", "no stamp"])
def test_a_backfill_between_two_changes_of_the_schema_is_asked_about(tmp_path: Path, claims: tuple[str, ...]) -> None:
    """The run was killed after ADD COLUMN: the values were never filled in."""
    home = own_chain(tmp_path, SLUGS)
    script(home.database, A, "ALTER TABLE a ADD COLUMN slug TEXT", "INSERT INTO a VALUES (1, 'Walk', NULL)", *claims)
    assert len(undecided(home)) == 1
    shown = preview(home.context(), rows=[("2_slug", RowAnswer.RUN)])
    assert shown.plan is not None
    assert headlines(shown.plan) == [
        "create index ix_slug",
        "run the 1 row statement of 2_slug",
        "stamp 2_slug",
    ]
    assert reconcile(home.context(), shown.plan, lambda *_: None, rows=[("2_slug", RowAnswer.RUN)]).receipt
    assert ask(home.database, "SELECT slug FROM a") == [("walk",)]


SEEDED = {
    "1_a": revision(None, A, "INSERT INTO a (id, x) VALUES (1, 'admin'), (2, 'guest')"),
    "2_b": revision("1_a", "CREATE TABLE b (x)"),
}


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ((), "rows-undecided"),
        (("INSERT INTO a VALUES (1, 'admin')",), "rows-undecided"),
        (("INSERT INTO a VALUES (1, 'admin'), (2, 'renamed by a person')",), "rows-ran"),
    ],
    ids=["none", "one", "all"],
)
def test_rows_of_constants_are_looked_for_by_their_key(tmp_path: Path, rows: tuple[str, ...], code: str) -> None:
    home = own_chain(tmp_path, SEEDED)
    script(home.database, A, *rows)
    assert [each.code for each in home.survey().findings if each.code.startswith("rows-")] == [code]


def test_a_loop_over_rows_is_no_statement_that_could_be_run_by_itself(tmp_path: Path) -> None:
    select = "op.get_bind().exec_driver_sql('SELECT id, x FROM a').fetchall()"
    update = "op.get_bind().exec_driver_sql('UPDATE a SET slug = ? WHERE id = ?', (row.x, row.id))"
    code = f"for row in {select}:\n    {update}"
    chain = {"1_a": revision(None, A), "2_loop": looping("1_a", "ALTER TABLE a ADD COLUMN slug TEXT", code)}
    home = own_chain(tmp_path, chain)
    script(home.database, A, "ALTER TABLE a ADD COLUMN slug TEXT", "INSERT INTO a VALUES (1, 'x', NULL)", *stamp("1_a"))
    assert "code that writes what it finds in tables" in undecided(home)[0]
    blocked = preview(home.context(), rows=[("2_loop", RowAnswer.RUN)])
    assert blocked.outcome is Outcome.BLOCKED
    assert headlines(preview(home.context(), rows=[("2_loop", RowAnswer.DONE)]).plan) == ["stamp 2_loop"]


def looping(parent: str, statement: str, code: str) -> str:
    """A revision whose upgrade() runs a statement and then code of its own."""
    text = revision(parent, statement)
    return text.replace("def downgrade", "    " + code.replace("\n", "\n    ") + "\n\n\ndef downgrade", 1)


def test_rows_of_a_table_that_is_gone_by_now_are_not_written_again(tmp_path: Path) -> None:
    """Found with Airflow's chain, whose table has another name by now."""
    chain = {
        "1_old": revision(None, A, "CREATE TABLE old (id INTEGER PRIMARY KEY, x TEXT)"),
        "2_rows": revision("1_old", "UPDATE old SET x = 1"),
        "3_new": revision("2_rows", "ALTER TABLE old RENAME TO new"),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, A, "CREATE TABLE new (id INTEGER PRIMARY KEY, x TEXT)", "INSERT INTO new VALUES (1, 'x')")
    shown = home.preview()
    assert (headlines(shown.plan), shown.warnings) == (["stamp 3_new"], ())


def test_a_stamp_says_that_they_ran(tmp_path: Path) -> None:
    chain = {"1_a": revision(None, A), "2_rows": revision("1_a", "DELETE FROM a"), "3_more": revision("2_rows", MORE)}
    home = own_chain(tmp_path, chain)
    script(home.database, A, MORE, *stamp("3_more"))
    assert (home.preview().outcome, home.preview().warnings) == (Outcome.NOTHING, ())
