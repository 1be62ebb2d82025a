"""Where a database is, names as facts, and interrupted work: what is said of a database is so, and stays so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from architect_migrate.diagnosis.findings import Level
from architect_migrate.planning.results import Outcome, State
from architect_migrate.runs.reconcile import reconcile
from support.scenarios import (
    Allowed,
    ask,
    batch,
    code,
    codes,
    come_home,
    gone,
    headlines,
    kept,
    moment,
    nothing_to_do,
    own_chain,
    script,
    stamp,
    stays,
)
from support.scenarios import revision as raw

if TYPE_CHECKING:
    from pathlib import Path

    from support.scenarios import Home

MINE = ("CREATE TABLE mine (x)", "INSERT INTO mine VALUES ('m')")


def released(home: Home, name: str, text: str) -> Home:
    """The same environment, after the next release brought one more revision."""
    path = home.ini.parent / "alembic" / "versions" / f"{name}.py"
    path.write_text(f"from alembic import op\n\nrevision = {name!r}\n{text}", encoding="utf-8")
    return replace(home, head=name)


def upgraded(home: Home) -> list[str]:
    """Bring a database that has come home before to the newest revision, and return the steps."""
    before, shown = moment(home.database), home.preview()
    assert shown.outcome is Outcome.PLANNED, shown.detail
    done = reconcile(home.context(), shown.plan, lambda *_: None)
    assert (done.outcome, done.warnings) == (Outcome.DONE, ())
    kept(before, moment(home.database))
    assert ask(home.database, "SELECT version_num FROM alembic_version") == [(home.head,)]
    assert (home.survey().state, home.preview().outcome) == (State.UP_TO_DATE, Outcome.NOTHING)
    return headlines(shown.plan)


# Where a database is.

COS = {
    "001": raw(None, "CREATE TABLE t (a VARCHAR(10), b INTEGER)"),
    "002": code("001", *batch("t", 'alter_column("a", type_=sa.String(20))')),
}
TY1 = {
    "001": raw(None, "CREATE TABLE t (a INTEGER, b INTEGER)"),
    "002": code("001", *batch("t", 'alter_column("a", type_=sa.BigInteger())')),
}


@pytest.mark.parametrize(
    ("chain", "table"),
    [
        (COS, "CREATE TABLE t (a VARCHAR(20), b INTEGER)"),
        (TY1, "CREATE TABLE t (a BIGINT, b INTEGER)"),
    ],
    ids=["longer text", "wider integer"],
)
def test_a_type_that_changes_within_its_kind_never_moves_a_stamped_database_back(
    tmp_path: Path, chain: dict[str, str], table: str
) -> None:
    home = own_chain(tmp_path, chain)
    script(home.database, table, "INSERT INTO t VALUES (1, 2)", *stamp("002"), *MINE)
    nothing_to_do(home)


@pytest.mark.parametrize("chain", [COS, TY1], ids=["longer text", "wider integer"])
def test_a_revision_that_changes_a_type_within_its_kind_is_run_once_where_it_is_pending(
    tmp_path: Path, chain: dict[str, str]
) -> None:
    home = own_chain(tmp_path, chain)
    before = "CREATE TABLE t (a VARCHAR(10), b INTEGER)" if chain is COS else "CREATE TABLE t (a INTEGER, b INTEGER)"
    script(home.database, before, "INSERT INTO t VALUES (1, 2)", *stamp("001"), *MINE)
    assert come_home(home) == ["run revision 002", "stamp 002"]


def test_a_width_that_an_earlier_revision_gave_too_bears_no_stamp_out(tmp_path: Path) -> None:
    chain = {
        "001": raw(None, "CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR(10), b VARCHAR(10))"),
        "002": code(
            "001",
            *batch("t", "alter_column('a', type_=sa.String(20))"),
            "op.create_table('n', sa.Column('x', sa.Integer))",
            "op.execute('UPDATE t SET b = a')",
        ),
        "003": raw("002", "CREATE TABLE w (x)"),
    }
    home = own_chain(tmp_path, chain)
    script(home.database, "CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR(10), b VARCHAR(10))", *stamp("002"))
    script(home.database, "INSERT INTO t VALUES (1, 'x', NULL)")
    steps = come_home(home, Allowed(written=frozenset({("t", "b")})))
    assert steps == ["stamp 001", "run revision 002", "run revision 003", "stamp 003"]
    assert ask(home.database, "SELECT b FROM t") == [("x",)]


DRP_T, DRP_U, DRP_W = "CREATE TABLE t (a VARCHAR(10), b INTEGER)", "CREATE TABLE u (x INTEGER)", "CREATE TABLE w (x)"
DRP = {
    "001": raw(None, DRP_T, DRP_U),
    "002": code("001", 'op.drop_table("u")'),
    "003": raw("002"),
    "004": raw("003", DRP_W),
}
DRP_ROWS = "INSERT INTO t VALUES ('a', 1)"


@pytest.mark.parametrize(
    ("statements", "steps", "allowed"),
    [
        # Nothing of 004 is there: 003 is the last position that looks like this.
        ((DRP_T, DRP_ROWS), ["stamp 003", "run revision 004", "stamp 004"], gone()),
        ((DRP_T, DRP_ROWS, DRP_W), ["stamp 004"], gone()),
        (
            (DRP_T, DRP_ROWS, DRP_U),
            ["stamp 001", "run revision 002", "run revision 003", "run revision 004", "stamp 004"],
            gone("u"),
        ),
        # Of 001 and of 004 everything is there: what 002 drops is a leftover, so 002 did not run.
        ((DRP_T, DRP_ROWS, DRP_U, DRP_W), ["run revision 002", "stamp 004"], gone("u")),
    ],
    ids=["dropped", "at head", "not dropped", "left over"],
)
def test_a_revision_that_only_drops_tables_is_placed_by_the_whole_schema(
    tmp_path: Path, statements: tuple[str, ...], steps: list[str], allowed: Allowed
) -> None:
    home = own_chain(tmp_path, DRP)
    script(home.database, *statements, *MINE)
    assert come_home(home, allowed) == steps


PRICES = "CREATE TABLE prices (id INTEGER PRIMARY KEY, price INTEGER)"
PRICES_INDEX = "CREATE INDEX ix_price ON prices (price)"
F03 = {
    "r1": raw(None, PRICES, PRICES_INDEX, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)"),
    "r2": raw("r1", "ALTER TABLE t ADD COLUMN c TEXT", "UPDATE prices SET price = price * 100"),
    "r3": raw("r2", "DROP TABLE t"),
}
PRICE = "INSERT INTO prices VALUES (1, 500)"


def test_revisions_that_leave_no_trace_are_not_run_again_beside_a_table_of_the_application(tmp_path: Path) -> None:
    home = own_chain(tmp_path, F03)
    script(home.database, PRICES, PRICES_INDEX, PRICE, *stamp("r3"), *MINE)
    nothing_to_do(home)


def test_a_lost_index_does_not_run_earlier_revisions_again(tmp_path: Path) -> None:
    home = own_chain(tmp_path, F03)
    script(home.database, PRICES, PRICE, *stamp("r3"), *MINE)
    assert come_home(home) == ["create index ix_price"]
    assert ask(home.database, "SELECT * FROM prices") == [(1, 500)]


def test_without_a_stamp_no_statement_on_rows_runs_twice(tmp_path: Path) -> None:
    home = own_chain(tmp_path, F03)
    script(home.database, PRICES, PRICES_INDEX, PRICE, *MINE)
    assert come_home(home) == ["stamp r3"]
    assert ask(home.database, "SELECT * FROM prices") == [(1, 500)]


def test_without_a_stamp_a_lost_index_runs_no_statement_on_rows_twice(tmp_path: Path) -> None:
    home = own_chain(tmp_path, F03)
    script(home.database, PRICES, PRICE, *MINE)
    assert come_home(home) == ["create index ix_price", "stamp r3"]
    assert ask(home.database, "SELECT * FROM prices") == [(1, 500)]


ROOT, LEFT, RIGHT = "CREATE TABLE root (v)", "CREATE TABLE l (v)", "CREATE TABLE r (v)"
MERGED = {
    "a": raw(None, ROOT),
    "b": raw("a", LEFT),
    "c": raw("a", RIGHT),
    "d": raw(("b", "c")),
}


def test_a_merge_revision_is_never_ambiguous(tmp_path: Path) -> None:
    home = own_chain(tmp_path, MERGED)
    script(home.database, ROOT, LEFT, RIGHT, "INSERT INTO l VALUES (1)", *MINE)
    assert "ambiguous-position" not in {finding.code for finding in home.survey().findings}
    assert come_home(home) == ["stamp d"]


def test_a_merge_whose_branch_is_lacking_waits_for_it(tmp_path: Path) -> None:
    home = own_chain(tmp_path, MERGED)
    script(home.database, ROOT, LEFT, "INSERT INTO l VALUES (1)")
    assert come_home(home) == ["stamp b", "run revision c", "run revision d", "stamp d"]


# Keys are facts.

U = "CREATE TABLE u (id INTEGER PRIMARY KEY)"
CASCADE = "CONSTRAINT c FOREIGN KEY(u) REFERENCES u(id) ON DELETE CASCADE"
PLAIN = "FOREIGN KEY(u) REFERENCES u(id)"


def two_keys(*keys: str) -> str:
    return f"CREATE TABLE f (id INTEGER PRIMARY KEY, u INTEGER{''.join(f', {key}' for key in keys)})"


FK2 = {"001": raw(None, U, two_keys(CASCADE, PLAIN))}
FK2_ROWS = ("INSERT INTO u VALUES (1)", "INSERT INTO f VALUES (1, 1), (2, NULL)")
ACTIONS = "SELECT on_delete FROM pragma_foreign_key_list('f') ORDER BY 1"


@pytest.mark.parametrize("there", [(CASCADE,), (PLAIN,), ()], ids=["cascade", "plain", "none"])
def test_two_foreign_keys_on_the_same_columns_are_two_facts(tmp_path: Path, there: tuple[str, ...]) -> None:
    home = own_chain(tmp_path, FK2)
    script(home.database, U, two_keys(*there), *FK2_ROWS, *stamp("001"))
    come_home(home)
    assert ask(home.database, ACTIONS) == [("CASCADE",), ("NO ACTION",)]


def test_two_foreign_keys_in_another_order_are_the_same_two(tmp_path: Path) -> None:
    home = own_chain(tmp_path, FK2)
    script(home.database, U, two_keys(PLAIN, CASCADE), *FK2_ROWS, *stamp("001"), *MINE)
    nothing_to_do(home)


SOURCES = "CREATE TABLE sources (id INTEGER NOT NULL, name VARCHAR(20), PRIMARY KEY (id))"
REPLIES = """CREATE TABLE replies (id INTEGER NOT NULL, source_id INTEGER, text TEXT, PRIMARY KEY (id),
             FOREIGN KEY(source_id) REFERENCES {} (id))"""
NOWHERE = {
    "a1": raw(None, SOURCES, REPLIES.format("sources")),
    "b2": raw("a1", "CREATE TABLE stars (id INTEGER PRIMARY KEY)"),
}
NOWHERE_ROWS = ("INSERT INTO sources VALUES (1, 's')", "INSERT INTO replies VALUES (1, 1, 'hello'), (2, 1, 'again')")


def test_a_key_to_a_table_that_is_not_there_is_made_to_refer_to_the_right_one(tmp_path: Path) -> None:
    home = own_chain(tmp_path, NOWHERE)
    script(home.database, SOURCES, REPLIES.format("sources_tmp"), *NOWHERE_ROWS, *stamp("a1"))
    steps = come_home(home)
    rebuilt = "rebuild table replies: add constraint FOREIGN KEY(source_id) REFERENCES sources (id), "
    assert steps == [rebuilt + "drop foreign key source_id sources_tmp", "run revision b2", "stamp b2"]
    assert ask(home.database, "SELECT \"table\" FROM pragma_foreign_key_list('replies')") == [("sources",)]


# Names are facts.

TASKS = """CREATE TABLE tasks (id INTEGER NOT NULL, source VARCHAR(80) NOT NULL, team_id INTEGER, level INTEGER,
           PRIMARY KEY (id){})"""
TEAMS = "CREATE TABLE teams (id INTEGER NOT NULL, PRIMARY KEY (id))"
NAMED = {
    "unique": "CONSTRAINT uq_tasks_source UNIQUE (source)",
    "foreignkey": "CONSTRAINT fk_tasks_team FOREIGN KEY(team_id) REFERENCES teams (id)",
    "check": "CONSTRAINT ck_tasks_level CHECK (level > 0)",
}
NAMES = {"unique": "uq_tasks_source", "foreignkey": "fk_tasks_team", "check": "ck_tasks_level"}
TASK_ROWS = ("INSERT INTO teams VALUES (1)", "INSERT INTO tasks VALUES (1, 'pip:a', 1, 3), (2, 'pip:b', NULL, 1)")


def tasks(**changed: str) -> str:
    """The table with its constraints, some of them otherwise; an empty one is left out."""
    return TASKS.format("".join(f", {one}" for one in (NAMED | changed).values() if one))


NAMES_CHAIN = {"a1": raw(None, TEAMS, tasks())}


def dropping(kind: str) -> str:
    """A revision that drops a constraint by its name, as Alembic's batch mode does."""
    dropped = batch("tasks", f"drop_constraint({NAMES[kind]!r}, type_={kind!r})")
    return code("a1", *dropped, 'op.create_table("pets", sa.Column("id", sa.Integer, primary_key=True))')


