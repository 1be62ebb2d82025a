"""The planner: which steps, in which order, bring a database with some differences to a target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.names import fold
from architect_migrate.diagnosis.claims import Claims, TrackerRow
from architect_migrate.diagnosis.diagnose import diagnose
from architect_migrate.diagnosis.findings import Finding, Level
from architect_migrate.model.diff import change_key, explain
from architect_migrate.model.environment import Drop, Keep, Kind, Origin, Subject
from architect_migrate.model.history import History, ReplayedStatement
from architect_migrate.planning.plan import CreateObject, DropObject, Step, Work, headline
from architect_migrate.planning.planner import PlanGoal, RepairPlanner, make_plan
from support.schemas import chain_of, line_of, schema_of

if TYPE_CHECKING:
    from architect_migrate.model.diff import Change, Extra
    from architect_migrate.model.environment import Resolution
    from architect_migrate.planning.plan import Plan

ORIGIN = Origin(Path("environments.toml"), 1)


def table_work(table: str, changes: tuple[Change, ...], revision: str) -> Work:
    keys = ", ".join(sorted(".".join(change_key(change)[1:]) for change in changes))
    return Work((CreateObject("table", f"{table}({keys})", "", revision),))


def object_work(change: Change, revision: str) -> Work:
    return Work((CreateObject(*change_key(change), "", revision),))


def drop_work(change: Extra) -> Work:
    return Work((DropObject(change_key(change)[0], ".".join(change_key(change)[1:])),))


# A kind of database whose work on a table or an object is one step that says what was asked for.
SMITH = RepairPlanner(table_work, object_work, drop_work)


@dataclass(frozen=True)
class Rows:
    """What a revision does to rows."""

    writes: frozenset[str] = frozenset()
    data_step: bool = False
    verbs: tuple[str, ...] = ("insert",)


def with_rows(history: History, given: dict[str, Rows]) -> History:
    revisions = tuple(
        replace(revision, data_step=given[revision.id].data_step) if revision.id in given else revision
        for revision in history.graph.revisions
    )
    replayed = tuple(
        replace(
            done,
            writes=given[one.id].writes,
            statements=tuple(ReplayedStatement(verb, f"{verb} it") for verb in given[one.id].verbs),
        )
        if one.id in given
        else done
        for one, done in zip(history.graph.revisions, history.replayed, strict=True)
    )
    return History(replace(history.graph, revisions=revisions), replayed)


def plan_for(
    history: History,
    script: str,
    stamp: str | None = None,
    target: str | None = None,
    resolutions: tuple[Resolution, ...] = (),
    rows: tuple[TrackerRow, ...] = (),
    repair_planner: RepairPlanner = SMITH,
) -> Plan:
    """The plan for a database with this schema and stamp; the target is the head where none is given."""
    schema = schema_of(script)
    claims = Claims(None if stamp is None else tuple(stamp.split()), rows)
    diagnosis = diagnose(history, schema, claims, resolutions)
    wanted = frozenset(history.graph.order if target is None else target.split())
    return make_plan(history, diagnosis, schema, PlanGoal(wanted, resolutions), repair_planner)


def said(step: Step) -> str:
    owner = step.revision if isinstance(step, CreateObject | DropObject) else ""
    return headline(step) + (f" for {owner}" if owner else "")


def steps(*args: object, **kwargs: object) -> list[str]:
    return [said(step) for step in plan_for(*args, **kwargs).steps]  # type: ignore[arg-type]  # passed on as they are


A = "CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT)"
B = "CREATE TABLE b (id INTEGER PRIMARY KEY, w TEXT)"
WIDER = "ALTER TABLE a ADD COLUMN x TEXT"
INDEX = "CREATE INDEX a_x ON a (x)"
VIEW = "CREATE VIEW seen AS SELECT id FROM a"
TRIGGER = "CREATE TRIGGER told AFTER INSERT ON a BEGIN DELETE FROM b; END"
LINE = line_of(A, B, f"{WIDER}; {INDEX}")
WHOLE = f"{A}; {B}; {WIDER}; {INDEX}"


def test_a_database_at_its_target_needs_nothing() -> None:
    plan = plan_for(LINE, WHOLE, "3")
    assert (plan.steps, plan.blockers, plan.kept) == ((), (), ())
    assert plan.before == plan.after == {"1", "2", "3"}


def test_pending_revisions_are_run_and_stamped_in_the_end() -> None:
    plan = plan_for(LINE, A, "1")
    assert [said(step) for step in plan.steps] == ["run revision 2", "run revision 3", "stamp 3"]
    assert (plan.before, plan.after) == ({"1"}, {"1", "2", "3"})


def test_what_is_pending_beyond_the_target_is_not_run() -> None:
    plan = plan_for(LINE, A, "1", target="1 2")
    assert [said(step) for step in plan.steps] == ["run revision 2", "stamp 2"]
    assert plan.after == {"1", "2"}


def test_what_is_applied_beyond_the_target_stays() -> None:
    plan = plan_for(LINE, f"{A}; {B}", "2", target="1")
    assert (plan.steps, plan.after) == ((), {"1", "2"})


@pytest.mark.parametrize("stamp", [None, "", "1", "3", "unknown"])
def test_a_stamp_that_is_not_the_position_is_corrected_before_anything_is_run(stamp: str | None) -> None:
    assert steps(LINE, f"{A}; {B}", stamp) == ["stamp 2", "run revision 3", "stamp 3"]


FORKED = chain_of(
    {
        "root": (A, ()),
        "left": ("CREATE TABLE l (v)", ("root",)),
        "right": ("CREATE TABLE r (v)", ("root",)),
        "both": ("CREATE TABLE m (v)", ("left", "right")),
    }
)


def test_the_stamp_of_branches_holds_the_head_of_each() -> None:
    assert steps(FORKED, f"{A}; CREATE TABLE r (v)", "root", target="root left right") == [
        "stamp right",
        "run revision left",
        "stamp left, right",
    ]


def test_what_is_missing_of_a_revision_before_the_anchor_is_repaired_in_its_name() -> None:
    assert steps(LINE, f"{A}; {B}; {WIDER}", "3") == ["create index a_x for 3"]
    assert steps(LINE, f"CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT); {B}; {INDEX}", "3") == [
        "create table a(a.v) for 1"
    ]


def test_objects_beside_a_table_are_worked_on_one_by_one_after_their_table() -> None:
    history = line_of(f"{A}; {VIEW}; {TRIGGER}; {INDEX.replace('(x)', '(v)')}", B)
    assert steps(history, f"CREATE TABLE a (id INTEGER PRIMARY KEY); {B}", "2") == [
        "create table a(a.v) for 1",
        "create index a_x for 1",
        "create trigger told for 1",
        "create view seen for 1",
    ]


def test_repairs_follow_the_chain_and_a_table_is_worked_on_once_when_it_is_first_needed() -> None:
    last = f"{WIDER}; CREATE TABLE d (k)"
    history = line_of(f"{A}; {B}", "CREATE TABLE c (id INTEGER PRIMARY KEY, k)", last)
    broken = "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id); CREATE TABLE c (id INTEGER PRIMARY KEY)"
    assert steps(history, f"{broken}; CREATE TABLE d (k)", "3") == [
        "create table a(a.v, a.x) for 1",
        "create table b(b, b.id, b.w) for 1",
        "create table c(c.k) for 2",
    ]


def test_what_an_entry_lets_stand_is_told_and_not_repaired() -> None:
    keep = Keep(Subject(Kind.COLUMN, "V", "A").folded(fold), ORIGIN)
    plan = plan_for(line_of(A, B), f"CREATE TABLE a (id INTEGER PRIMARY KEY, v INTEGER); {B}", "2", resolutions=(keep,))
    assert plan.steps == ()
    assert [(explain(one), why) for one, why in plan.kept] == [
        ("column a.v: type is INTEGER, the chain says TEXT", keep)
    ]


def test_what_needs_no_repair_is_not_told_as_kept() -> None:
    keep = Keep(Subject(Kind.COLUMN, "extra", "a"), ORIGIN)
    assert plan_for(line_of(A), f"{A}; ALTER TABLE a ADD COLUMN extra", "1", resolutions=(keep,)).kept == ()


def test_extras_stay_unless_a_statement_of_the_chain_can_fail_by_them() -> None:
    harmless = f"{A}; ALTER TABLE a ADD COLUMN mine; CREATE INDEX a_mine ON a (v); CREATE TABLE other (x)"
    assert steps(line_of(A), harmless, "1") == []
    harmful = "CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT, mine TEXT NOT NULL); CREATE UNIQUE INDEX own ON a (v)"
    assert steps(line_of(A), harmful, "1") == ["create table a(a.mine)", "create index own"]


def test_extras_are_worked_on_after_what_revisions_own() -> None:
    harmful = f"CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT, x TEXT); {B}; CREATE UNIQUE INDEX own ON b (w)"
    assert steps(LINE, harmful, "3") == ["create index a_x for 3", "create index own"]


def test_what_an_entry_tells_to_go_goes_first_and_is_not_repaired() -> None:
    entries = (Drop(Subject(Kind.COLUMN, "mine", "a"), ORIGIN), Drop(Subject(Kind.TABLE, "other"), ORIGIN))
    there = f"CREATE TABLE a (id INTEGER PRIMARY KEY, mine TEXT NOT NULL); {B}; CREATE TABLE other (x)"
    assert steps(line_of(A, B), there, "2", resolutions=entries) == [
        "drop column a.mine",
        "drop table other",
        "create table a(a.v) for 1",
    ]


def test_an_index_under_another_name_is_made_where_a_pending_revision_drops_it_by_its_own() -> None:
    history = line_of(A, "CREATE INDEX a_v ON a (v)", B, "DROP INDEX a_v; CREATE TABLE c (k)")
    renamed = f"{A}; CREATE INDEX other ON a (v); {B}"
    assert steps(history, renamed, "3", target="1 2 3") == []
    assert steps(history, renamed, "3") == ["create index a_v for 2", "run revision 4", "stamp 4"]


def test_what_stands_in_the_way_is_collected_from_every_piece_of_work() -> None:
    def blocked(subject: str) -> Work:
        return Work((), (Finding(Level.BLOCKING, "blocked-shape", subject, "it is stuck"),))

    repair_planner = RepairPlanner(
        lambda table, changes, revision: blocked(f"table {table}"),
        lambda change, revision: blocked(explain(change)),
        lambda change: blocked(explain(change)),
    )
    entries = (Drop(Subject(Kind.TABLE, "other"), ORIGIN),)
    there = f"CREATE TABLE a (id INTEGER PRIMARY KEY, x); {B}; CREATE TABLE other (y)"
    plan = plan_for(LINE, there, "3", resolutions=entries, repair_planner=repair_planner)
    assert [blocker.subject for blocker in plan.blockers] == [
        "table other is not in the chain",
        "table a",
        "index a_x on a is missing",
    ]
    assert plan.steps == ()


# Revisions before the anchor that are simply run.


@pytest.mark.parametrize(
    ("scripts", "there", "expected"),
    [
        pytest.param(
            (A, B, "CREATE TABLE c (k)"), f"{A}; CREATE TABLE c (k)", "run revision 2", id="nothing in the way"
        ),
        pytest.param(
            (A, B, "DROP TABLE b; CREATE TABLE b (id INTEGER PRIMARY KEY, w TEXT NOT NULL)", "CREATE TABLE c (k)"),
            f"{A}; CREATE TABLE c (k)",
            "create table b(b, b, b.id, b.w) for 2",
            id="a later revision changes what it makes",
        ),
        pytest.param(
            (A, "DROP TABLE a; CREATE TABLE a2 (k)", "CREATE TABLE c (k)"),
            "CREATE TABLE c (k)",
            "create table a2(a2, a2.k) for 2",
            id="what it removes is gone",
        ),
        pytest.param(
            (A, f"{WIDER}; CREATE TABLE y (k)", "CREATE TABLE c (k)"),
            "CREATE TABLE c (k)",
            "run revision 1; run revision 2",
            id="on a table that another one brings",
        ),
        pytest.param(
            (f"{A}; {B}", WIDER, "CREATE TABLE c (k)"),
            f"{B}; CREATE TABLE c (k)",
            "create table a(a, a, a.id, a.v, a.x) for 1",
            id="the table that it alters is missing",
        ),
        pytest.param(
            (A, WIDER, "ALTER TABLE a ADD COLUMN y TEXT"),
            f"{A}; ALTER TABLE a ADD COLUMN y TEXT",
            "run revision 2",
            id="a later revision only adds to the table",
        ),
        pytest.param(
            (A, WIDER, "DROP TABLE a; CREATE TABLE a (id INTEGER PRIMARY KEY, v INTEGER, x TEXT)"),
            "CREATE TABLE a (id INTEGER PRIMARY KEY, v INTEGER)",
            "create table a(a.x) for 2",
            id="a later revision changes the table that it alters",
        ),
        pytest.param(
            (A, "CREATE INDEX a_v ON a (v)", "DROP INDEX a_v; CREATE INDEX a_w ON a (v, id)", "CREATE TABLE c (k)"),
            f"{A}; CREATE INDEX a_v ON a (v); CREATE TABLE c (k)",
            "run revision 3",
            id="what it removes is there",
        ),
    ],
)
def test_a_revision_of_which_nothing_is_there_is_run_where_nothing_hinders_it(
    scripts: tuple[str, ...], there: str, expected: str
) -> None:
    assert "; ".join(steps(line_of(*scripts), there, str(len(scripts)))) == expected


def test_a_revision_after_the_position_is_never_run_as_a_repair() -> None:
    assert steps(line_of(A, B, WIDER), A, "1", target="1") == []


def test_what_revisions_bring_that_are_run_is_not_repaired_as_well() -> None:
    history = line_of(A, f"{WIDER}; {INDEX}", "ALTER TABLE a ADD COLUMN y TEXT")
    there = "CREATE TABLE a (id INTEGER PRIMARY KEY, y TEXT)"
    assert steps(history, there, "3") == ["create table a(a.v) for 1", "run revision 2"]


# Rows.


def test_a_table_gets_its_shape_before_a_data_step_writes_to_it() -> None:
    last = f"{WIDER}; {INDEX}; CREATE TABLE c (k)"
    history = with_rows(line_of(f"{A}; {B}", "", last), {"2": Rows(frozenset("a"), data_step=True)})
    own = "CREATE UNIQUE INDEX own ON a (v); CREATE UNIQUE INDEX b_own ON b (w)"
    assert steps(history, f"{A}; {B}; CREATE TABLE c (k); {own}") == [
        "create table a(a.x) for 2",
        "create index own for 2",
        "insert the rows of 2 that are missing",
        "create index a_x for 3",
        "create index b_own",
        "stamp 3",
    ]


def test_a_table_that_no_rows_go_to_is_not_hurried() -> None:
    history = with_rows(line_of(f"{A}; {B}", "", "CREATE TABLE c (x, y)"), {"2": Rows(frozenset("a"), data_step=True)})
    own = "CREATE UNIQUE INDEX own ON b (w)"
    assert steps(history, f"{A}; {B}; CREATE TABLE c (x); {own}") == [
        "insert the rows of 2 that are missing",
        "create table c(c.y) for 3",
        "create index own",
        "stamp 3",
    ]


STEPPED = with_rows(line_of(A, f"{B}; {WIDER}", "CREATE TABLE c (k)"), {"2": Rows(frozenset("b"), data_step=True)})
THERE = f"{A}; {B}; {WIDER}; CREATE TABLE c (k)"
PART = f"{A}; {B}; CREATE TABLE c (k)"
EXECUTED = (TrackerRow("2", "2024-01-01"),)


@pytest.mark.parametrize(
    ("there", "stamp", "rows", "expected"),
    [
        pytest.param(THERE, "3", (), [], id="stamped and whole"),
        pytest.param(
            PART, "3", (), ["create table a(a.x) for 2", "insert the rows of 2 that are missing"], id="stamped, in part"
        ),
        pytest.param(THERE, None, EXECUTED, ["stamp 3"], id="executed and whole"),
        pytest.param(
            PART,
            None,
            EXECUTED,
            ["create table a(a.x) for 2", "insert the rows of 2 that are missing", "stamp 3"],
            id="executed, in part",
        ),
        pytest.param(THERE, None, (), ["insert the rows of 2 that are missing", "stamp 3"], id="claimed by nothing"),
        pytest.param(A, "1", (), ["run revision 2", "run revision 3", "stamp 3"], id="pending"),
    ],
)
def test_rows_of_a_data_step_are_brought_where_they_may_be_missing(
    there: str, stamp: str | None, rows: tuple[TrackerRow, ...], expected: list[str]
) -> None:
    assert steps(STEPPED, there, stamp, rows=rows) == expected


def test_rows_of_a_data_step_are_not_brought_to_a_table_that_a_later_revision_removes() -> None:
    history = with_rows(
        line_of(f"{A}; {B}", WIDER, "DROP TABLE b", "CREATE TABLE c (k)"), {"2": Rows(frozenset("b"), data_step=True)}
    )
    assert steps(history, f"{A}; {WIDER}; CREATE TABLE c (k)") == ["stamp 4"]


def test_a_revision_that_is_run_brings_its_rows_itself() -> None:
    assert steps(STEPPED, f"{A}; CREATE TABLE c (k)") == ["run revision 2", "stamp 3"]
