"""What cannot succeed is a blocker in the plan, with the object in its way: never a failure at every try."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from architect_migrate.planning.results import Outcome, State
from architect_migrate.runs import foreseen
from architect_migrate.runs.reconcile import preview, reconcile
from architect_migrate.runs.upgrade import preview_upgrade
from support.scenarios import ask, digest, own_chain, revision, script, stamp, stays

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.diagnosis.findings import Finding
    from architect_migrate.planning.results import Result
    from support.scenarios import Home

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR(9), b INTEGER, CONSTRAINT uq_a UNIQUE (a))"
IX_B = "CREATE INDEX ix_b ON t (b)"
V = "CREATE VIEW v AS SELECT 1 AS id"
ROWS = ("INSERT INTO t VALUES (1, 'ann', 1), (2, 'bob', 2)",)
FIRST = revision(None, T, IX_B, V)
TOP = "import sqlalchemy as sa"


def chain(*lines: str) -> dict[str, str]:
    """A chain of two revisions, of which the second has these lines in its upgrade()."""
    body = "\n".join(f"    {line}" for line in lines)
    second = f'{TOP}\ndown_revision = "r1"\n\ndef upgrade():\n{body}\n\ndef downgrade():\n    pass\n'
    return {"r1": FIRST, "r2": second}


def home(folder: Path, *statements: str, second: tuple[str, ...], made: tuple[str, ...] = (T, IX_B, V)) -> Home:
    its = own_chain(folder, chain(*second))
    script(its.database, *made, *stamp("r1"), *(ROWS if T in made else ()), *statements)
    return its


def upgrade_stays(its: Home) -> tuple[Finding, ...]:
    """What an upgrade's preview says that stands in the way."""
    before = digest(its.database)
    shown = preview_upgrade(its.context())
    assert (shown.outcome, digest(its.database)) == (Outcome.BLOCKED, before)
    assert shown.plan is not None
    return shown.plan.blockers


NEW = ('op.create_table("n", sa.Column("id", sa.Integer, primary_key=True))', 'op.create_index("ix_n", "n", ["id"])')
BATCH = ('with op.batch_alter_table("t") as b:', '    b.drop_constraint("uq_a", type_="unique")')
UNNAMED = T.replace("CONSTRAINT uq_a ", "")
ELSEWHERE = "give {} another name by hand, or let reconcile drop it: add this to environments.toml"
LATER = "drop view mine by hand, or let reconcile drop it, and make it again afterwards as it can be then"
BY_HAND = "change that by hand, then plan again"


@pytest.mark.parametrize(
    ("statement", "second", "subject", "found", "advice"),
    [
        (
            "CREATE TABLE ix_n (mine)",
            NEW,
            "table ix_n",
            "r2 would fail: there is already a table named ix_n",
            "give table ix_n another name by hand, or drop it, then plan again",
        ),
        (
            "CREATE VIEW n AS SELECT 1 AS id",
            NEW,
            "view n",
            "r2 would fail: view n already exists",
            ELSEWHERE.format("view n"),
        ),
        (
            "CREATE VIEW mine AS SELECT b FROM t",
            ('op.drop_index("ix_b", "t")', 'op.drop_column("t", "b")'),
            "view mine",
            "r2 would fail: error in view mine after drop column: no such column: b",
            LATER,
        ),
        (
            "CREATE VIEW mine AS SELECT nowhere FROM t",
            ('op.alter_column("t", "b", new_column_name="c")',),
            "view mine",
            "r2 would fail: error in view mine: no such column: nowhere",
            LATER,
        ),
        (
            "CREATE VIEW mine AS SELECT b FROM t",
            (
                'op.drop_index("ix_b", "t")',
                'with op.batch_alter_table("t", recreate="always") as b:',
                '    b.drop_column("b")',
            ),
            "view mine",
            "r2 would fail: it removed what view mine reads, which cannot be restored: no such column: b",
            LATER,
        ),
        (
            "ALTER TABLE t ADD COLUMN mine AS (b + 1)",
            ('with op.batch_alter_table("t", recreate="always") as b:', '    b.add_column(sa.Column("c", sa.Integer))'),
            "r2",
            (
                "r2 would fail: CompileError: (in table '_alembic_tmp_t', column 'mine'): Can't generate DDL for "
                "NullType(); did you forget to specify a type on this Column?"
            ),
            BY_HAND,
        ),
    ],
)
def test_a_revision_that_fails_by_an_object_of_the_database_is_blocked_by_name(
    tmp_path: Path, statement: str, second: tuple[str, ...], subject: str, found: str, advice: str
) -> None:
    its = home(tmp_path, statement, second=second)
    (blocker,) = stays(its)
    assert (blocker.code, blocker.subject, blocker.found, blocker.advice) == (
        "cannot-succeed",
        subject,
        found,
        advice,
    )
    assert upgrade_stays(its) == (blocker,)


