"""`archmig profile` measures what each revision costs, on copies, and says what that is spent on."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from architect_migrate.databases.costs import Kind, StatementCost, StepCost
from architect_migrate.databases.sqlite.meter import kind_of
from support.cli import apart, archmig, executable, execute, primed

if TYPE_CHECKING:
    from pathlib import Path

FOURTH = '''"""Fourth."""
import sqlalchemy as sa
from alembic import op
revision = "004_fourth"
down_revision = "003_due"
def upgrade():
    with op.batch_alter_table("notes") as batch:
        batch.alter_column("title", nullable=True)
    op.execute("UPDATE notes SET due = 'never' WHERE due IS NULL")
    notes = sa.table("notes", sa.column("title", sa.Text))
    op.bulk_insert(notes, [{"title": str(it)} for it in range(30)])
    op.create_index("ix_title", "notes", ["title"])
def downgrade():
    pass
'''
KINDS = {
    "a table": ("CREATE TABLE t (id INTEGER)", Kind.SCHEMA, ""),
    "a column": ("ALTER TABLE t ADD COLUMN c", Kind.SCHEMA, ""),
    "an index": ("create unique index i on t (c)", Kind.INDEX, ""),
    "an index that goes": ("DROP INDEX IF EXISTS i", Kind.INDEX, ""),
    "a table called index": ('CREATE TABLE "create" (x, "index")', Kind.SCHEMA, ""),
    "rows": ("INSERT INTO t SELECT 1", Kind.ROWS, ""),
    "rows by a query with a name": ("WITH n AS (SELECT 1) INSERT INTO t SELECT * FROM n", Kind.ROWS, ""),
    "a query with a name": ("WITH n AS (SELECT 1) SELECT * FROM n", Kind.READING, ""),
    "a comment before it": ("-- note\n/* more */ DELETE FROM t", Kind.ROWS, ""),
    "what is read": ("PRAGMA main.table_xinfo(t)", Kind.READING, ""),
    "a batch's new table": ("CREATE TABLE _alembic_tmp_T (id INTEGER)", Kind.REBUILD, "t"),
    "a batch's rows": ('INSERT INTO "_alembic_tmp_t" (id) SELECT id FROM t', Kind.REBUILD, "t"),
    "a batch's name": ("ALTER TABLE _alembic_tmp_t RENAME TO t", Kind.REBUILD, "t"),
    "a savepoint": ("SAVEPOINT s", Kind.OTHER, ""),
    "nothing": ("", Kind.OTHER, ""),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return apart(tmp_path, monkeypatch)


def told(*words: str) -> dict[str, Any]:
    done = archmig("profile", *words, "--json")
    assert done.code == 0, done.err
    whole = json.loads(done.out)
    found: dict[str, Any] = whole["environments"][0] if whole["environments"] else whole["chain"]
    return found


def numbers(step: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {kind: (one["statements"], one["rows"]) for kind, one in step["spent"].items()}


@pytest.mark.parametrize("name", KINDS)
def test_a_statement_is_told_by_its_words(name: str) -> None:
    sql, kind, table = KINDS[name]
    assert kind_of(sql) == (kind, table)


def test_to_drop_a_table_that_is_being_remade_is_part_of_that() -> None:
    assert kind_of("DROP TABLE notes", {"notes"})[0] is Kind.REBUILD
    assert kind_of("DROP TABLE other", {"notes"})[0] is Kind.SCHEMA


def test_what_a_step_is_spent_on_adds_up() -> None:
    costs = (
        StatementCost("a", Kind.ROWS, 2, 0.25, 7),
        StatementCost("b", Kind.SCHEMA, 1, 0.5, 0),
        StatementCost("c", Kind.ROWS, 1, 0.125, 1),
    )
    step = StepCost("s", "s", 1.0, costs)
    assert [(one.kind, one.seconds, one.statements, one.rows) for one in step.spent] == [
        (Kind.SCHEMA, 0.5, 1, 0),
        (Kind.ROWS, 0.375, 3, 8),
    ]
    assert (step.times, step.rows, step.outside) == (4, 8, 0.125)


def test_the_chain_is_measured_on_an_empty_database(folder: Path) -> None:
    found = told()
    assert [(one["revision"], numbers(one)) for one in found["steps"]] == [
        ("001_notes", {"schema": (1, 0)}),
        ("002_tags", {"schema": (1, 0), "index": (1, 0), "rows": (1, 1)}),
        ("003_due", {"schema": (1, 0), "index": (1, 0)}),
    ]
    assert (found["size"], found["seconds"] > 0) == (None, True)
    assert list((folder.parent / "tmp").iterdir()) == []
    assert not (folder / ".archmig").exists()


def test_text_says_what_costs_most_first(folder: Path) -> None:
    done = executable("profile", cwd=primed(folder))
    heading, columns, *lines = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(
        r"the chain: 3 revisions on an empty database: \d\.\d{3} s, 6 statements, 1 row written", heading
    )
    assert columns.split() == ["step", "seconds", "statements", "rows", "spent", "on"]
    seconds = [float(line.split()[1]) for line in lines]
    assert (len(lines), seconds) == (3, sorted(seconds, reverse=True))


def test_what_is_left_to_run_is_measured_on_a_copy_with_its_rows(folder: Path) -> None:
    (folder / "chain" / "versions" / "004_fourth.py").write_text(FOURTH)
    execute(
        folder / "home.db",
        "WITH RECURSIVE n(x) AS (SELECT 10 UNION ALL SELECT x + 1 FROM n WHERE x < 109) "
        "INSERT INTO notes SELECT x, 'note ' || x, NULL FROM n",
    )
    before = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.db*")}
    found = told("-e", "home")
    (step,) = found["steps"]
    spent = numbers(step)
    assert step["revision"] == "004_fourth"
    assert spent["rows"] == (2, 102 + 30)
    assert spent["rebuild"] == (4, 102)
    assert spent["index"][0] >= 1
    assert found["size"] > 0
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.db*")} == before
    assert list((folder.parent / "tmp").iterdir()) == []


def test_a_drifted_database_is_repaired_on_the_copy_and_that_is_measured_too(folder: Path) -> None:
    assert [(one["step"], one["revision"]) for one in told("-e", "lost")["steps"]] == [
        ("002_tags", "002_tags"),
        ("create index ix_notes_due", None),
    ]


def test_one_revision_is_told_statement_by_statement(folder: Path) -> None:
    done = archmig("profile", "002")
    assert done.code == 0
    heading, _spent, columns, *lines = done.out.splitlines()
    assert heading.startswith("the chain: 002_tags on an empty database: 0.")
    assert columns.split() == ["seconds", "times", "rows", "kind"]
    pairs = zip(lines[::2], lines[1::2], strict=True)
    starts = {" ".join([*row.split()[1:4], *statement.split()[:3]]) for row, statement in pairs}
    assert starts >= {
        "1 - index statement CREATE INDEX",
        "1 - schema statement CREATE TABLE",
        "1 1 rows statement INSERT INTO",
    }


def test_one_that_is_not_left_to_run_is_measured_without_an_environment(folder: Path) -> None:
    done = archmig("profile", "002", "-e", "behind")
    assert (done.code, done.out) == (2, "")
    assert "002 is not among what is left to run on behind (leave --env out:" in done.err
    assert archmig("profile", "003", "-e", "behind").out.startswith("behind: 003_due on a copy of 29 kB: 0.")


def test_where_nothing_is_left_or_something_is_in_the_way_that_is_said(folder: Path) -> None:
    assert archmig("profile", "-e", "home").out == "home: at its target\n"
    assert archmig("profile", "-e", "empty").out == "empty: nothing of the chain is in it; its policy is to skip it\n"
    execute(
        folder / "lost.db",
        "CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO tags VALUES (1, 'same'), (2, 'same');",
    )
    done = archmig("profile", "-e", "lost")
    assert (done.code, done.out.startswith("lost: drifted, blocked by 1 finding\n")) == (1, True)


def test_a_revision_that_fails_on_these_rows_is_named(folder: Path) -> None:
    failing = FOURTH.replace(
        'op.create_index("ix_title", "notes", ["title"])', 'op.execute("CREATE UNIQUE INDEX u ON notes (due)")'
    )
    (folder / "chain" / "versions" / "004_fourth.py").write_text(
        failing.replace("op.bulk_insert", "0 and op.bulk_insert")
    )
    done = archmig("profile", "-e", "home")
    assert (done.code, done.out) == (2, "")
    assert "home: the rehearsal of upgrade failed: revision 004_fourth failed in upgrade(): IntegrityError" in done.err
    assert list((folder.parent / "tmp").iterdir()) == []
