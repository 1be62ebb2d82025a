"""The proof compares values, not declarations, and knows who wrote: what a run may not do is refused or foreseen."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from architect_migrate.core.errors import ArchmigError
from architect_migrate.databases.registry import keeper
from architect_migrate.planning.results import Outcome
from architect_migrate.runs import execute
from architect_migrate.runs.reconcile import reconcile
from support.plain_alembic import alembic
from support.scenarios import Home, ask, digest, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

    from architect_migrate.diagnosis.findings import Finding
    from architect_migrate.planning.results import Result

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, k TEXT)"
ROWS = "INSERT INTO t VALUES (1, 'alice', '007'), (2, 'bob', '1e2')"
LOGS = "CREATE TABLE logs (id INTEGER PRIMARY KEY, v TEXT)"
LOGGED = "INSERT INTO logs VALUES (1, 'a'), (2, 'b'), (3, 'c')"


def anew(columns: str, copied: str) -> tuple[str, ...]:
    """The statements that make the table t anew by hand."""
    return (
        f"CREATE TABLE t_new ({columns})",
        f"INSERT INTO t_new {copied}",
        "DROP TABLE t",
        "ALTER TABLE t_new RENAME TO t",
    )


def at_r1(folder: Path, first: tuple[str, ...], second: tuple[str, ...], *more: str) -> Home:
    """A database at r1, which has r2 before it; `more` happened to it since."""
    home = own_chain(folder, {"r1": revision(None, *first), "r2": revision("r1", *second)})
    script(home.database, *first, *stamp("r1"), *more)
    return home


def run(home: Home) -> Result:
    plan = home.preview().plan
    assert plan is not None
    assert plan.blockers == ()
    return reconcile(home.context(), plan, lambda *_: None)


def refused(home: Home, words: str) -> None:
    """Refused by archmig and by plain alembic, with these words, and every byte is as it was."""
    before = digest(home.database)
    with pytest.raises(ArchmigError) as error:
        run(home)
    assert words in str(error.value)
    assert digest(home.database) == before
    said = plain(home)
    assert (said.code, digest(home.database)) == (-1, before)
    assert words in said.out


def plain(home: Home) -> Any:
    home.context()  # writes environments.toml
    return alembic("-x", "env=it", "upgrade", "head", ini=home.ini)


def blocked(home: Home) -> Finding:
    """Blocked in the plan by one thing."""
    found = home.preview()
    assert found.outcome is Outcome.BLOCKED
    assert found.plan is not None
    (finding,) = found.plan.blockers
    return finding


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (
            anew("id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT '', k TEXT", "(id, k) SELECT id, k FROM t"),
            "column \"name\" was 'alice', is ''",
        ),
        (
            anew("id INTEGER PRIMARY KEY, k TEXT DEFAULT 'x', name TEXT DEFAULT 'y'", "SELECT * FROM t"),
            "column \"name\" was 'alice', is '007'",
        ),
        (
            anew("id INTEGER PRIMARY KEY, name TEXT, k INTEGER", "SELECT id, name, k FROM t"),
            "column \"k\" was '007', is 7",
        ),
    ],
)
def test_a_column_whose_declaration_changes_keeps_its_values(
    tmp_path: Path, second: tuple[str, ...], words: str
) -> None:
    refused(at_r1(tmp_path, (T,), second, ROWS), words)


def test_a_batch_that_takes_a_column_for_another_type_is_refused(tmp_path: Path) -> None:
    home = at_r1(tmp_path, (T,), (), ROWS)
    body = """import sqlalchemy as sa

down_revision = "r1"

def upgrade():
    columns = (sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text), sa.Column("k", sa.Integer))
    table = sa.Table("t", sa.MetaData(), *columns)
    with op.batch_alter_table("t", copy_from=table, recreate="always") as batch:
        batch.alter_column("k", nullable=True)

def downgrade():
    pass