def test_an_object_in_the_way_may_be_dropped_by_the_entry_that_is_suggested(tmp_path: Path) -> None:
    its = home(tmp_path, "CREATE VIEW n AS SELECT 1 AS id", second=NEW)
    (blocker,) = stays(its)
    assert blocker.entry == '[[resolve]]\nview = "n"\ndrop = true'
    settled = its.settled(blocker.entry)
    shown = settled.preview()
    assert shown.plan is not None
    assert (shown.outcome, shown.plan.blockers) == (Outcome.PLANNED, ())
    assert reconcile(settled.context(), shown.plan, lambda *_: None).outcome is Outcome.DONE
    assert settled.survey().state is State.UP_TO_DATE


@pytest.mark.parametrize(
    ("reads", "second"),
    [
        ("b FROM t", ('op.drop_index("ix_b", "t")', 'op.drop_column("t", "b")')),
        (
            "b FROM t",
            ('op.drop_table("t")', 'op.create_table("m", sa.Column("id", sa.Integer))', 'op.rename_table("m", "n")'),
        ),
    ],
    ids=["a column that goes", "a table that goes"],
)
def test_a_view_of_the_applications_on_what_a_revision_drops_may_go_by_the_entry(
    tmp_path: Path, reads: str, second: tuple[str, ...]
) -> None:
    its = home(tmp_path, f"CREATE VIEW mine AS SELECT {reads}", second=second)
    (blocker,) = stays(its)
    assert (blocker.subject, blocker.advice) == ("view mine", LATER)
    settled = its.settled(blocker.entry)
    shown = settled.preview()
    assert shown.plan is not None
    assert (shown.outcome, shown.plan.blockers) == (Outcome.PLANNED, ())
    assert reconcile(settled.context(), shown.plan, lambda *_: None).outcome is Outcome.DONE
    assert ask(its.database, "SELECT name FROM sqlite_master WHERE name = 'mine'") == []


@pytest.mark.parametrize("policy", ["additive", "none"])
def test_a_constraint_without_the_name_by_which_it_is_dropped_is_blocked(tmp_path: Path, policy: str) -> None:
    its = home(tmp_path, second=BATCH, made=(UNNAMED, IX_B, V, *ROWS)).under(f'repair = "{policy}"')
    (blocker,) = stays(its)
    assert (blocker.code, blocker.subject, blocker.found, blocker.advice) == (
        "cannot-succeed",
        "r2",
        "r2 would fail: ValueError: No such constraint: 'uq_a'",
        'set repair = "full" for it and run archmig reconcile, which gives constraints their names',
    )
    assert upgrade_stays(its) == (blocker,)


@pytest.mark.parametrize("statements", [(), ("CREATE INDEX other ON t (b)",)], ids=["gone", "another name"])
def test_an_upgrade_that_drops_an_index_which_is_not_there_is_blocked(
    tmp_path: Path, statements: tuple[str, ...]
) -> None:
    its = home(tmp_path, *statements, second=('op.drop_index("ix_b", "t")',), made=(T, V)).under('repair = "none"')
    (blocker,) = upgrade_stays(its)
    assert blocker.found in {
        "r2 would fail: no such index: ix_b",
        "1 difference from the chain matters",
    }


