"""The proof before the commit: what is wrong with a transaction is named, and what a plan may do is let pass."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.chain_errors import NotProvenError
from architect_migrate.databases.values import TriggerWrite
from architect_migrate.planning import plan as steps
from architect_migrate.planning.plan import Plan, RunDowngrade, RunRevision
from architect_migrate.runs.commit_proof import verify
from architect_migrate.runs.steps import Written
from support.scenarios import Home, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from architect_migrate.planning.plan import Step
    from architect_migrate.runs.commit_proof import Proof

A = "CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT, CHECK (v <> 'bad'))"
B = "CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a)"
VIEW = "CREATE VIEW seen AS SELECT id FROM a"
OWN = (
    "CREATE TRIGGER own AFTER DELETE ON b BEGIN "
    "UPDATE a SET v = 'freed' WHERE id = OLD.a_id; DELETE FROM a WHERE v = 'x'; END"
)
TOLD = "CREATE TABLE told (version TEXT, description TEXT, checksum TEXT)"
CHAIN = {
    "r1": revision(None, A, more='legacy_version = "001"'),
    "r2": revision("r1", B, "ALTER TABLE a ADD COLUMN x TEXT", VIEW, OWN, more='legacy_version = "002"'),
    "r3": revision("r2", "ALTER TABLE a DROP COLUMN x", "DROP VIEW seen"),
}
AT_R2 = (A, B, "ALTER TABLE a ADD COLUMN x TEXT", VIEW, OWN)
ROWS = (
    "INSERT INTO a VALUES (1, 'one', NULL), (2, NULL, 'kept')",
    "INSERT INTO b VALUES (1, 1), (2, 9)",
    TOLD,
    "INSERT INTO told VALUES ('001', 'first', ''), ('000', 'older', '')",
    "CREATE TABLE mine (id INTEGER PRIMARY KEY, w TEXT)",
    "INSERT INTO mine VALUES (1, 'mine')",
)
R1, R2, R3 = frozenset({"r1"}), frozenset({"r1", "r2"}), frozenset({"r1", "r2", "r3"})
TRACKER = ('table = "told"', "sync = true")


@dataclass(frozen=True)
class Case:
    """A database at r2, and a connection on which a run has changed it without committing."""

    home: Home
    backup: Path
    connection: sqlite3.Connection

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.connection.execute(statement)

    def proof(self, plan: Plan, written: Written | None = None, broken: Counter[str] | None = None) -> Proof:
        given = written or Written()
        return verify(self.home.context(), plan, self.connection, self.backup, given, broken=broken or Counter())

    def problems(self, plan: Plan, written: Written | None = None) -> list[str]:
        with pytest.raises(NotProvenError) as refused:
            self.proof(plan, written)
        assert refused.value.more == 0
        return list(refused.value.problems)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    home = own_chain(tmp_path, CHAIN)
    script(home.database, *AT_R2, *ROWS, *stamp("r2"))
    backup = tmp_path / "backup.db"
    backup.write_bytes(home.database.read_bytes())
    with closing(sqlite3.connect(home.database, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        yield Case(home, backup, connection)


def plan(*done: Step, after: frozenset[str] = R2) -> Plan:
    return Plan(done, (), (), R2, after)


TOUCHED = Written(written={"a", "b", "mine"})


def test_what_is_as_it_was_is_proven_with_every_row_counted(case: Case) -> None:
    found = case.proof(plan(), TOUCHED)
    counted = {
        table.table: (table.rows_before, table.rows_before - table.gone, table.compared) for table in found.rows.tables
    }
    assert counted == {
        "a": (2, 2, True),
        "b": (2, 2, True),
        "mine": (1, 1, True),
        "told": (2, 2, False),
        "alembic_version": (1, 1, False),
    }
    assert (found.orphans_before, found.orphans_after) == (1, 1)


# The schema and the stamp.


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DROP VIEW seen", "view seen is missing"),
        ("ALTER TABLE a ADD COLUMN more TEXT NOT NULL DEFAULT 'x'", ""),
        ("CREATE UNIQUE INDEX mine_w ON mine (w)", ""),
        (
            "CREATE UNIQUE INDEX a_v ON a (v)",
            "index a_v on a is not in the chain: it refuses rows that the chain's schema accepts",
        ),
    ],
)
def test_a_schema_that_is_not_the_chains_where_it_matters_is_a_problem(
    case: Case, statement: str, problem: str
) -> None:
    case.run(statement)
    if problem:
        assert case.problems(plan()) == [problem]
    else:
        assert case.proof(plan()).rows.lost == 0


def test_what_an_entry_lets_stand_is_none(case: Case) -> None:
    case.run("DROP VIEW seen")
    keep = '[[resolve]]\nview = "seen"\nkeep = true'
    assert replace(case, home=case.home.settled(keep)).proof(plan()).rows.lost == 0


def test_a_schema_that_the_plan_was_to_reach_and_did_not_is_a_problem(case: Case) -> None:
    case.run("UPDATE alembic_version SET version_num = 'r3'")
    assert case.proof(plan(RunRevision("r3"), after=R3)).rows.lost == 0
    assert case.problems(plan(RunRevision("r3"), after=R2)) == ["the stamp is ('r3',), not ('r2',)"]


@pytest.mark.parametrize("rows", [(), ("r1",), ("r1", "r2")])
def test_a_stamp_that_is_not_of_the_position_is_a_problem(case: Case, rows: tuple[str, ...]) -> None:
    case.run("DELETE FROM alembic_version", *(f"INSERT INTO alembic_version VALUES ('{row}')" for row in rows))
    assert case.problems(plan()) == [f"the stamp is {rows}, not ('r2',)"]


def test_what_a_downgrade_leaves_behind_is_a_problem(case: Case) -> None:
    case.run("UPDATE alembic_version SET version_num = 'r1'", "DROP TABLE b")
    back = plan(RunDowngrade("r2"), after=R1)
    assert case.problems(back) == [
        "the downgrade() of r2 leaves column a.x",
        "the downgrade() of r2 leaves view seen",
    ]
    case.run("DROP VIEW seen", "ALTER TABLE a DROP COLUMN x")
    assert case.proof(back).rows.lost == 0


# The rows.


def test_a_row_that_is_gone_is_a_problem(case: Case) -> None:
    case.run("DELETE FROM mine")
    assert case.problems(plan()) == ["mine: had 1 row, has 0"]
    assert case.problems(plan(), TOUCHED) == ["mine row 1: is gone"]


def test_a_value_that_was_changed_is_a_problem_unless_the_chain_changed_it(case: Case) -> None:
    case.run("UPDATE a SET v = 'other' WHERE id = 1")
    assert case.problems(plan(), TOUCHED) == ["a row 1: column \"v\" was 'one', is 'other'"]
    assert case.proof(plan(), Written(written={"a"}, updated={("a", "v")})).rows.lost == 0


def test_rows_that_the_chain_deleted_may_go(case: Case) -> None:
    case.run("DELETE FROM mine")
    assert case.proof(plan(), Written(written={"mine"}, deleted={"mine"})).rows.lost == 0


def test_a_table_that_repair_wrote_anew_is_compared(case: Case) -> None:
    found = case.proof(plan(), Written(rewritten={"mine"}))
    assert {table.table for table in found.rows.tables if table.compared} == {"mine"}


@pytest.mark.parametrize(("run", "problems"), [(("r3",), []), ((), ['a row 2: column "x" is gone'])])
def test_a_column_that_a_revision_removes_may_go(case: Case, run: tuple[str, ...], problems: list[str]) -> None:
    case.run("DROP VIEW seen", "ALTER TABLE a DROP COLUMN x", "UPDATE alembic_version SET version_num = 'r3'")
    made = plan(*(RunRevision(each) for each in run), after=R3)
    if problems:
        assert [problem.partition(":")[0] for problem in case.problems(made, TOUCHED)] == ["a"]
    else:
        assert case.proof(made, TOUCHED).rows.lost == 0


def test_a_table_that_a_downgrade_removes_may_go_and_no_other(case: Case) -> None:
    case.run("DROP VIEW seen", "ALTER TABLE a DROP COLUMN x", "DROP TABLE b")
    case.run("UPDATE alembic_version SET version_num = 'r1'")
    back = plan(RunDowngrade("r2"), after=R1)
    assert case.proof(back, TOUCHED).rows.lost == 0
    case.run("DROP TABLE mine")
    assert case.problems(back, TOUCHED) == ["mine: the table is gone, with 1 row"]


@pytest.mark.parametrize(
    ("statement", "step"),
    [
        ("DROP TABLE mine", steps.DropObject("table", "Mine")),
        ("ALTER TABLE mine DROP COLUMN w", steps.DropColumn("Mine", "W")),
        ("UPDATE mine SET w = 'filled'", steps.RebuildTable("Mine", (), (("W", "'filled'"),))),
    ],
)
def test_what_an_entry_removes_or_fills_may_go(case: Case, statement: str, step: Step) -> None:
    case.run(statement)
    assert case.proof(plan(step), TOUCHED).rows.lost == 0
    assert case.problems(plan(), TOUCHED)[0].startswith("mine")


def test_an_object_that_is_no_table_takes_no_table_of_its_name_along(case: Case) -> None:
    case.run("DROP TABLE mine")
    assert case.problems(plan(steps.DropObject("index", "mine"))) == ["mine: the table is gone, with 1 row"]


def test_rows_may_go_that_triggers_of_the_chain_delete_or_update(case: Case) -> None:
    case.run("UPDATE a SET v = 'freed' WHERE id = 1", "DELETE FROM a WHERE id = 2", "DELETE FROM b WHERE id = 2")
    does = (("update", "a", "v"), ("delete", "a", ""), ("delete", "b", ""))
    seen = {TriggerWrite("own", "b", OWN, *each) for each in does}
    assert case.proof(plan(), Written(written={"a"}, triggered=seen)).rows.lost == 0
    for other in (replace(each, sql=OWN.replace("'freed'", "'lost'")) for each in seen):
        assert len(case.problems(plan(), Written(written={"a"}, triggered={other}))) == 4


def test_the_rows_of_a_table_made_anew_may_have_other_rowids_where_a_key_tells_them_apart(case: Case) -> None:
    case.run("UPDATE alembic_version SET rowid = 7")
    stamped = {"alembic_version"}
    assert case.proof(plan(), Written(written=stamped, remade=stamped)).rows.lost == 0


# Keys and declarations.


def test_a_row_that_comes_to_refer_to_nothing_is_a_problem(case: Case) -> None:
    case.run("UPDATE b SET a_id = 7 WHERE id = 1")
    found = case.problems(plan(), Written(written={"b"}, updated={("b", "a_id")}))
    assert len(found) == 1
    assert "b" in found[0]


def test_a_row_that_comes_to_break_its_own_table_is_a_problem(case: Case) -> None:
    case.run("PRAGMA ignore_check_constraints = ON", "UPDATE a SET v = 'bad' WHERE id = 1")
    case.run("PRAGMA ignore_check_constraints = OFF")
    written = Written(written={"a"}, updated={("a", "v")})
    assert case.problems(plan(), written) == ["CHECK constraint failed in a"]
    assert case.proof(plan(), written, Counter({"CHECK constraint failed in a": 1})).rows.lost == 0
    assert case.proof(plan(), Written(updated={("a", "v")})).rows.lost == 0


# The legacy tracker.


def synced(case: Case, *changes: steps.TrackerChange) -> tuple[Case, Plan]:
    its = replace(case, home=replace(case.home, tracker=TRACKER))
    tracker = its.home.context().tracker
    assert tracker is not None
    return its, plan(steps.SyncTracker(tracker, ("version", "description", "checksum"), changes))


RECORDED = "INSERT INTO told VALUES ('002', 'r2 (recorded by archmig)', 'archmig')"
RECORD = steps.RecordRow("002", "r2 (recorded by archmig)", "archmig")


def test_a_tracker_that_was_made_true_is_proven(case: Case) -> None:
    its, made = synced(case, RECORD)
    its.run(RECORDED)
    assert its.proof(made, Written(rewritten={"told"})).rows.lost == 0


def test_a_tracker_that_was_to_be_made_true_and_is_not_is_a_problem(case: Case) -> None:
    its, made = synced(case, RECORD)
    assert its.problems(made) == ["the tracker's row 002 still does not match the applied revisions"]
    assert its.proof(plan()).rows.lost == 0


def test_a_row_of_the_tracker_that_no_step_was_to_touch_stays_as_it_was(case: Case) -> None:
    its, made = synced(case, RECORD)
    its.run(RECORDED, "UPDATE told SET description = 'changed' WHERE version = '000'")
    assert its.problems(made) == ["the tracker's row 000 was changed although no step changes it"]


def test_a_row_of_the_tracker_that_was_to_be_forgotten_may_go(case: Case) -> None:
    its, made = synced(case, RECORD, steps.ForgetRow("000", "older"))
    its.run(RECORDED, "DELETE FROM told WHERE version = '000'")
    assert its.proof(made, Written(rewritten={"told"})).rows.lost == 0
    _, without = synced(case, RECORD)
    found = its.problems(without, Written(rewritten={"told"}))
    assert found[0] == "the tracker's row 000 was changed although no step changes it"
    assert len(found) == 2


# A database that was built from nothing, and many problems.


def test_without_a_backup_there_were_no_rows(case: Case) -> None:
    case.run("DELETE FROM b WHERE id = 2")
    found = verify(case.home.context(), plan(), case.connection, None, Written(), broken=Counter())
    assert (found.rows.tables, found.orphans_before, found.orphans_after) == ((), 0, 0)


def test_without_a_backup_the_schema_and_the_stamp_are_proven_all_the_same(case: Case) -> None:
    case.run("DROP VIEW seen", "DELETE FROM alembic_version", "DELETE FROM b WHERE id = 2")
    with pytest.raises(NotProvenError) as refused:
        verify(case.home.context(), plan(), case.connection, None, Written(), broken=Counter())
    assert refused.value.problems == ("view seen is missing", "the stamp is (), not ('r2',)")


def test_of_many_problems_the_first_eight_are_told(case: Case) -> None:
    case.run("INSERT INTO mine (w) SELECT value FROM json_each('[1,2,3,4,5,6,7,8,9]')")
    many = case.home.folder / "many.db"
    with closing(sqlite3.connect(many)) as copy:
        case.connection.execute("COMMIT")
        case.connection.backup(copy)
    case.run("BEGIN", "DELETE FROM mine WHERE id > 0", "DROP VIEW seen")
    with pytest.raises(NotProvenError) as refused:
        replace(case, backup=many).proof(plan(), TOUCHED)
    assert (len(refused.value.problems), refused.value.more) == (8, 3)
    assert refused.value.problems[0] == "view seen is missing"