"""
    file = home.folder / "alembic" / "versions" / "r2.py"
    file.write_text(f"from alembic import op\n\nrevision = 'r2'\n{body}", encoding="utf-8")
    refused(home, "column \"k\" was '007', is 7")


@pytest.mark.parametrize(
    ("second", "rows"),
    [
        # What a statement of its own computes is the revision's doing.
        (
            anew("id INTEGER PRIMARY KEY, name TEXT NOT NULL, k TEXT", "SELECT id, upper(name), k FROM t"),
            [(1, "ALICE", "7"), (2, "BOB", "8.5")],
        ),
        (
            (*anew("id INTEGER PRIMARY KEY, name TEXT, k TEXT DEFAULT 'x'", "SELECT * FROM t"), "UPDATE t SET k = ''"),
            [(1, "alice", ""), (2, "bob", "")],
        ),
        (
            (
                "CREATE TABLE t_new (id INTEGER PRIMARY KEY, name TEXT DEFAULT '', k TEXT)",
                "INSERT INTO t_new SELECT * FROM t",
                "UPDATE t_new SET name = 'new' WHERE id = 2",
                "DROP TABLE t",
                "ALTER TABLE t_new RENAME TO t",
            ),
            [(1, "alice", "7"), (2, "new", "8.5")],
        ),
        # What another type stores without a loss is kept.
        (
            anew("id INTEGER PRIMARY KEY, name TEXT, k NUMERIC", "SELECT id, name, k FROM t"),
            [(1, "alice", 7), (2, "bob", 8.5)],
        ),
    ],
)
def test_what_a_revision_says_itself_is_its_own(
    tmp_path: Path, second: tuple[str, ...], rows: list[tuple[object, ...]]
) -> None:
    home = at_r1(tmp_path, (T,), second, "INSERT INTO t VALUES (1, 'alice', '7'), (2, 'bob', '8.5')")
    copy = shutil.copyfile(home.database, tmp_path / "before.db")
    assert run(home).outcome is Outcome.DONE
    assert ask(home.database, "SELECT * FROM t") == rows
    shutil.copyfile(copy, home.database)
    assert plain(home).code == 0
    assert ask(home.database, "SELECT * FROM t") == rows


def remade(before: str, after: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A table, and the statements that make it anew with other types."""
    first = (f"CREATE TABLE t ({before})",)
    return first, anew(after, "SELECT * FROM t")


@pytest.mark.parametrize(
    ("before", "after", "values", "rows"),
    [
        ("k INTEGER", "k TEXT", "(1), (5), (5)", [("1",), ("5",), ("5",)]),
        (
            "k INTEGER PRIMARY KEY, v INTEGER",
            "k TEXT PRIMARY KEY, v TEXT",
            "(9, 1), (10, 2)",
            [("9", "1"), ("10", "2")],
        ),
        ("k TEXT PRIMARY KEY", "k INTEGER PRIMARY KEY", "('10'), ('9')", [(9,), (10,)]),
        ("k, v", "k REAL, v", "(3, 1), ('4', 2), ('four', 3), (0.0, 4)", [(3.0, 1), (4.0, 2), ("four", 3), (0.0, 4)]),
    ],
)
def test_rows_are_found_by_the_values_that_another_type_stores(
    tmp_path: Path, before: str, after: str, values: str, rows: list[tuple[object, ...]]
) -> None:
    home = at_r1(tmp_path, *remade(before, after), f"INSERT INTO t VALUES {values}")
    copy = shutil.copyfile(home.database, tmp_path / "before.db")
    assert f"{len(rows) + 1} rows in 2 tables kept" in run(home).detail
    assert ask(home.database, "SELECT * FROM t") == rows
    shutil.copyfile(copy, home.database)
    assert plain(home).code == 0
    assert ask(home.database, "SELECT * FROM t") == rows


@pytest.mark.parametrize(
    ("before", "after", "values", "words"),
    [
        ("k TEXT PRIMARY KEY", "k INTEGER PRIMARY KEY", "('010')", "t row '010': is gone"),
        ("k TEXT", "k INTEGER", "('1e2'), ('5')", "t a row with \"k\" '1e2': is gone"),
        ("k", "k REAL", "(9007199254740993)", 't a row with "k" 9007199254740993: is gone'),
        ("k", "k TEXT", "(0.1 + 0.2)", "is gone"),
    ],
)
def test_rows_whose_values_another_type_loses_are_gone(
    tmp_path: Path, before: str, after: str, values: str, words: str
) -> None:
    refused(at_r1(tmp_path, *remade(before, after), f"INSERT INTO t VALUES {values}"), words)


@pytest.mark.parametrize("action", ["REPLACE", "IGNORE"])
def test_a_copy_whose_clause_leaves_rows_out_is_refused_with_a_way_out(tmp_path: Path, action: str) -> None:
    second = anew(f"id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT {action}, k TEXT", "SELECT * FROM t")
    told = (
        "r2 copies t into one whose ON CONFLICT clause keeps one row of equal ones: make the values unique by hand, "
        "or delete the others in r2 before it"
    )
    rows = "INSERT INTO t VALUES (1, 'alice', '7'), (2, 'alice', '8')"
    refused(at_r1(tmp_path / "a", (T,), second, rows), told)
    mended = at_r1(tmp_path / "b", (T,), ("DELETE FROM t WHERE id = 2", *second), rows)
    assert "1 row gone (1 of t)" in run(mended).detail