def unnamed(kind: str) -> str:
    return NAMED[kind].split(" ", 2)[2]


@pytest.mark.parametrize("kind", NAMED)
@pytest.mark.parametrize("how", ["missing", "unnamed", "otherwise named"])
def test_a_constraint_gets_the_name_by_which_the_next_release_drops_it(tmp_path: Path, kind: str, how: str) -> None:
    there = {"missing": "", "unnamed": unnamed(kind), "otherwise named": f"CONSTRAINT other {unnamed(kind)}"}[how]
    home = own_chain(tmp_path, NAMES_CHAIN)
    script(home.database, TEAMS, tasks(**{kind: there}), *TASK_ROWS, *stamp("a1"))
    (step,) = come_home(home)
    assert step.startswith("rebuild table tasks: ")
    (text,) = ask(home.database, "SELECT sql FROM sqlite_master WHERE name = 'tasks'")
    assert NAMED[kind].split(" (")[0] in text[0]
    assert upgraded(released(home, "b2", dropping(kind))) == ["run revision b2", "stamp b2"]
    (text,) = ask(home.database, "SELECT sql FROM sqlite_master WHERE name = 'tasks'")
    assert NAMES[kind] not in text[0]


@pytest.mark.parametrize("kind", NAMED)
def test_a_pending_revision_that_drops_an_unnamed_constraint_by_name_finds_it(tmp_path: Path, kind: str) -> None:
    home = own_chain(tmp_path, NAMES_CHAIN | {"b2": dropping(kind)})
    script(home.database, TEAMS, tasks(**{kind: unnamed(kind)}), *TASK_ROWS, *stamp("a1"))
    rebuilt, *rest = come_home(home)
    assert rebuilt.startswith("rebuild table tasks: ")
    assert rest == ["run revision b2", "stamp b2"]
    (text,) = ask(home.database, "SELECT sql FROM sqlite_master WHERE name = 'tasks'")
    assert unnamed(kind) not in text[0]


