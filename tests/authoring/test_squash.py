"""`archmig squash`: one revision in the place of many, and what must not become constant."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from architect_migrate.authoring.squash import squashed, write
from architect_migrate.authoring.squash_files import OldFiles, places, put
from architect_migrate.authoring.squash_proof import tells_the_time
from architect_migrate.core.chain_errors import ChainError, SquashError
from architect_migrate.planning.results import Outcome
from architect_migrate.revisions.static_graph import graph_as_written
from architect_migrate.runs.reconcile import preview, reconcile
from support.cli import archmig
from support.scenarios import INI, Home, ask, code, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from architect_migrate.authoring.squash import Squashed

T = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL, made TEXT DEFAULT CURRENT_TIMESTAMP)"
ODD = (
    "INSERT INTO t (id, name) VALUES (7, 'a\\:b ''c'' \"d\" %s\n\\n ü')",
    "INSERT INTO t (id, name) VALUES (9223372036854775807, CAST(X'610062' AS TEXT))",
)
KINDS = (
    "CREATE TABLE k (id INTEGER PRIMARY KEY, x)",
    "INSERT INTO k (x) VALUES (X'00ff'), (0.1), (1e300), (9e999), (-9e999), (NULL), (-3)",
)
STEP = """import secrets
import sqlalchemy as sa
down_revision = 'b'

ROWS = ["one"]
ROWS.append("two")


def _token():
    return secrets.token_hex(4)


def upgrade():
    op.execute("CREATE TABLE s (id INTEGER PRIMARY KEY, name TEXT UNIQUE, token TEXT)")
    data_step()


def data_step():
    for name in ROWS:
        op.execute(sa.text("INSERT OR IGNORE INTO s (name, token) VALUES (:n, :t)").bindparams(n=name, t=_token()))


def downgrade():
    pass
"""
ENV = """from alembic import context
from sqlalchemy import create_engine

with create_engine(context.config.get_main_option("sqlalchemy.url")).begin() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
CHAIN = {
    "a": revision(None, T, *ODD),
    "b": revision("a", *KINDS, "CREATE INDEX i ON t (name)", "UPDATE t SET name = name || '!' WHERE id = 7"),
    "c": STEP,
    "d": revision("c", "ALTER TABLE t ADD COLUMN extra INTEGER"),
}