BODIES = {
    "it shares its name with one of the chain": (
        "DELETE FROM logs WHERE id < 3; UPDATE logs SET v = 'over' WHERE id = 3",
        "deletes rows of logs and updates logs.v",
    ),
    "it deletes under cover of the revision's own": ("DELETE FROM audit WHERE id = 1", "deletes rows of audit"),
    "it replaces under cover": ("INSERT OR REPLACE INTO audit VALUES (1, 'replaced')", "inserts into audit"),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_trigger_of_the_databases_own_is_foreseen_and_permitted_by_an_entry(tmp_path: Path, case: str) -> None:
    body, does = BODIES[case]
    audit = "CREATE TABLE audit (id INTEGER PRIMARY KEY, v TEXT)"
    chains = "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE logs SET v = v; END"
    second = ("INSERT INTO t (name) VALUES ('x')", "DELETE FROM audit WHERE v = 'old'")
    home = at_r1(
        tmp_path,
        (T, LOGS, audit, chains),
        second,
        LOGGED,
        "INSERT INTO audit VALUES (1, 'kept'), (2, 'old')",
        "DROP TRIGGER g",
        f"CREATE TRIGGER g AFTER INSERT ON t BEGIN {body}; END",
    )
    drifted = '[[resolve]]\ntrigger = "g"\nkeep = true'
    said = plain(home)
    assert said.code == -1
    assert f"trigger g, which is not the chain's, {does}" in said.out
    assert ask(home.database, "SELECT count(*) FROM audit") == [(2,)]
    done = run(home.settled(drifted))
    assert done.outcome is Outcome.DONE
    assert " gone (" in done.detail


def test_a_trigger_that_would_change_rows_blocks_the_plan(tmp_path: Path) -> None:
    second = ("INSERT INTO t (name) VALUES ('x')",)
    own = "CREATE TRIGGER mine AFTER INSERT ON t BEGIN DELETE FROM logs; END"
    home = at_r1(tmp_path, (T, LOGS), second, LOGGED, own)
    finding = blocked(home)
    assert (finding.code, finding.subject) == ("own-trigger", "trigger mine")
    assert finding.entry == '[[resolve]]\ntrigger = "mine"\nkeep = true'
    assert finding.found == "is not the chain's, and deletes rows of logs while the plan runs"
    done = run(home.settled(finding.entry))
    assert "1 row in 3 tables kept, 3 rows gone (3 of logs)" in done.detail


@pytest.mark.parametrize("on", ["BEFORE INSERT ON t", "BEFORE UPDATE ON logs", "BEFORE DELETE ON t"])
def test_a_trigger_that_leaves_out_rows_blocks_the_plan(tmp_path: Path, on: str) -> None:
    """It writes nothing, and what the revision was to write is not there."""
    second = ("INSERT INTO t (name) VALUES ('x')", "UPDATE logs SET v = 'new'", "DELETE FROM t WHERE name = 'x'")
    own = f"CREATE TRIGGER mine {on} BEGIN SELECT CASE WHEN 1 THEN raise ( IGNORE ) END; END"
    home = at_r1(tmp_path, (T, LOGS), second, LOGGED, own)
    table = on.rsplit(maxsplit=1)[-1]
    assert blocked(home).found == (
        f"is not the chain's, and may change or leave out rows that are written to {table} while the plan runs"
    )
    said = plain(home)
    assert (said.code, ask(home.database, "SELECT v FROM logs")) == (-1, [("a",), ("b",), ("c",)])


def test_a_trigger_that_refuses_rows_is_let_be(tmp_path: Path) -> None:
    own = "CREATE TRIGGER mine BEFORE INSERT ON t WHEN NEW.name = 'y' BEGIN SELECT RAISE(ABORT, 'no y, ignore'); END"
    home = at_r1(tmp_path, (T,), ("INSERT INTO t (name) VALUES ('x')",), own)
    assert run(home).outcome is Outcome.DONE


def test_a_trigger_that_sets_off_one_of_the_chain_answers_for_it(tmp_path: Path) -> None:
    sweep = "CREATE TRIGGER sweep AFTER INSERT ON u BEGIN DELETE FROM logs; END"
    own = "CREATE TRIGGER mine AFTER INSERT ON t BEGIN INSERT INTO u VALUES (1); END"
    first = (T, LOGS, "CREATE TABLE u (id)", sweep)
    home = at_r1(tmp_path, first, ("INSERT INTO t (name) VALUES ('x')",), LOGGED, own)
    assert blocked(home).subject == "trigger sweep"


def test_a_trigger_that_only_writes_a_log_of_its_own_is_let_be(tmp_path: Path) -> None:
    own = ("CREATE TABLE log (v)", "CREATE TRIGGER mine AFTER INSERT ON t BEGIN INSERT INTO log VALUES (NEW.id); END")
    home = at_r1(tmp_path, (T,), ("INSERT INTO t (name) VALUES ('x')",), *own)
    assert run(home).outcome is Outcome.DONE
    assert ask(home.database, "SELECT * FROM log") == [(1,)]


def test_a_trigger_on_the_stamp_is_foreseen(tmp_path: Path) -> None:
    own = "CREATE TRIGGER mine AFTER UPDATE ON alembic_version BEGIN UPDATE logs SET v = 'over'; END"
    home = at_r1(tmp_path, (T, LOGS), ("CREATE TABLE u (id)",), LOGGED, own)
    assert blocked(home).found == "is not the chain's, and updates logs.v while the plan runs"
    said = plain(home)
    assert (said.code, ask(home.database, "SELECT v FROM logs")) == (-1, [("a",), ("b",), ("c",)])
    assert "trigger mine, which is not the chain's, updates logs.v" in said.out


def test_a_trigger_on_the_tracker_is_foreseen(tmp_path: Path) -> None:
    told = "CREATE TABLE told (version TEXT, description TEXT, checksum TEXT)"
    own = "CREATE TRIGGER mine AFTER INSERT ON told BEGIN DELETE FROM logs; END"
    more = ('legacy_version = "001"', 'legacy_version = "002"')
    chain = {
        "r1": revision(None, T, LOGS, more=more[0]),
        "r2": revision("r1", "CREATE TABLE u (id)", more=more[1]),
    }
    made = own_chain(tmp_path, chain)
    home = Home(made.folder, made.ini, tracker=('table = "told"', "sync = true"), head="r2")
    script(home.database, T, LOGS, LOGGED, *stamp("r1"), told, "INSERT INTO told VALUES ('001', 'first', '')", own)
    assert blocked(home).subject == "trigger mine"
    assert plain(home).code == -1
    assert ask(home.database, "SELECT count(*) FROM logs") == [(3,)]


def test_the_stamp_keeps_the_other_columns_of_its_row(tmp_path: Path) -> None:
    version = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY, note TEXT)"
    home = own_chain(tmp_path, {"r1": revision(None, T), "r2": revision("r1", "CREATE TABLE u (id)")})
    script(home.database, T, version, "INSERT INTO alembic_version VALUES ('r1', 'ticket 42')")
    assert run(home).outcome is Outcome.DONE
    assert ask(home.database, "SELECT * FROM alembic_version") == [("r2", "ticket 42")]