@pytest.mark.parametrize("kind", NAMED)
def test_names_stand_as_they_are_where_repairs_only_add(tmp_path: Path, kind: str) -> None:
    home = own_chain(tmp_path, NAMES_CHAIN).under('repair = "additive"')
    script(home.database, TEAMS, tasks(**{kind: unnamed(kind)}), *TASK_ROWS, *stamp("a1"), *MINE)
    notes = [(finding.level, finding.code) for finding in home.survey().findings if finding.subject.startswith("name ")]
    assert notes == [(Level.NOTE, "kept")]
    nothing_to_do(home)


def test_a_name_that_the_chain_does_not_give_is_as_good_as_none(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": raw(None, TEAMS, tasks(unique=unnamed("unique")))})
    script(home.database, TEAMS, tasks(), *TASK_ROWS, *stamp("a1"), *MINE)
    nothing_to_do(home)


# Work that was interrupted.

KEYS = "CREATE TABLE {} (id VARCHAR(32) NOT NULL, name VARCHAR NOT NULL, owner VARCHAR(32){}, PRIMARY KEY (id))"
KEYS_A1, KEYS_B2 = KEYS.format("keys", ""), KEYS.format("keys", " NOT NULL")
LEFT_OVER = KEYS.format("_alembic_tmp_keys", " NOT NULL")
USERS, LOGS = "CREATE TABLE users (id INTEGER NOT NULL, PRIMARY KEY (id))", "CREATE TABLE logs (id INTEGER PRIMARY KEY)"
REQUIRED = code("a1", *batch("keys", 'alter_column("owner", existing_type=sa.String(32), nullable=False)'))
ALONE = {"a1": raw(None, KEYS_A1), "b2": REQUIRED, "c3": raw("b2", LOGS)}
AMONG = {"a1": raw(None, USERS, KEYS_A1), "b2": REQUIRED, "c3": raw("b2", LOGS)}
ONE, TWO = ("k1", "one", "u1"), ("k2", "two", "u1")
TMP = "_alembic_tmp_keys"
ALL_KEYS = "SELECT * FROM keys ORDER BY id"


def insert(table: str, *rows: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} VALUES {', '.join(map(repr, rows))}"


@pytest.mark.parametrize("copied", [(), (ONE,), (ONE, TWO)], ids=["nothing", "some rows", "all rows"])
def test_a_copy_that_has_no_rows_of_its_own_is_dropped_before_the_batch_runs(
    tmp_path: Path, copied: tuple[tuple[str, ...], ...]
) -> None:
    home = own_chain(tmp_path, {"a1": ALONE["a1"], "b2": REQUIRED})
    rows = [insert(TMP, *copied)] if copied else []
    script(home.database, KEYS_A1, insert("keys", ONE, TWO), LEFT_OVER, *rows, *stamp("a1"))
    assert come_home(home, gone(TMP)) == [f"drop table {TMP}", "run revision b2", "stamp b2"]
    assert ask(home.database, ALL_KEYS) == [ONE, TWO]


def test_a_copy_with_rows_that_the_table_does_not_have_is_for_a_person_to_decide(tmp_path: Path) -> None:
    home = own_chain(tmp_path, {"a1": ALONE["a1"], "b2": REQUIRED})
    script(home.database, KEYS_A1, insert("keys", ONE), LEFT_OVER, insert(TMP, ONE, TWO), *stamp("a1"))
    assert codes(home) == [("interrupted-undecided", f"table {TMP}")]


@pytest.mark.parametrize("stamped", [stamp("a1"), ()], ids=["stamped", "unstamped"])
@pytest.mark.parametrize(("chain", "more"), [(ALONE, ()), (AMONG, (USERS, "INSERT INTO users VALUES (7)"))])
def test_the_only_copy_of_a_table_gets_its_name_back(
    tmp_path: Path, chain: dict[str, str], more: tuple[str, ...], stamped: tuple[str, ...]
) -> None:
    home = own_chain(tmp_path, chain)
    script(home.database, *more, LEFT_OVER, insert(TMP, ONE, TWO), *stamped)
    steps = come_home(home, gone(TMP))
    assert steps == [f"rename table {TMP} to keys", "stamp b2", "run revision c3", "stamp c3"]
    assert ask(home.database, ALL_KEYS) == [ONE, TWO]


def test_the_only_rows_of_a_table_take_the_place_of_an_empty_one_that_models_made(tmp_path: Path) -> None:
    home = own_chain(tmp_path, AMONG)
    made = (USERS, KEYS_B2, LOGS, "CREATE INDEX mine ON keys (name)", *stamp("a1"))
    script(home.database, *made, LEFT_OVER, insert(TMP, ONE, TWO))
    steps = come_home(home, gone(TMP))
    assert steps == ["drop table keys", f"rename table {TMP} to keys", "create index mine", "stamp c3"]
    assert ask(home.database, ALL_KEYS) == [ONE, TWO]


def test_a_batch_rename_that_was_interrupted_is_ended(tmp_path: Path) -> None:
    chain = {
        "a1": raw(None, KEYS_A1, "CREATE INDEX ix_owner ON keys (owner)"),
        "b2": code("a1", *batch("keys", 'alter_column("owner", new_column_name="user")'), f"op.execute({LOGS!r})"),
    }
    home = own_chain(tmp_path, chain)
    left = KEYS.format(TMP, "").replace("owner", '"user"')
    script(home.database, left, insert(TMP, ONE, TWO), *stamp("a1"))
    steps = come_home(home, gone(TMP))
    assert steps == [f"rename table {TMP} to keys", "create table logs", "create index ix_owner", "stamp b2"]
    assert ask(home.database, 'SELECT id, name, "user" FROM keys ORDER BY id') == [ONE, TWO]


POSTS, ARTICLES = (
    f"CREATE TABLE {one} (id INTEGER NOT NULL, title VARCHAR(40), PRIMARY KEY (id))" for one in ("posts", "articles")
)
RENAMED = {
    "a1": raw(None, POSTS),
    "b2": code("a1", 'op.rename_table("posts", "articles")'),
    "c3": raw("b2", "CREATE TABLE stars (id INTEGER PRIMARY KEY)"),
}
POST_ROWS = "INSERT INTO posts VALUES (1, 'x'), (2, 'y')"


def test_an_empty_table_under_the_new_name_makes_way_for_the_rename(tmp_path: Path) -> None:
    home = own_chain(tmp_path, RENAMED)
    script(home.database, POSTS, POST_ROWS, ARTICLES, *stamp("a1"))
    steps = come_home(home, gone("posts"))
    assert steps == ["drop table articles", "run revision b2", "run revision c3", "stamp c3"]
    assert ask(home.database, "SELECT * FROM articles ORDER BY id") == [(1, "x"), (2, "y")]


def test_rows_under_both_names_of_a_rename_are_for_a_person_to_decide(tmp_path: Path) -> None:
    home = own_chain(tmp_path, RENAMED)
    script(home.database, POSTS, POST_ROWS, ARTICLES, "INSERT INTO articles VALUES (1, 'z')", *stamp("a1"))
    assert ("interrupted-undecided", "table posts") in codes(home)


HALF_COLUMN = {
    "a1": raw(None, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)"),
    "b2": raw("a1", "ALTER TABLE t RENAME COLUMN name TO title"),
}
BOTH = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, title TEXT)"


