"""Functions and collations that env.py makes are there where definitions of the chain use them, or it is told."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from support.cli import archmig
from support.scenarios import ask, digest, own_chain, revision, stamp

if TYPE_CHECKING:
    from pathlib import Path

ENV = """from alembic import context
from sqlalchemy import create_engine, event
engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
@event.listens_for(engine, "connect")
def connected(driver, _record):
    driver.create_function("shout", 1, lambda text: text and text.upper(), deterministic=True)
    driver.create_collation("backwards", lambda one, two: (one < two) - (one > two))
with engine.connect() as connection:
    context.configure(connection=connection, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
"""
CHECK, SORTED = " CHECK (x IS NULL OR shout(x) = x)", " COLLATE backwards"
A = f"""CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT{CHECK}, y TEXT{SORTED}, more TEXT,
        loud TEXT GENERATED ALWAYS AS (shout(y)) STORED)"""
INDEXES = ("CREATE INDEX by_shout ON a (shout(x))", "CREATE UNIQUE INDEX by_y ON a (y)")
ROWS = "INSERT INTO a (id, x, y) VALUES (1, 'A', 'b'), (2, 'C', 'c')"
LATER = ("UPDATE a SET more = shout(y)", f"ALTER TABLE a ADD COLUMN w TEXT{CHECK.replace('x', 'w')}")
DATABASES = {
    "a revision pends": (A, *INDEXES, ROWS),
    "an index of an expression is missing": (A, INDEXES[1], ROWS),
    "a check is missing": (A.replace(CHECK, ""), *INDEXES, ROWS),
    "a collation is missing": (A.replace(SORTED, ""), *INDEXES, ROWS),
    "a generated column is NULL where the chain forbids it": (A.replace("more TEXT", "more TEXT NOT NULL"), *INDEXES),
    "nothing is there": (),
}


def connected(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file)
    connection.create_function("shout", 1, lambda text: text and text.upper(), deterministic=True)
    connection.create_collation("backwards", lambda one, two: (one < two) - (one > two))
    return connection


def place(folder: Path, monkeypatch: pytest.MonkeyPatch, *statements: str, table: str = A) -> Path:
    own_chain(folder, {"1_a": revision(None, table, *INDEXES), "2_b": revision("1_a", *LATER)})
    (folder / "alembic" / "env.py").write_text(ENV, encoding="utf-8")
    policies = 'repair = "full"\nuninitialised = "create"\n'
    (folder / "environments.toml").write_text(f'[env.it]\npath = "it.db"\n{policies}', encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "900")
    if statements:
        with closing(connected(folder / "it.db")) as connection:
            connection.executescript(";".join(statements))
    return folder / "it.db"


@pytest.mark.parametrize("there", DATABASES.values(), ids=list(DATABASES))
def test_a_database_whose_definitions_use_functions_of_env_py_is_brought_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...]
) -> None:
    database = place(tmp_path, monkeypatch, *there, *(stamp("1_a") if there else ()))
    done = archmig("reconcile", "-e", "it", "--yes")
    assert (done.code, archmig("check", "-e", "it").code) == (0, 0), done.err
    with closing(connected(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute("SELECT id, x, y, more, loud FROM a").fetchall()
    assert rows == ([(1, "A", "b", "B", "B"), (2, "C", "c", "C", "C")] if ROWS in there else [])


def test_rows_that_break_a_check_by_a_function_of_env_py_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = (A.replace(CHECK, ""), *INDEXES, ROWS, "INSERT INTO a (id, x) VALUES (3, 'low')", *stamp("1_a"))
    database = place(tmp_path, monkeypatch, *broken)
    before = digest(database)
    done = archmig("reconcile", "-e", "it", "--dry-run")
    said = "a: x is null or shout ( x ) = x: 1 row breaks this check (row 3: 'low')"
    assert (done.code, said in done.out, digest(database)) == (1, True, before), done.out + done.err


OWN = f"CREATE TABLE own (x TEXT{CHECK}, y TEXT{SORTED})"
IN_THE_WAY = {
    "a view reads a column that goes": (
        "ALTER TABLE a DROP COLUMN more",
        "CREATE VIEW seen AS SELECT shout(more) AS m FROM a",
        "2_b would fail: error in view seen after drop column: no such column: more",
    ),
    "a trigger of the stamp writes what is not there": (
        "UPDATE a SET more = shout(x)",
        "CREATE TRIGGER stamped AFTER UPDATE ON alembic_version BEGIN INSERT INTO gone VALUES (shout('x')); END",
        "could not stamp the database: no such table: main.gone",
    ),
}


@pytest.mark.parametrize("case", IN_THE_WAY.values(), ids=list(IN_THE_WAY))
def test_a_plan_is_tried_on_definitions_that_use_functions_of_env_py(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str, str]
) -> None:
    statement, own, said = case
    database = place(tmp_path, monkeypatch, A, *INDEXES, ROWS, OWN, *stamp("1_a"), own)
    late = tmp_path / "alembic" / "versions" / "2_b.py"
    late.write_text(f"from alembic import op\nrevision = '2_b'\n{revision('1_a', statement)}")
    before = digest(database)
    done = archmig("upgrade", "-e", "it", "--yes")
    assert (done.code, said in done.out, digest(database)) == (1, True, before), done.out + done.err


def test_a_key_sorted_by_a_collation_of_env_py_blocks_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyed = A.replace("id INTEGER PRIMARY KEY", f"id TEXT{SORTED} PRIMARY KEY") + " WITHOUT ROWID"
    place(tmp_path, monkeypatch, table=keyed)
    said = "table a: its key is sorted by backwards, which SQLite does not have, so it cannot be proven"
    done = archmig("reconcile", "-e", "it", "--yes")
    assert (done.code, said in done.out, (tmp_path / "it.db").exists()) == (1, True, False), done.out


def test_verify_looks_at_tables_with_functions_of_env_py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = "CREATE TABLE own (x CHECK (theirs(x)))"
    database = place(tmp_path, monkeypatch, A, *INDEXES, *LATER, *stamp("2_b"))
    with closing(connected(database)) as connection:
        connection.create_function("theirs", 1, lambda _: 1, deterministic=True)
        for statement in (own, "PRAGMA ignore_check_constraints = ON", "INSERT INTO a (x) VALUES ('low')"):
            connection.execute(statement)
        connection.commit()
    done = archmig("verify", "-e", "it")
    told = ["CHECK constraint failed in a", "cannot check own: unknown function: theirs()"]
    assert (done.code, [line for line in told if line not in done.out]) == (1, []), done.out
    ask(database, "SELECT 1")