@pytest.mark.parametrize(
    ("made", "subject", "found"),
    [
        (
            ("CREATE TABLE u (id INTEGER PRIMARY KEY, a VARCHAR(9))", "CREATE VIEW t AS SELECT * FROM u"),
            "view t",
            "r1 would fail: view t already exists",
        ),
        ((T, IX_B, "CREATE TABLE v (id, a)"), "table v", "could not create view v: table v already exists"),
        (
            (T, V, "CREATE TABLE ix_b (id)"),
            "table ix_b",
            "could not create index ix_b: there is already a table named ix_b",
        ),
    ],
    ids=["view for table", "table for view", "table for index"],
)
def test_an_object_of_another_kind_in_the_place_of_the_chains_is_blocked_by_name(
    tmp_path: Path, made: tuple[str, ...], subject: str, found: str
) -> None:
    its = home(tmp_path, second=("pass",), made=made)
    assert [(blocker.code, blocker.subject, blocker.found) for blocker in stays(its)] == [
        ("cannot-succeed", subject, found)
    ]


def test_a_virtual_table_in_the_place_of_the_chains_is_blocked(tmp_path: Path) -> None:
    its = home(tmp_path, second=("pass",), made=("CREATE VIRTUAL TABLE t USING fts5(a)",))
    assert [(blocker.code, blocker.subject) for blocker in stays(its) if blocker.code == "blocked-shape"] == [
        ("blocked-shape", "t")
    ]


IF_MISSING = (
    'there = [column["name"] for column in sa.inspect(op.get_bind()).get_columns("t")]',
    'if "c" not in there:',
    '    op.add_column("t", sa.Column("c", sa.Integer))',
)
BY_ROWS = (
    "name = op.get_bind().execute(sa.text('SELECT a FROM t WHERE id = 1')).scalar() or 'nobody'",
    "if op.get_bind().execute(sa.text(\"SELECT 1 FROM sqlite_master WHERE name = 'mine'\")).all():",
    "    assert name == 'ann'",
    "op.add_column('t', sa.Column('c', sa.Integer))",
)


@pytest.mark.parametrize(
    ("statement", "second"),
    [
        ("CREATE VIEW mine AS SELECT a FROM t", IF_MISSING),
        ("CREATE VIEW mine AS SELECT a FROM t", BY_ROWS),
        ("CREATE TRIGGER mine AFTER INSERT ON t BEGIN SELECT 1; END", ('op.rename_table("t", "s")',)),
    ],
    ids=["asks the schema", "wants rows", "rename"],
)
def test_what_succeeds_on_the_database_is_never_blocked(
    tmp_path: Path, statement: str, second: tuple[str, ...]
) -> None:
    its = home(tmp_path, statement, second=second)
    shown = its.preview()
    assert shown.plan is not None
    assert (shown.outcome, shown.plan.blockers) == (Outcome.PLANNED, ())
    assert reconcile(its.context(), shown.plan, lambda *_: None).outcome is Outcome.DONE
    assert its.survey().state is State.UP_TO_DATE


def test_a_database_with_nothing_but_tables_of_its_own_is_not_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreseen, "run_sandboxed", lambda *_: pytest.fail("a process was started"))
    its = home(tmp_path, "CREATE TABLE mine (x)", "CREATE INDEX of_mine ON mine (x)", second=NEW)
    assert (its.preview().outcome, preview_upgrade(its.context()).outcome) == (Outcome.PLANNED, Outcome.PLANNED)


def test_what_only_exists_where_the_application_runs_is_not_judged(tmp_path: Path) -> None:
    its = home(tmp_path, second=NEW)
    script(its.database, "PRAGMA writable_schema = ON", "CREATE TRIGGER far AFTER INSERT ON t BEGIN SELECT 1; END")
    script(
        its.database,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'SELECT 1', 'SELECT far_away(1)') WHERE name = 'far'",
    )
    assert its.preview().outcome is Outcome.PLANNED
    assert ask(its.database, "SELECT count(*) FROM t") == [(2,)]