def test_an_empty_column_under_the_new_name_makes_way_for_the_rename(tmp_path: Path) -> None:
    home = own_chain(tmp_path, HALF_COLUMN)
    script(home.database, BOTH, "INSERT INTO t VALUES (1, 'a', NULL), (2, NULL, NULL)", *stamp("a1"))
    steps = come_home(home, gone("t.name", "t.title"))
    assert steps == ["drop column t.title", "run revision b2", "stamp b2"]
    assert ask(home.database, "SELECT id, title FROM t ORDER BY id") == [(1, "a"), (2, None)]


def test_values_under_both_names_of_a_column_are_for_a_person_to_decide(tmp_path: Path) -> None:
    home = own_chain(tmp_path, HALF_COLUMN)
    script(home.database, BOTH, "INSERT INTO t VALUES (1, 'a', 'other'), (2, 'b', NULL)", *stamp("a1"))
    (finding,) = (stay for stay in stays(home) if stay.code == "interrupted-undecided")
    assert (finding.subject, "b2 renames it to title" in finding.found) == ("column t.name", True)


ASIDE = {"a1": raw(None, KEYS_A1, LOGS)}
OLD = KEYS.format("keys_old", "")
KEEP_OLD = '[[resolve]]\ntable = "keys_old"\nkeep = true'


