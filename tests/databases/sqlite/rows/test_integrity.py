"""Rows that break what their own table declares are nobody's damage: they are left alone, told, and never made."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from architect_migrate.databases.sqlite import authorizer
from architect_migrate.databases.sqlite.connection import reading
from architect_migrate.databases.sqlite.rows.integrity import damage, integrity_of
from architect_migrate.databases.values import forbidden_values
from architect_migrate.runs import execute as execution
from architect_migrate.runs.steps import run_steps as execute_plan
from support.cli import archmig, ask, build, execute
from support.plain_alembic import alembic

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.planning.plan import Plan
    from architect_migrate.runs.contracts import Progress
    from architect_migrate.runs.steps import Written

_REVISION = """from alembic import op

revision = "004_more"
down_revision = "003_due"


def upgrade():
    if op.get_bind().exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'rated'").scalar():
        op.execute("PRAGMA ignore_check_constraints = ON")
        op.execute("INSERT INTO rated (stars) VALUES (9)")
        op.execute("PRAGMA ignore_check_constraints = OFF")


def downgrade():
    pass
"""
RATED = "CREATE TABLE rated (id INTEGER PRIMARY KEY, stars INTEGER CHECK (stars < 6))"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    build(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rated(path: Path) -> None:
    execute(path, f"{RATED}; PRAGMA ignore_check_constraints = ON; INSERT INTO rated (stars) VALUES (1), (7), (8)")


def declared_otherwise(path: Path, old: str, new: str) -> None:
    """What an application that edits the stored text leaves, or a SQLite that did not look."""
    text = f"UPDATE sqlite_master SET sql = replace(sql, '{old}', '{new}')"
    execute(path, f"PRAGMA writable_schema = ON; {text}")


def test_rows_that_break_a_check_stop_no_upgrade_and_are_told(place: Path) -> None:
    rated(place / "behind.db")
    done = archmig("upgrade", "-e", "behind", "--yes")
    assert done.code == 0, done.err
    said = (
        "rows that violate their own table's declarations, left as they were: CHECK constraint failed in rated (2 rows)"
    )
    assert f"archmig: behind: {said}\n" in done.err
    assert ask(place / "behind.db", "SELECT stars FROM rated ORDER BY id") == [(1,), (7,), (8,)]


def test_nor_a_plain_alembic_upgrade(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    rated(place / "behind.db")
    with caplog.at_level("WARNING", "alembic.archmig"):
        assert alembic("-x", "env=behind", "upgrade", "head", ini=place / "alembic.ini").code == 0
    assert (
        "rows that violate their own table's declarations, left as they were: CHECK constraint failed in rated (2 rows)"
        in caplog.text
    )


def test_a_plain_alembic_run_that_makes_more_such_rows_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rated(place / "home.db")
    (place / "chain" / "versions" / "004_more.py").write_text(_REVISION)
    monkeypatch.setattr(authorizer, "_DANGEROUS", frozenset())
    before = (place / "home.db").read_bytes()
    done = alembic("-x", "env=home", "upgrade", "head", ini=place / "alembic.ini")
    said = "home: the result did not pass its proof: CHECK constraint failed in rated; everything was rolled back"
    assert (done.code, said in done.out) == (-1, True), done.out
    assert (place / "home.db").read_bytes() == before


@pytest.mark.parametrize("command", [("backup", "create"), ("rehearse",), ("reconcile", "--yes")])
def test_null_where_none_may_be_is_no_damage(place: Path, command: tuple[str, ...]) -> None:
    execute(place / "behind.db", "CREATE TABLE more (a TEXT, b TEXT); INSERT INTO more VALUES (NULL, 'x')")
    declared_otherwise(place / "behind.db", "(a TEXT, b TEXT)", "(a TEXT NOT NULL, b TEXT)")
    assert archmig(*command, "-e", "behind").code == 0


def test_functions_and_collations_of_the_application_stop_no_run(place: Path) -> None:
    with closing(sqlite3.connect(place / "behind.db")) as connection:
        connection.create_function("sounds", 1, str, deterministic=True)
        connection.create_collation("theirs", lambda one, other: (one > other) - (one < other))
        connection.executescript(
            "CREATE TABLE words (word TEXT COLLATE theirs PRIMARY KEY, sound TEXT CHECK (sounds(sound) <> ''));"
            "CREATE INDEX ix_words ON words (sounds(word)); INSERT INTO words VALUES ('a', 'b'), ('c', 'd')"
        )
    done = archmig("upgrade", "-e", "behind", "--yes")
    assert done.code == 0, done.err
    assert (
        done.err
        == "behind: behind, 2 steps\n  run revision 003_due (Due dates of notes)\n  stamp 003_due\nbehind: done: "
        + done.err.partition("done: ")[2]
    )
    assert ask(place / "behind.db", "SELECT count(*) FROM words") == [(2,)]


def test_a_run_that_makes_more_such_rows_does_not_pass_its_proof(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rated(place / "behind.db")
    before = (place / "behind.db").read_bytes()

    def executed(
        context: EnvironmentContext, plan: Plan, connection: sqlite3.Connection, progress: Progress
    ) -> Written:
        written = execute_plan(context, plan, connection, progress)
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("INSERT INTO rated (stars) VALUES (9)")
        connection.execute("PRAGMA ignore_check_constraints = OFF")
        written.written.add("rated")
        return written

    monkeypatch.setattr(execution, "run_steps", executed)
    done = archmig("upgrade", "-e", "behind", "--yes")
    assert done.code == 2
    said = "the result did not pass its proof, everything was rolled back: CHECK constraint failed in rated\n"
    assert said in done.err, done.err
    assert (place / "behind.db").read_bytes() == before


def test_what_is_wrong_with_the_file_is_not_hidden_by_any_number_of_such_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
    execute(
        path,
        f"CREATE TABLE aaa (n INTEGER); INSERT INTO aaa {numbers} SELECT NULL FROM n;"
        f"CREATE TABLE zzz (n INTEGER); CREATE INDEX ix_zzz ON zzz (n); INSERT INTO zzz {numbers} SELECT i FROM n;",
    )
    declared_otherwise(path, "aaa (n INTEGER)", "aaa (n INTEGER NOT NULL)")
    with reading(path) as connection:
        assert (damage(connection), forbidden_values(integrity_of(connection).broken)) == (
            (),
            ("NULL value in aaa.n (3,000 rows)",),
        )
    execute(
        path,
        "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, '(n)', '(-n)') WHERE name = 'ix_zzz'",
    )
    with reading(path) as connection:
        found = integrity_of(connection)
    assert found.damage[0].startswith("row 1 missing from index ix_zzz")
    assert (len(found.damage), found.broken.total()) == (10, 3000)