def test_a_trial_writes_nothing_that_the_chain_would_write_elsewhere(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    its = home(
        tmp_path,
        "CREATE VIEW mine AS SELECT a FROM t",
        second=(
            "if op.get_bind().execute(sa.text(\"SELECT 1 FROM sqlite_master WHERE name = 'mine'\")).all():",
            f"    open({str(mark)!r}, 'w').close()",
            "op.add_column('t', sa.Column('c', sa.Integer))",
        ),
    )
    shown = its.preview()
    assert (shown.plan and shown.plan.blockers, mark.exists()) == ((), False)


def test_the_trial_of_one_database_says_nothing_of_another(tmp_path: Path) -> None:
    its = home(tmp_path, "CREATE VIEW n AS SELECT 1 AS id", second=NEW)
    sound = replace(its, file="sound.db")
    script(sound.database, T, IX_B, V, *stamp("r1"), "CREATE VIEW mine AS SELECT a FROM t")
    for _ in range(2):
        assert its.preview().outcome is Outcome.BLOCKED
        assert sound.preview().outcome is Outcome.PLANNED


def test_a_trial_whose_process_ends_is_told_as_that(tmp_path: Path) -> None:
    its = home(
        tmp_path,
        "CREATE VIEW mine AS SELECT a FROM t",
        second=(
            "if op.get_bind().execute(sa.text(\"SELECT 1 FROM sqlite_master WHERE name = 'mine'\")).all():",
            "    __import__('os')._exit(3)",
            "op.add_column('t', sa.Column('c', sa.Integer))",
        ),
    )
    shown = its.preview()
    assert shown.outcome is Outcome.PLANNED
    assert shown.warnings == (
        "plan: it could not be tried on a copy: its process ended with code 3; it is proven when it runs",
    )


OWN = {
    "column": ("ALTER TABLE t ADD COLUMN mine TEXT", '[[resolve]]\ntable = "t"\ncolumn = "mine"\ndrop = true'),
    "index": ("CREATE INDEX mine ON t (b)", '[[resolve]]\nindex = "mine"\ndrop = true'),
    "trigger": (
        "CREATE TRIGGER mine AFTER DELETE ON t BEGIN SELECT 1; END",
        '[[resolve]]\ntrigger = "mine"\ndrop = true',
    ),
}


@pytest.mark.parametrize(("statement", "entry"), OWN.values(), ids=list(OWN))
def test_what_only_the_database_has_on_a_dropped_table_may_go_by_the_entry(
    tmp_path: Path, statement: str, entry: str
) -> None:
    its = home(tmp_path, statement, second=('op.drop_table("t")',))
    (blocker,) = stays(its)
    assert blocker.code == "cannot-succeed"
    assert blocker.advice == "carry it over in r2, or let it go: add this to environments.toml"
    assert blocker.entry == entry
    assert its.settled(entry).preview().outcome is Outcome.PLANNED


@pytest.mark.parametrize("by", [preview_upgrade, preview])
def test_a_run_of_another_process_between_the_survey_and_the_trial_is_surveyed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: Callable[[EnvironmentContext], Result]
) -> None:
    its = home(tmp_path, "CREATE TRIGGER mine AFTER INSERT ON t BEGIN SELECT 1; END", second=NEW)
    real = foreseen._found_by_trial
    theirs = iter([("CREATE TABLE n (id INTEGER NOT NULL, PRIMARY KEY (id))", "CREATE INDEX ix_n ON n (id)")])

    def meanwhile(*given: Any) -> Any:
        for statements in theirs:
            script(its.database, *statements, "UPDATE alembic_version SET version_num = 'r2'")
        return real(*given)

    monkeypatch.setattr(foreseen, "_found_by_trial", meanwhile)
    shown = by(its.context())
    assert shown.outcome is Outcome.NOTHING
    assert shown.survey is not None
    assert shown.survey.claims.stamp == ("r2",)