def test_a_table_that_was_put_aside_gets_its_name_back_where_there_is_none(tmp_path: Path) -> None:
    home = own_chain(tmp_path, ASIDE)
    script(home.database, OLD, insert("keys_old", ONE, TWO), LOGS, *stamp("a1"))
    assert come_home(home, gone("keys_old")) == ["rename table keys_old to keys"]
    assert ask(home.database, ALL_KEYS) == [ONE, TWO]


def test_a_table_that_was_put_aside_beside_an_empty_one_is_for_a_person_to_decide(tmp_path: Path) -> None:
    home = own_chain(tmp_path, ASIDE)
    script(home.database, KEYS_A1, OLD, insert("keys_old", ONE, TWO), LOGS, *stamp("a1"))
    (finding,) = stays(home)
    assert (finding.code, finding.subject) == ("interrupted-undecided", "table keys_old")
    nothing_to_do(home.settled(finding.entry))


def test_a_table_that_was_put_aside_beside_a_full_one_is_the_applications_own(tmp_path: Path) -> None:
    """A copy has rows in common with its table; where there is none, it is asked about, and an entry says so."""
    home = own_chain(tmp_path, ASIDE)
    script(home.database, KEYS_A1, insert("keys", TWO), OLD, insert("keys_old", ONE), LOGS, *stamp("a1"))
    (finding,) = stays(home)
    assert (finding.code, finding.subject) == ("interrupted-undecided", "table keys_old")
    nothing_to_do(home.settled(finding.entry))
    script(home.database, insert("keys_old", TWO))
    nothing_to_do(home)