DROPPING = {
    "drops": ("DROP TABLE t",),
    "copies under another name": (
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, k TEXT)",
        "INSERT INTO people SELECT id, name, k FROM t",
        "DROP TABLE t",
    ),
}


@pytest.mark.parametrize("way", DROPPING)
@pytest.mark.parametrize(
    ("own", "lost"),
    [
        (("ALTER TABLE t ADD COLUMN mine TEXT", "UPDATE t SET mine = 'my own'"), "column t.mine"),
        (("CREATE INDEX myidx ON t (name)",), "index myidx"),
        (("CREATE TRIGGER mytrig AFTER INSERT ON t BEGIN SELECT 1; END",), "trigger mytrig"),
    ],
)
def test_what_the_database_has_of_its_own_on_a_table_that_goes_stops_the_run(
    tmp_path: Path, way: str, own: tuple[str, ...], lost: str
) -> None:
    home = at_r1(tmp_path, (T, LOGS), DROPPING[way], ROWS, *own)
    assert lost in blocked(home).found
    before = digest(home.database)
    said = plain(home)
    assert (said.code, digest(home.database)) == (-1, before)
    assert lost in said.out


def test_rows_that_go_are_told_as_gone(tmp_path: Path) -> None:
    home = at_r1(tmp_path, (T, LOGS), ("DROP TABLE t", "DELETE FROM logs WHERE id = 1"), ROWS, LOGGED)
    done = run(home)
    assert done.receipt is not None
    assert (done.receipt.rows, done.receipt.gone, done.receipt.tables) == (3, 3, 2)
    assert "3 rows in 2 tables kept, 3 rows gone (1 of logs, 2 of t with the table)" in done.detail


STRICT = "CREATE TABLE s (id INTEGER PRIMARY KEY, a TEXT) STRICT"
BEYOND = "its default 1 is not a value of BLOB, as STRICT requires"


