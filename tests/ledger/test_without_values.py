"""The ledger names objects, counts and kinds of errors, and no value of a row."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.chain_errors import NotProvenError, RevisionFailedError, StepFailedError
from architect_migrate.core.sql_errors import CastLosesError, RowsForbidError, ValuesWouldChangeError
from architect_migrate.ledger.without_values import without_values
from support.cli import archmig
from support.scenarios import own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

PLANTED = "TOPSECRET"
TABLE = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, k TEXT)"
READ = "row = op.get_bind().exec_driver_sql('SELECT k FROM t').scalar()"
# Each is a revision that fails, or that the proof refuses, with a row's value in what it says.
FAILING = {
    "a cast": ("with op.batch_alter_table('t') as b:", "    b.alter_column('k', type_=sa.Integer())"),
    "a lost column": (
        "op.execute('CREATE TABLE u (id INTEGER PRIMARY KEY, name TEXT, k TEXT)')",
        "op.execute('INSERT INTO u (id, k) SELECT id, k FROM t')",
        "op.execute('DROP TABLE t')",
        "op.execute('ALTER TABLE u RENAME TO t')",
    ),
    "an exception with a value": (READ, "if row: raise ValueError('cannot convert ' + row)"),
    "a key": (READ, "if row: {}[row]"),
    "a number": (READ, "int(row or 0)"),
    "a broken statement": (READ, "if row: op.execute('INSERT INTO t VALUES (' + row + ' ' + row + ')')"),
    "a constraint": ("op.execute('CREATE UNIQUE INDEX i ON t (k)')",),
    "a trigger": (
        "op.execute(\"CREATE TRIGGER a BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'TOPSECRETRAISED'); END\")",
        "op.execute('DELETE FROM t')",
    ),
}


@pytest.mark.parametrize("case", FAILING)
def test_no_planted_value_is_in_the_ledger_of_a_failed_run(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "".join(f"    {line}\n" for line in FAILING[case])
    body = f"down_revision = 'r1'\nimport sqlalchemy as sa\ndef upgrade():\n{lines}def downgrade():\n    pass\n"
    home = own_chain(tmp_path, {"r1": revision(None, TABLE), "r2": body})
    rows = f"INSERT INTO t VALUES (1, '{PLANTED}NAME', '{PLANTED}KEY'), (2, 'a', '{PLANTED}KEY')"
    script(home.database, TABLE, rows, *stamp("r1"))
    (tmp_path / "environments.toml").write_text('[env.home]\npath = "it.db"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    done = archmig("upgrade", "-e", "home", "--yes")
    assert done.code in {1, 2}, done
    with closing(sqlite3.connect(tmp_path / ".archmig" / "ledger.db")) as ledger:
        ((result,),) = ledger.execute("SELECT result FROM entry").fetchall()
        assert result in {"failed", "blocked"}
        assert PLANTED not in "".join(ledger.iterdump())


class Wrapped(Exception):
    """An error of a library around the driver's."""

    def __init__(self, orig: Exception) -> None:
        super().__init__(f"{orig} [parameters: {PLANTED}]")
        self.orig = orig


def sqlite_error(*statements: str) -> sqlite3.Error:
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.executescript(";".join(statements))
        except sqlite3.Error as error:
            return error
    raise AssertionError(statements)


UNIQUE = sqlite_error("CREATE TABLE t (k UNIQUE)", "INSERT INTO t VALUES (1), (1)")
SYNTAX = sqlite_error(f"SELECT '{PLANTED}' {PLANTED} {PLANTED}")
SHOWN = (f"'{PLANTED}' as 0",)


def because(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


ERRORS: dict[str, tuple[Exception, str]] = {
    "constraint": (
        because(RevisionFailedError("r2", "upgrade()", PLANTED), Wrapped(UNIQUE)),
        "revision r2 failed in upgrade(): Wrapped: UNIQUE constraint failed: t.k",
    ),
    "syntax": (
        because(RevisionFailedError("r2", "upgrade()", PLANTED), Wrapped(SYNTAX)),
        "revision r2 failed in upgrade(): Wrapped",
    ),
    "step": (
        because(StepFailedError("rebuild table t", PLANTED), ValuesWouldChangeError("t", "k", 2, SHOWN)),
        "could not rebuild table t: table t: 2 values of column k would change; everything was rolled back",
    ),
    "cast": (
        CastLosesError("t.k", "INTEGER", 1, SHOWN),
        "its batch operation casts t.k to INTEGER, and 1 value would not survive that",
    ),
    "rows": (RowsForbidError("t", "UNIQUE (k)", 2, SHOWN), "table t: rows do not fit UNIQUE (k)"),
    "proof": (
        NotProvenError((f"t row 1: '{PLANTED}'",), 2),
        "the result did not pass its proof, everything was rolled back: 3 problems",
    ),
    "other": (KeyError(PLANTED), "KeyError"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_an_error_is_entered_without_the_rows_that_it_shows(case: str) -> None:
    error, entered = ERRORS[case]
    assert without_values(error) == entered
    assert PLANTED not in entered