def test_a_copy_with_another_value_in_a_renamed_column_is_not_dropped(tmp_path: Path) -> None:
    keys = "CREATE TABLE keys (id VARCHAR(4) PRIMARY KEY, owner VARCHAR(4))"
    chain = {
        "a1": raw(None, keys),
        "b2": code("a1", *batch("keys", "alter_column('owner', new_column_name='holder')")),
    }
    copy = "CREATE TABLE _alembic_tmp_keys (id VARCHAR(4) PRIMARY KEY, holder VARCHAR(4))"
    rows = ("INSERT INTO keys VALUES ('k1', 'u1')", "INSERT INTO _alembic_tmp_keys VALUES ('k1', 'ZZ')")
    home = own_chain(tmp_path, chain)
    script(home.database, keys, copy, *rows, *stamp("a1"))
    assert [code for code, _ in codes(home)] == ["interrupted-undecided"]


RENAMED_LATER = {
    "r1": raw(None, "CREATE TABLE p (id INTEGER PRIMARY KEY, n TEXT)"),
    "r2": raw("r1", "ALTER TABLE p ADD COLUMN m INTEGER", "ALTER TABLE p RENAME TO q"),
    "r3": raw("r2", "ALTER TABLE q ADD COLUMN k INTEGER"),
}
UNRENAMED = ("CREATE TABLE p (id INTEGER PRIMARY KEY, n TEXT)", "INSERT INTO p VALUES (1, 'ann')")