def test_a_default_that_a_strict_table_does_not_take_is_foreseen(tmp_path: Path) -> None:
    home = at_r1(tmp_path, (STRICT,), ("ALTER TABLE s ADD COLUMN b BLOB DEFAULT 1",), "INSERT INTO s VALUES (1, 'x')")
    finding = blocked(home)
    assert (finding.subject, finding.found) == ("s.b", f"r2 would fail: {BEYOND}, and 1 row is there")
    assert finding.advice == "give it a server_default of its type in r2 (AM302)"
    said = plain(home)
    assert (said.code, ask(home.database, "SELECT * FROM s")) == (-1, [(1, "x")])
    assert "non-BLOB value in s.b" in said.out


@pytest.mark.parametrize("default", ["'1'", "x'01'", "TRUE", "1.0"])
def test_a_default_that_a_strict_table_takes_is_foreseen_as_sqlite_judges_it(tmp_path: Path, default: str) -> None:
    second = (f"ALTER TABLE s ADD COLUMN b INTEGER DEFAULT {default}",)
    home = at_r1(tmp_path, (STRICT,), second, "INSERT INTO s VALUES (1, 'x')")
    if default == "x'01'":
        assert blocked(home).found.startswith("r2 would fail: its default x'01' is not a value of INTEGER")
    else:
        run(home)
        assert ask(home.database, "SELECT typeof(b), b FROM s") == [("integer", 1)]


def test_a_missing_column_of_such_a_default_blocks_its_repair(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"r1": revision(None, STRICT.replace("a TEXT", "a TEXT, b BLOB DEFAULT 1"))})
    script(home.database, STRICT, "INSERT INTO s VALUES (1, 'x')", *stamp("r1"))
    finding = blocked(home)
    assert (finding.subject, finding.found) == ("s.b", BEYOND)
    assert finding.entry == '[[resolve]]\ntable = "s"\ncolumn = "b"\nkeep = true'


@pytest.mark.parametrize(
    ("expected", "actual", "value", "row"),
    [
        ("(id INTEGER PRIMARY KEY, v REAL)", "(id INTEGER PRIMARY KEY, v)", "-0.0", "row 1: -0.0 would be 0.0"),
        (
            "(id INTEGER PRIMARY KEY, v REAL) STRICT",
            "(id INTEGER PRIMARY KEY, v TEXT) STRICT",
            "'x'",
            "1 value would not survive as REAL (row 1: 'x')",
        ),
    ],
)
def test_a_type_that_does_not_take_a_value_blocks_the_plan_with_the_row(
    tmp_path: Path, expected: str, actual: str, value: str, row: str
) -> None:
    home = own_chain(tmp_path, {"r1": revision(None, f"CREATE TABLE v {expected}")})
    script(home.database, f"CREATE TABLE v {actual}", f"INSERT INTO v VALUES (1, {value})", *stamp("r1"))
    finding = blocked(home)
    assert row in finding.found
    assert finding.entry == '[[resolve]]\ntable = "v"\ncolumn = "v"\nkeep = true'


def moved(home: Home) -> Path:
    """A copy of the database that bears the new stamp, to be moved into its place."""
    other = home.folder / "other.db"
    shutil.copyfile(home.database, other)
    return script(other, "CREATE TABLE u (id)", "UPDATE alembic_version SET version_num = 'r2'")


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ((keeper, "committing"), "another file was moved into its place during the run"),
        ((execute, "_read_back"), "could not be read back: another file was moved into its place"),
    ],
    ids=["before the commit", "after it"],
)
def test_a_run_is_not_done_where_a_file_is_moved_into_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: tuple[Any, str], words: str
) -> None:
    home = at_r1(tmp_path, (T,), ("CREATE TABLE u (id)",), ROWS)
    other, real = moved(home), getattr(*moment)

    def meanwhile(*given: Any) -> Any:
        os.replace(other, home.database)  # noqa: PTH105  (as a deployment does)
        return real(*given)

    monkeypatch.setattr(*moment, meanwhile)
    with pytest.raises(ArchmigError, match=words):
        run(home)


def test_plain_alembic_leaves_a_backup_that_undo_knows(tmp_path: Path) -> None:
    home = at_r1(tmp_path, (T,), ("CREATE TABLE u (id)",), ROWS)
    assert plain(home).code == 0
    (copy,) = home.backups()
    assert ask(copy, "SELECT * FROM t") == ask(home.database, "SELECT * FROM t")
    assert ask(copy, "SELECT * FROM alembic_version") == [("r1",)]