@pytest.fixture(autouse=True)
def _without_a_wait(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the two runs of a chain follow at once, but in tests of what differs from one second to the next."""
    if not {"lines", "revisions"} & {*request.fixturenames}:
        at_once = SimpleNamespace(time=time.time, sleep=lambda _: None)
        monkeypatch.setattr("architect_migrate.authoring.squash.time", at_once)


def of(home: Home, to: str, old_files: OldFiles = OldFiles.MOVE) -> Squashed:
    return squashed(home.context().source, to, old_files)


def chain(folder: Path, revisions: Mapping[str, str]) -> Home:
    return own_chain(folder, dict(revisions))


def built(home: Home, target: str | None = None) -> Path:
    """A new database of the home's chain."""
    context = home.under('uninitialised = "create"').context()
    shown = preview(context, target)
    assert shown.plan is not None, shown.detail
    done = reconcile(context, shown.plan, lambda *_: None, target)
    assert done.outcome is Outcome.DONE, done.error
    return home.database


def content(path: Path) -> dict[str, object]:
    with closing(sqlite3.connect(path)) as raw:
        names = [name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
        found: dict[str, object] = {
            "": raw.execute(
                "SELECT type, name, sql FROM sqlite_master WHERE tbl_name <> 'alembic_version' ORDER BY 1, 2"
            ).fetchall()
        }
        for name in names:
            columns = [row[1] for row in raw.execute(f"PRAGMA table_info({name})") if row[1] not in {"made", "token"}]
            shown = ", ".join(f"typeof({one}), quote({one})" for one in columns)
            found[name] = raw.execute(f"SELECT {shown} FROM {name} ORDER BY 1, 2").fetchall()
    return found


def test_the_new_chain_makes_the_same_and_databases_of_the_old_one_need_no_stamp(tmp_path: Path) -> None:
    home = chain(tmp_path / "p", CHAIN)
    before = content(built(home))
    new = of(home, "c")
    assert (new.replaces, new.objects, new.rows) == (("a", "b", "c"), 4, 11)
    write(home.context().source.chain, new)
    assert sorted(path.name for path in (tmp_path / "p" / "alembic" / "versions").glob("*.py")) == ["c.py", "d.py"]
    assert sorted(path.name for path in (tmp_path / "p" / "alembic" / "squashed" / "c").iterdir()) == [
        "a.py",
        "b.py",
        "c.py",
    ]
    assert preview(home.context()).outcome is Outcome.NOTHING
    tokens = ask(home.database, "SELECT token FROM s")
    home.database.unlink()
    assert content(built(home)) == before
    assert ask(home.database, "SELECT token FROM s") != tokens, "a token became constant"


def test_a_database_in_the_middle_is_told_what_to_do_first(tmp_path: Path) -> None:
    home = chain(tmp_path / "p", CHAIN)
    built(home, "b")
    write(home.context().source.chain, of(home, "c"))
    shown = preview(home.context())
    assert shown.plan is not None
    assert [each.found for each in shown.plan.blockers] == ["the database is stamped b, which c replaces in part"]


def test_rows_come_in_an_order_that_enforced_foreign_keys_allow(tmp_path: Path) -> None:
    tables = (
        "CREATE TABLE a (id INTEGER PRIMARY KEY, z TEXT REFERENCES Z (name), up INTEGER REFERENCES a (id))",
        "CREATE TABLE z (name TEXT)",
        "CREATE UNIQUE INDEX i ON z (name)",
    )
    rows = ("INSERT INTO z VALUES ('x')", "INSERT INTO a VALUES (5, 'x', NULL)", "INSERT INTO a VALUES (1, 'x', 5)")
    home = chain(tmp_path / "p", {"a": revision(None, *tables), "b": revision("a", *rows)})
    names: dict[str, Any] = {}
    exec(of(home, "b").text, names)
    with closing(sqlite3.connect(":memory:")) as raw:
        raw.execute("PRAGMA foreign_keys = ON")
        names["op"] = raw
        names["upgrade"]()
        assert raw.execute("SELECT * FROM a ORDER BY id").fetchall() == [(1, "x", 5), (5, "x", None)]
        names["downgrade"]()
        assert raw.execute("SELECT * FROM sqlite_master").fetchall() == []


MOMENTS = {
    "one of one, at random": ('op.execute("INSERT INTO t (x) VALUES (abs(random()) % 1)")',),
    "one of one, at random by Python": (
        "import random",
        "op.execute(f'INSERT INTO t (x) VALUES ({random.choice([1])})')",
    ),
    "a date in thirty days, by SQLite": ("op.execute(\"INSERT INTO t (x) VALUES (date('NOW', '+30 days'))\")",),
    "a date by SQLite without an argument": ("op.execute(\"INSERT INTO t (x) SELECT strftime('%d', date())\")",),
    "a date in thirty days, by Python": (
        "import datetime as d",
        "op.execute(f\"INSERT INTO t (x) VALUES ('{d.date.today() + d.timedelta(30)}')\")",
    ),
}


@pytest.mark.parametrize("lines", MOMENTS.values(), ids=MOMENTS)
def test_revisions_that_read_the_clock_or_make_random_values_are_named(tmp_path: Path, lines: tuple[str, ...]) -> None:
    table = "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, made TEXT DEFAULT CURRENT_TIMESTAMP)"
    home = chain(
        tmp_path / "p", {"a": revision(None, table, "INSERT INTO t (x) VALUES ('then')"), "b": code("a", *lines)}
    )
    assert of(home, "b").moment == ("b",)


def test_a_second_squash_stands_for_the_first_ones_revisions_too(tmp_path: Path) -> None:
    home = chain(tmp_path / "p", CHAIN)
    write(home.context().source.chain, of(home, "b"))
    assert of(home, "d").replaces == ("a", "b", "c", "d")


def test_old_files_can_stay_under_another_name(tmp_path: Path) -> None:
    home = chain(tmp_path / "p", CHAIN)
    write(home.context().source.chain, of(home, "b", OldFiles.STAY))
    names = sorted(path.name for path in (tmp_path / "p" / "alembic" / "versions").iterdir() if path.is_file())
    assert names == ["a.py.squashed", "b.py", "b.py.squashed", "c.py", "d.py"]


def test_files_of_one_name_in_two_folders_are_both_kept(tmp_path: Path) -> None:
    home = chain(tmp_path / "p", CHAIN)
    folder = tmp_path / "p" / "alembic"
    ini = tmp_path / "p" / "alembic.ini"
    places = f"version_locations = {folder}/versions:{folder}/more\npath_separator = :\n"
    ini.write_text(ini.read_text(encoding="utf-8").replace("[alembic]\n", f"[alembic]\n{places}"), encoding="utf-8")
    (folder / "more").mkdir()
    (folder / "versions" / "a.py").rename(folder / "more" / "b.py")
    before = [(folder / each / "b.py").read_text(encoding="utf-8") for each in ("more", "versions")]
    write(home.context().source.chain, of(home, "b"))
    kept = [(folder / "squashed" / "b" / each / "b.py").read_text(encoding="utf-8") for each in ("more", "versions")]
    assert kept == before


def test_a_file_that_is_squashed_twice_is_kept_twice(tmp_path: Path) -> None:
    home = chain(tmp_path / "p", CHAIN)
    folder = tmp_path / "p" / "alembic" / "versions"
    (folder / "b.py").chmod(0o640)
    old = (folder / "b.py").read_text(encoding="utf-8")
    write(home.context().source.chain, of(home, "b", OldFiles.STAY))
    once = (folder / "b.py").read_text(encoding="utf-8")
    assert (folder / "b.py").stat().st_mode & 0o777 == 0o640
    write(home.context().source.chain, of(home, "c", OldFiles.STAY))
    assert (folder / "b.py.squashed").read_text(encoding="utf-8") == old
    assert (folder / "b.py.2.squashed").read_text(encoding="utf-8") == once


def test_a_revision_that_imports_a_squashed_one_leaves_every_file_where_it_was(tmp_path: Path) -> None:
    reads = "down_revision = 'b'\nimport sys\nsys.path.insert(0, 'alembic/versions')\nimport a\n"
    home = chain(
        tmp_path / "p", {**CHAIN, "c": f"{reads}\n\ndef upgrade():\n    pass\n\n\ndef downgrade():\n    pass\n"}
    )
    versions = tmp_path / "p" / "alembic" / "versions"
    before = {file.name: file.read_text(encoding="utf-8") for file in versions.glob("*.py")}
    with pytest.raises(SquashError, match="No module named 'a'"):
        write(home.context().source.chain, of(home, "b"))
    assert {file.name: file.read_text(encoding="utf-8") for file in versions.glob("*.py")} == before


def test_a_killed_squash_says_where_the_files_are_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain(tmp_path / "p", CHAIN)
    monkeypatch.chdir(tmp_path / "p")
    kept = Path("alembic/squashed/b")
    kept.mkdir(parents=True)
    shutil.copy("alembic/versions/a.py", kept)
    drafts = [folder / ".archmig-26422782d8c7b75f4162fc2b.tmp" for folder in (kept, Path("alembic/versions"))]
    for draft in drafts:
        draft.write_text("half of", encoding="utf-8")
    Path("alembic/versions/a.py").unlink()
    said = archmig("squash", "--to", "b")
    assert said.code == 2
    assert "a revision comes after 'a', which no file defines" in said.err
    assert f"its file is {Path.cwd() / kept}/a.py: if archmig squash was killed, move the old files back" in said.err
    shutil.copy(kept / "a.py", "alembic/versions")
    assert archmig("squash", "--to", "b").code == 0, "copies of a squash that was killed were in the way"
    assert not any(draft.exists() for draft in drafts)


@pytest.mark.parametrize("old_files", OldFiles)
def test_a_squash_that_is_killed_at_any_step_loses_no_file_and_leaves_no_other_chain(
    tmp_path: Path, old_files: OldFiles
) -> None:
    kept, seen = dict[str, str](), set[str]()
    for at in range(1, 40):
        home = chain(tmp_path / str(at), CHAIN)
        config, folder = home.context().source.chain, tmp_path / str(at) / "alembic"
        versions = [folder / "versions" / f"{each}.py" for each in CHAIN]
        kept = {file.name: file.read_text(encoding="utf-8") for file in versions}
        moves = places(config, (*versions[:3],), "c", old_files)
        if not _killed(at, partial(put, config, moves, versions[2], kept["c.py"].replace("'b'", "None"), lambda: None)):
            break
        there = {file.name for file in versions if file.exists()}
        texts = [file.read_text(encoding="utf-8") for file in folder.rglob("*") if file.is_file()]
        assert set(kept.values()) <= {*texts}
        try:
            roots = [each.id for each in graph_as_written(config).revisions if not each.parents]
            assert (roots, there) in ((["a"], {*kept}), (["c"], {"c.py", "d.py"}))
            seen |= {*roots}
        except ChainError as error:
            seen.add("told" if "if archmig squash was killed, move the old files back" in str(error) else str(error))
    assert seen == {"a", "c", "told"}


def _killed(at: int, work: Callable[[], object]) -> bool:
    """Do work in a child that is killed before the change of so many files; return whether it was."""
    calls = count(1)

    def until(function: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*args: Any, **kwargs: Any) -> Any:
            if next(calls) == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return instead

    child = os.fork()
    if not child:
        for name in ("unlink", "replace", "mkdir", "fsync"):
            setattr(os, name, until(getattr(os, name)))
        work()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_what_cannot_be_written_leaves_every_file_where_it_was(tmp_path: Path) -> None:
    home = chain(tmp_path / "p", CHAIN)
    new = of(home, "b")
    (tmp_path / "p" / "alembic" / "squashed" / "b" / "b.py").mkdir(parents=True)
    with pytest.raises(SquashError, match="nothing was written"):
        write(home.context().source.chain, new)
    names = sorted(path.name for path in (tmp_path / "p" / "alembic" / "versions").glob("*.py"))
    assert names == ["a.py", "b.py", "c.py", "d.py"]


REFUSED = {
    "a token that a revision inserts": (
        {
            "a": code(None, "import secrets", "op.execute('CREATE TABLE t (x TEXT)')").replace(
                "pass", "op.execute(f\"INSERT INTO t VALUES ('{secrets.token_hex(8)}')\")", 1
            ),
            "b": revision("a", "CREATE TABLE u (x)"),
        },
        "b",
        "t.x: has values of the moment",
    ),
    "the day of the replay": (
        {
            "a": code(None, "from datetime import date", "op.execute('CREATE TABLE t (x TEXT)')").replace(
                "pass", "op.execute(f\"INSERT INTO t VALUES ('{date.today()}')\")", 1
            ),
            "b": revision("a", "CREATE TABLE u (x)"),
        },
        "b",
        "t.x: has values of the moment",
    ),
    "a key that was given and taken back": (
        {
            "a": revision(
                None,
                "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, x)",
                "INSERT INTO t (x) VALUES (1), (2)",
                "DELETE FROM t WHERE x = 2",
            ),
            "b": revision("a", "CREATE TABLE u (x)"),
        },
        "b",
        "rows of table sqlite_sequence would have other values",
    ),
    "a token of a data step that a later revision leaves without its table": (
        {
            "a": revision(None, "CREATE TABLE t (x)", data=["INSERT INTO t (x) SELECT hex(randomblob(8))"]),
            "b": revision("a", "ALTER TABLE t RENAME TO u"),
        },
        "b",
        "u.x: has values of the moment",
    ),
    "a token in a column whose default is a constant": (
        {
            "a": revision(None, "CREATE TABLE t (id INTEGER PRIMARY KEY, secret TEXT DEFAULT 'changeme')"),
            "b": revision("a", "INSERT INTO t (secret) VALUES (hex(randomblob(8)))"),
        },
        "b",
        "column t.secret would not get its values in the same way",
    ),
    "a time beside constants": (
        {
            "a": revision(None, T),
            "b": revision("a", "INSERT INTO t VALUES (1, 'x', CURRENT_TIMESTAMP), (2, 'y', '2020-01-01')"),
        },
        "b",
        "column t.made would not get its values in the same way",
    ),
    "a time in thirty days, of which the default is now": (
        {
            "a": revision(None, T),
            "b": revision("a", "INSERT INTO t VALUES (1, 'x', datetime('now', '+30 days'))"),
        },
        "b",
        "column t.made would not get its values in the same way",
    ),
    "a variable of the machine": (
        {
            "a": code(None, "op.execute('CREATE TABLE t (x TEXT)')"),
            "b": code("a", "import os", "op.execute(f\"INSERT INTO t VALUES ('{os.environ.get('ADMIN', 'x')}')\")"),
        },
        "b",
        "t.x: has values of the moment or the machine",
    ),
    "a table that a variable switches on": (
        {
            "a": code(None, "import os", "if not os.getenv('SMALL'):", "    op.execute('CREATE TABLE t (x TEXT)')"),
            "b": revision("a", "CREATE TABLE u (x)"),
        },
        "b",
        "table t: is another one at each run of the chain",
    ),
    "a place in the project": (
        {
            "a": code(None, "op.execute('CREATE TABLE t (x TEXT)')"),
            "b": code("a", "op.execute(f\"INSERT INTO t VALUES ('{__file__}')\")"),
        },
        "b",
        "t.x: has values of the moment or the machine",
    ),
    "a time in a definition": (
        {
            "a": code(None, "import time", "op.execute(f\"CREATE TABLE t (x DEFAULT '{time.time()}')\")"),
            "b": revision("a", "CREATE TABLE u (x)"),
        },
        "b",
        "table t: is another one at each run of the chain",
    ),
    "a number in the file's header": (
        {"a": revision(None, T), "b": revision("a", "PRAGMA user_version = 7")},
        "b",
        "would set PRAGMA user_version, which a replay leaves out",
    ),
    "a text that is none": (
        {"a": revision(None, T), "b": revision("a", "INSERT INTO t (name) VALUES (CAST(X'ff41' AS TEXT))")},
        "b",
        "the squashed chain would not run",
    ),
    "a branch that begins before it": (
        {
            "a": revision(None, T),
            "b": revision("a", "CREATE TABLE u (x)"),
            "x": revision("a", "CREATE TABLE v (x)"),
        },
        "b",
        "x comes after a, which would be gone",
    ),
    "the first revision": (
        {"a": revision(None, T), "b": revision("a", "CREATE TABLE u (x)")},
        "a",
        "nothing comes before it",
    ),
}


@pytest.mark.parametrize(("revisions", "to", "words"), REFUSED.values(), ids=REFUSED)
def test_what_would_not_be_the_same_is_refused(tmp_path: Path, revisions: dict[str, str], to: str, words: str) -> None:
    home = chain(tmp_path / "p", revisions)
    with pytest.raises(SquashError, match=re.escape(words)):
        of(home, to)


def test_rows_that_triggers_wrote_are_not_written_twice(tmp_path: Path) -> None:
    home = chain(
        tmp_path / "p",
        {
            "a": revision(None, "CREATE TABLE t (x)", "CREATE TABLE log (x)"),
            "b": revision("a", "CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.x); END"),
            "c": revision("b", "INSERT INTO t VALUES (1)", "CREATE VIEW v AS SELECT x FROM t"),
        },
    )
    before = content(built(home))
    write(home.context().source.chain, of(home, "c"))
    home.database.unlink()
    assert content(built(home)) == before


def test_a_data_step_that_no_longer_runs_is_carried_as_rows(tmp_path: Path) -> None:
    home = chain(
        tmp_path / "p",
        {
            "a": revision(None, "CREATE TABLE t (x, y)", data=["INSERT INTO t (x, y) SELECT 1, 2"]),
            "b": revision("a", "ALTER TABLE t DROP COLUMN y", "ALTER TABLE t RENAME TO u"),
        },
    )
    before = content(built(home))
    write(home.context().source.chain, of(home, "b"))
    home.database.unlink()
    assert content(built(home)) == before


def test_a_data_step_that_cannot_stand_in_a_function_is_carried_as_rows(tmp_path: Path) -> None:
    step = revision(None, T, data=["INSERT INTO t (name) SELECT 'x'"])
    home = chain(tmp_path / "p", {"a": f"from math import *\n{step}", "b": revision("a", "CREATE TABLE u (x)")})
    assert 'INSERT INTO "t" ("id", "name") VALUES (1, \'x\')' in of(home, "b").text


def test_a_chain_that_leaves_nothing_is_squashed(tmp_path: Path) -> None:
    home = chain(tmp_path / "p", {"a": revision(None, "CREATE TABLE t (x)"), "b": revision("a", "DROP TABLE t")})
    assert "def upgrade():\n    pass\n" in of(home, "b").text


def test_an_env_py_that_commits_by_itself_is_compared_as_it_leaves_the_database(tmp_path: Path) -> None:
    home = chain(tmp_path / "p", CHAIN)
    (tmp_path / "p" / "alembic" / "env.py").write_text(ENV, encoding="utf-8")
    (tmp_path / "p" / "alembic.ini").write_text(f"{INI}sqlalchemy.url = sqlite:///it.db\n", encoding="utf-8")
    assert (of(home, "c").objects, of(home, "c").rows) == (4, 11)


def test_branches_that_have_met_are_squashed_together(tmp_path: Path) -> None:
    home = chain(
        tmp_path / "p",
        {
            "a": revision(None, "CREATE TABLE t (x)"),
            "b": revision("a", "CREATE TABLE u (x)", more="branch_labels = ('left',)"),
            "c": revision("a", "CREATE TABLE v (x)"),
            "m": revision(("b", "c")),
        },
    )
    new = of(home, "m")
    assert {*new.replaces} == {"a", "b", "c", "m"}
    assert "branch_labels = ('left',)" in new.text


def test_a_time_is_known_as_text_and_as_a_number() -> None:
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    seconds = now.timestamp()
    told = ("'2026-11-29 11:59:58'", f"{seconds:.0f}", f"{seconds * 1000:.0f}", repr(seconds - 5), "2461374.1")
    assert all(tells_the_time(literal, now) for literal in told)
    assert not any(tells_the_time(literal, now) for literal in ("'2026-11-28'", "0", "NULL", "X'00'", "'x'", "1.0e300"))


def test_the_command_proves_writes_and_says_which_databases_are_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = chain(tmp_path / "p", CHAIN)
    built(home, "b")
    monkeypatch.chdir(tmp_path / "p")
    dry = archmig("squash", "--to", "c", "--dry-run")
    assert dry.out.startswith('"""c\n\nMakes what 3 revisions made, a to c.\n')
    done = archmig("squash", "--to", "c")
    assert (done.code, done.out) == (0, "alembic/versions/c.py\n")
    assert done.err == (
        "c makes what 3 revisions made: 4 objects and 11 rows, replayed and equal\n"
        "the 3 old files are in alembic/squashed/c\n"
        "it must first be upgraded to c with the old files\n"
    )
    assert Path("alembic/versions/c.py").read_text(encoding="utf-8") == dry.out


def test_the_command_refuses_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = chain(tmp_path / "p", CHAIN)
    script(home.database, *stamp())
    home.context()
    monkeypatch.chdir(tmp_path / "p")
    done = archmig("squash", "--to", "a", "--json")
    assert done.code == 2
    assert "nothing comes before it" in done.out


def test_a_number_of_0_in_sqlite_sequence_is_the_same_as_none(tmp_path: Path) -> None:
    steps = (
        "CREATE TABLE u (id INTEGER PRIMARY KEY AUTOINCREMENT, x)",
        "INSERT INTO u (id, x) SELECT id, x FROM t",
        "DROP TABLE t",
        "ALTER TABLE u RENAME TO t",
    )
    home = chain(
        tmp_path / "p",
        {"a": revision(None, "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, x)"), "b": revision("a", *steps)},
    )
    assert of(home, "b").objects == 1