@pytest.mark.parametrize("own", ["q_backup", "q_old", "tmp_q", "p_1"])
@pytest.mark.parametrize("stamped", [("r1",), ()], ids=["stamped", "stamp lost"])
def test_a_table_called_like_one_that_is_still_to_be_renamed_is_the_applications_own(
    tmp_path: Path, own: str, stamped: tuple[str, ...]
) -> None:
    home = own_chain(tmp_path, RENAMED_LATER)
    copy = (f"CREATE TABLE {own} (id INTEGER PRIMARY KEY, n TEXT)", f"INSERT INTO {own} VALUES (7, 'mine')")
    script(home.database, *UNRENAMED, *copy, *(stamp(*stamped) if stamped else ()))
    assert come_home(home, gone("p"))[-3:] == ["run revision r2", "run revision r3", "stamp r3"]
    assert ask(home.database, "SELECT id, n FROM q") == [(1, "ann")]
    assert ask(home.database, f"SELECT * FROM {own}") == [(7, "mine")]


@pytest.mark.parametrize("own", ["p_old", "p_backup"])
def test_a_table_called_like_one_that_was_renamed_is_the_applications_own(tmp_path: Path, own: str) -> None:
    home = own_chain(tmp_path, RENAMED_LATER)
    q = "CREATE TABLE q (id INTEGER PRIMARY KEY, n TEXT, m INTEGER, k INTEGER)"
    copy = (f"CREATE TABLE {own} (id INTEGER PRIMARY KEY, n TEXT)", f"INSERT INTO {own} VALUES (7, 'mine')")
    script(home.database, q, "INSERT INTO q VALUES (1, 'ann', 2, 3)", *copy, *stamp("r3"))
    assert home.preview().outcome is Outcome.NOTHING


@pytest.mark.parametrize("own", ["p_old", "p_backup"])
def test_without_a_stamp_it_is_asked_about_if_the_renamed_one_has_none_of_its_rows(tmp_path: Path, own: str) -> None:
    # The renamed one may have been made by hand, after the chain's table was put aside with its rows.
    home = own_chain(tmp_path, RENAMED_LATER)
    q = "CREATE TABLE q (id INTEGER PRIMARY KEY, n TEXT, m INTEGER, k INTEGER)"
    copy = (f"CREATE TABLE {own} (id INTEGER PRIMARY KEY, n TEXT)", f"INSERT INTO {own} VALUES (7, 'mine')")
    script(home.database, q, "INSERT INTO q VALUES (1, 'ann', 2, 3)", *copy)
    shown = home.preview()
    assert shown.plan is not None
    assert [blocker.subject for blocker in shown.plan.blockers] == [f"table {own}"]
