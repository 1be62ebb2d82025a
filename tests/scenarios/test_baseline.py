"""Chains that do not begin at nothing: the application made tables before the first revision, or in the first ones."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from support.cli import ask, forked
from support.plain_alembic import alembic

if TYPE_CHECKING:
    from pathlib import Path

ENV = """from alembic import context
from sqlalchemy import engine_from_config, pool
options = context.config.get_section(context.config.config_ini_section)
engine = engine_from_config(options, prefix="sqlalchemy.", poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
"""
ACCOUNTS = "CREATE TABLE accounts (id INTEGER NOT NULL, name VARCHAR(40), PRIMARY KEY (id))"
ADD_STATE = 'op.add_column("accounts", sa.Column("state", sa.LargeBinary()))'
MAKE_TOKENS = (
    'op.create_table("tokens", sa.Column("id", sa.Integer, primary_key=True), '
    'sa.Column("account", sa.Integer, sa.ForeignKey("accounts.id")))'
)
# The models of today: the revisions b1 and c2 have made two tables of the one that there was.
MODELS = """import sqlalchemy as sa
metadata = sa.MetaData()
sa.Table("accounts", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(40)),
         sa.Column("state", sa.LargeBinary))
sa.Table("tokens", metadata, sa.Column("id", sa.Integer, primary_key=True),
         sa.Column("account", sa.Integer, sa.ForeignKey("accounts.id")))

def first(connection):
    connection.execute(sa.text("CREATE TABLE accounts (id INTEGER NOT NULL, name VARCHAR(40), PRIMARY KEY (id))"))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chain that begins beside a table of the application: a0 does nothing, b1 adds a column to it."""
    monkeypatch.setenv("COLUMNS", "300")
    folder = tmp_path / "shop"
    (folder / "chain" / "versions").mkdir(parents=True)
    ini = "[alembic]\nscript_location = %(here)s/chain\nprepend_sys_path = .\npath_separator = os\n"
    (folder / "alembic.ini").write_text(f"{ini}sqlalchemy.url = sqlite:///app.db\n", encoding="utf-8")
    (folder / "chain" / "env.py").write_text(ENV, encoding="utf-8")
    (folder / "shopmodels.py").write_text(MODELS, encoding="utf-8")
    revision(folder, "a0", None, "pass")
    revision(folder, "b1", "a0", ADD_STATE)
    revision(folder, "c2", "b1", MAKE_TOKENS, down='op.drop_table("tokens")')
    begin(folder)
    return folder


def revision(folder: Path, name: str, parent: str | None, *lines: str, down: str = "pass") -> None:
    body = "".join(f"    {line}\n" for line in lines)
    text = f"import sqlalchemy as sa\nfrom alembic import op\nrevision = {name!r}\ndown_revision = {parent!r}\n\n"
    text += f"def upgrade():\n{body}\ndef downgrade():\n    {down}\n"
    (folder / "chain" / "versions" / f"{name}.py").write_text(text, encoding="utf-8")


def begin(folder: Path, *lines: str) -> None:
    """Write environments.toml with more lines of [alembic]."""
    text = "\n".join(["[alembic]", 'config = "alembic.ini"', *lines, "[env.app]", 'path = "app.db"'])
    (folder / "environments.toml").write_text(f'{text}\nuninitialised = "create"\n', encoding="utf-8")


def from_sql(folder: Path, script: str = f"{ACCOUNTS};", *lines: str) -> None:
    (folder / "baseline.sql").write_text(script, encoding="utf-8")
    begin(folder, 'baseline = "baseline.sql"', *lines)


def made(database: Path, script: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(script)


def natively(folder: Path, script: str, stamp: str = "") -> Path:
    """What `alembic upgrade heads` makes of a database that begins with a script."""
    kept = (folder / "app.db").read_bytes() if (folder / "app.db").exists() else None
    (folder / "app.db").unlink(missing_ok=True)
    made(folder / "app.db", script)
    for words in ([["stamp", stamp]] if stamp else []) + [["upgrade", "heads"]]:
        command = [sys.executable, "-P", "-m", "alembic", *words]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (folder / "app.db").rename(folder / "native.db")
    if kept is not None:
        (folder / "app.db").write_bytes(kept)
    return folder / "native.db"


def texts(database: Path) -> list[tuple[object, ...]]:
    """What defines a database, but for the spelling of Alembic's own table."""
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE tbl_name <> 'alembic_version' ORDER BY 1, 2"
    return ask(database, query)


def run(folder: Path, *words: str) -> tuple[int, str]:
    done = forked(*words, cwd=folder)
    return done.code, " ".join(f"{done.out}{done.err}".split())


def test_a_chain_with_an_empty_first_revision_is_told_how_to_write_its_baseline_down(place: Path) -> None:
    made(place / "app.db", f"{ACCOUNTS};")
    assert run(place, "status") == (
        2,
        (
            f"archmig: {place}/alembic.ini: the chain does not run on an empty database at revision b1: "
            "chain/versions/b1.py, line 7: OperationalError: no such table: accounts (nothing before it makes that: if "
            "the application did before the chain began, archmig baseline --env NAME writes it down; no database was "
            "touched)"
        ),
    )


def test_a_first_revision_that_makes_the_models_of_today_is_told_as_that(place: Path) -> None:
    revision(place, "a0", None, "from shopmodels import metadata", "metadata.create_all(op.get_bind())")
    made(place / "app.db", f"{ACCOUNTS};")
    assert run(place, "status") == (
        2,
        (
            f"archmig: {place}/alembic.ini: the chain does not run on an empty database at revision b1: "
            "chain/versions/b1.py, line 7: OperationalError: duplicate column name: state (a0 calls create_all() of "
            "today's models, which need not be what it made in its day: archmig baseline --env NAME writes that down; "
            "no database was touched)"
        ),
    )


def test_a_database_without_a_stamp_is_placed_and_brought_home(place: Path) -> None:
    from_sql(place)
    made(
        place / "app.db",
        f"{ACCOUNTS}; ALTER TABLE accounts ADD COLUMN state BLOB; INSERT INTO accounts VALUES (1, 'ada', x'00ff')",
    )
    code, out = run(place, "status")
    assert (code, "unstamped" in out, " b1 " in out) == (0, True, True)
    assert run(place, "reconcile", "-e", "app", "--yes")[0] == 0
    assert ask(place / "app.db", "SELECT * FROM accounts, alembic_version") == [(1, "ada", b"\x00\xff", "c2")]
    assert run(place, "check")[0] == 0
    assert texts(place / "app.db") == texts(natively(place, f"{ACCOUNTS};"))


@pytest.mark.parametrize("kind", ["sql", "db", "function"])
def test_an_empty_database_begins_with_the_baseline(place: Path, kind: str) -> None:
    match kind:
        case "sql":
            from_sql(place)
        case "db":
            made(place / "first.db", f"{ACCOUNTS}; INSERT INTO accounts VALUES (1, 'of that database')")
            begin(place, 'baseline = "first.db"')
        case _:
            begin(place, 'baseline = "shopmodels:first"')
    assert run(place, "upgrade", "-e", "app", "--yes")[0] == 0
    assert texts(place / "app.db") == texts(natively(place, f"{ACCOUNTS};"))
    assert ask(place / "app.db", "SELECT (SELECT count(*) FROM accounts), version_num FROM alembic_version") == [
        (0, "c2")
    ]
    assert run(place, "check")[0] == 0


def test_rows_of_a_script_are_in_a_new_database_and_are_asked_of_no_other(place: Path) -> None:
    rows = "INSERT INTO accounts VALUES (1, 'root;--'); INSERT INTO accounts VALUES (2, 'guest');"
    from_sql(place, f"BEGIN; {ACCOUNTS}; {rows} COMMIT;")
    assert run(place, "upgrade", "-e", "app", "--yes")[0] == 0
    assert ask(place / "app.db", "SELECT id, name FROM accounts") == [(1, "root;--"), (2, "guest")]
    assert run(place, "check")[0] == 0
    (place / "app.db").unlink()
    made(
        place / "app.db",
        f"{ACCOUNTS}; ALTER TABLE accounts ADD COLUMN state BLOB; INSERT INTO accounts VALUES (7, 'own', NULL)",
    )
    assert run(place, "reconcile", "-e", "app", "--yes")[0] == 0
    assert ask(place / "app.db", "SELECT id, name FROM accounts") == [(7, "own")]


def test_a_database_that_lacks_a_table_of_the_baseline_is_told_and_repaired(place: Path) -> None:
    settings = "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT)"
    from_sql(place, f"{ACCOUNTS};\n{settings};\nCREATE INDEX by_name ON accounts (name);")
    assert run(place, "upgrade", "-e", "app", "--yes")[0] == 0
    made(place / "app.db", "DROP TABLE settings; DROP INDEX by_name; INSERT INTO accounts VALUES (1, 'ada', NULL)")
    code, out = run(place, "check")
    assert (code, "drifted" in out) == (1, True)
    code, out = run(place, "diagnose")
    assert (code, "settings" in out, "by_name" in out) == (0, True, True)
    assert run(place, "upgrade", "-e", "app", "--yes")[0] == 1
    assert run(place, "reconcile", "-e", "app", "--yes")[0] == 0
    assert ask(place / "app.db", "SELECT * FROM accounts") == [(1, "ada", None)]
    assert run(place, "check")[0] == 0
    assert {row[1] for row in texts(place / "app.db")} >= {"settings", "by_name"}


def test_a_database_with_the_baseline_alone_is_behind_and_upgraded(place: Path) -> None:
    revision(place, "a0", None, 'op.add_column("accounts", sa.Column("age", sa.Integer()))')
    from_sql(place)
    made(place / "app.db", f"{ACCOUNTS}; INSERT INTO accounts VALUES (1, 'ada')")
    code, out = run(place, "status")
    assert (code, "behind" in out, "base" in out) == (0, True, True)
    assert run(place, "upgrade", "+1", "-e", "app", "--yes")[0] == 0
    assert ask(place / "app.db", "SELECT version_num FROM alembic_version") == [("a0",)]
    assert run(place, "upgrade", "-e", "app", "--yes")[0] == 0
    assert ask(place / "app.db", "SELECT * FROM accounts") == [(1, "ada", None, None)]
    assert run(place, "check")[0] == 0


def test_a_part_of_the_baseline_without_a_stamp_is_not_clean(place: Path) -> None:
    from_sql(place, f"{ACCOUNTS}; CREATE TABLE settings (name TEXT);")
    made(place / "app.db", f"{ACCOUNTS};")
    code, out = run(place, "check")
    assert (code, "drifted" in out) == (1, True)
    assert run(place, "upgrade", "-e", "app", "--yes")[0] == 1
    assert run(place, "reconcile", "-e", "app", "--yes")[0] == 0
    assert texts(place / "app.db") == texts(natively(place, f"{ACCOUNTS}; CREATE TABLE settings (name TEXT);"))


def test_a_downgrade_to_base_leaves_the_baseline(place: Path) -> None:
    revision(place, "b1", "a0", ADD_STATE, down='op.drop_column("accounts", "state")')
    from_sql(place)
    assert run(place, "upgrade", "-e", "app", "--yes")[0] == 0
    made(place / "app.db", "INSERT INTO accounts VALUES (1, 'ada', NULL)")
    assert run(place, "downgrade", "base", "-e", "app", "--yes")[0] == 0
    assert ask(place / "app.db", "SELECT * FROM accounts") == [(1, "ada")]
    assert ask(place / "app.db", "SELECT count(*) FROM alembic_version") == [(0,)]


def test_a_baseline_at_a_revision_stands_for_those_that_no_longer_run(place: Path) -> None:
    revision(place, "a0", None, "raise NotImplementedError")
    from_sql(place, f"{ACCOUNTS}; CREATE TABLE old (id INTEGER);", 'baseline_at = "a0"')
    assert run(place, "upgrade", "-e", "app", "--yes")[0] == 0
    script = f"{ACCOUNTS}; CREATE TABLE old (id INTEGER);"
    assert texts(place / "app.db") == texts(natively(place, script, "a0"))
    made(place / "app.db", "DROP TABLE old; INSERT INTO accounts VALUES (1, 'ada', NULL)")
    assert run(place, "check")[0] == 1
    assert run(place, "reconcile", "-e", "app", "--yes")[0] == 0
    assert ask(place / "app.db", "SELECT * FROM accounts") == [(1, "ada", None)]
    assert run(place, "check")[0] == 0
    code, out = run(place, "downgrade", "base", "-e", "app", "--yes")
    assert (code, "the chain begins with it, so what was before it is not known" in out) == (1, True)


def test_a_stamp_before_the_baseline_is_refused(place: Path) -> None:
    from_sql(place, f"{ACCOUNTS}; ALTER TABLE accounts ADD COLUMN state BLOB;", 'baseline_at = "b1"')
    old = f"{ACCOUNTS}; CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);"
    made(place / "app.db", f"{old} INSERT INTO alembic_version VALUES ('a0'); INSERT INTO accounts VALUES (1, 'ada')")
    before = (place / "app.db").read_bytes()
    words = "is stamped a0, and what it lacks of b1, the chain's baseline, cannot be known"
    assert "unknown stamp" in run(place, "status")[1]
    for command in (["diagnose"], ["reconcile", "-e", "app", "--yes"], ["upgrade", "-e", "app", "--yes"]):
        assert words in run(place, *command)[1]
    assert (place / "app.db").read_bytes() == before


def test_a_first_revision_of_models_is_replaced_by_what_it_made_in_its_day(place: Path) -> None:
    revision(place, "a0", None, "from shopmodels import metadata", "metadata.create_all(op.get_bind())")
    from_sql(place, f"{ACCOUNTS};", 'baseline_at = "a0"')
    made(place / "app.db", f"{ACCOUNTS}; INSERT INTO accounts VALUES (1, 'ada')")
    assert run(place, "reconcile", "-e", "app", "--yes")[0] == 0
    assert ask(place / "app.db", "SELECT version_num, name FROM alembic_version, accounts") == [("c2", "ada")]
    assert texts(place / "app.db") == texts(natively(place, f"{ACCOUNTS};", "a0"))


def test_an_edited_baseline_is_noticed(place: Path) -> None:
    from_sql(place)
    assert run(place, "upgrade", "-e", "app", "--yes")[0] == 0
    assert run(place, "check")[0] == 0
    from_sql(place, f"{ACCOUNTS}; CREATE TABLE more (id INTEGER);")
    code, out = run(place, "check")
    assert (code, "drifted" in out) == (1, True)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (['baseline = "none.sql"'], "none.sql: the baseline cannot be made of it: No such file or directory"),
        (['baseline_at = "a0"'], "alembic.baseline_at: is given without a baseline"),
        (['baseline = "baseline.sql"', 'baseline_at = "zz"'], "the chain has no revision zz"),
        (['baseline = "wrong.sql"'], 'wrong.sql: the baseline cannot be made of it: near "MAKE": syntax error'),
        (['baseline = "away.sql"'], "away.sql: the baseline cannot be made of it: not authorized"),
        (['baseline = "more.sql"'], "the baseline: more.sql has that already: correct it, or write it anew"),
        (['baseline = "less.sql"'], "the baseline: less.sql lacks that: correct it, or write it anew"),
        (['baseline = "shopmodels:last"'], "module 'shopmodels' has no attribute 'last'"),
    ],
)
def test_a_baseline_that_cannot_be_used_is_told(place: Path, lines: list[str], words: str) -> None:
    (place / "baseline.sql").write_text(ACCOUNTS, encoding="utf-8")
    (place / "wrong.sql").write_text("MAKE TABLE x", encoding="utf-8")
    (place / "away.sql").write_text(f"ATTACH '{place}/away.db' AS away; CREATE TABLE away.t (x)", encoding="utf-8")
    (place / "more.sql").write_text(f"{ACCOUNTS}; ALTER TABLE accounts ADD COLUMN state", encoding="utf-8")
    (place / "less.sql").write_text("CREATE TABLE other (id)", encoding="utf-8")
    begin(place, *lines)
    made(place / "app.db", f"{ACCOUNTS};")
    code, out = run(place, "status")
    assert code == 2
    assert words in out
    assert not (place / "away.db").exists()


def test_lint_history_sql_and_profile_know_the_baseline(place: Path) -> None:
    from_sql(place)
    assert run(place, "lint", "--all")[0] in {0, 1}
    assert "AM2" not in run(place, "lint", "--all")[1]
    assert "baseline: baseline.sql" in run(place, "history")[1]
    assert run(place, "profile")[0] == 0
    script = forked("upgrade", "-e", "app", "--sql", cwd=place)
    assert script.code == 0
    made(place / "scripted.db", script.out)
    assert run(place, "upgrade", "-e", "app", "--yes")[0] == 0
    assert [row[1] for row in texts(place / "scripted.db")] == [row[1] for row in texts(place / "app.db")]


def written(folder: Path, *words: str) -> str:
    """Write a baseline and enter it as the command says; return the environments.toml lines."""
    done = forked("baseline", *words, cwd=folder)
    assert (done.code, done.out) == (0, "baseline.sql\n")
    entry = done.err.partition("environments.toml:\n[alembic]\n")[2]
    begin(folder, *entry.splitlines())
    return entry


def test_a_baseline_is_worked_out_from_a_database_without_what_the_chain_makes(place: Path) -> None:
    settings = "CREATE TABLE settings (name TEXT)"
    made(
        place / "app.db",
        f"{ACCOUNTS}; ALTER TABLE accounts ADD COLUMN state BLOB; CREATE INDEX by_state ON accounts (state);"
        f"CREATE INDEX by_name ON accounts (name); {settings}; INSERT INTO accounts VALUES (1, 'ada', x'00')",
    )
    before = (place / "app.db").read_bytes()
    dry = forked("baseline", "-e", "app", "--dry-run", cwd=place)
    assert (dry.code, dry.out) == (
        0,
        (
            "-- What was there before the first revision, worked out by archmig baseline from app.\n"
            "-- Assumed: what no revision makes was there from the beginning, in the shape that it has now.\n"
            "-- Left out: accounts.state, which revision b1 makes.\n"
            f"{ACCOUNTS};\nCREATE INDEX by_name ON accounts (name);\n"
        ),
    )
    assert not (place / "baseline.sql").exists()
    assert "no revision needs them (--whole takes them too): settings" in dry.err
    assert written(place, "-e", "app") == 'baseline = "baseline.sql"\n'
    assert (place / "app.db").read_bytes() == before
    code, out = run(place, "baseline", "-e", "app")
    assert (code, "is there already (nothing was written: --force replaces it" in out) == (2, True)
    assert run(place, "reconcile", "-e", "app", "--yes")[0] == 0
    assert run(place, "check")[0] == 0
    (place / "app.db").unlink()
    assert run(place, "upgrade", "-e", "app", "--yes")[0] == 0
    assert texts(place / "app.db") == texts(natively(place, f"{ACCOUNTS}; CREATE INDEX by_name ON accounts (name);"))


def test_a_baseline_of_models_stands_for_the_revision_that_made_them(place: Path) -> None:
    revision(place, "a0", None, "from shopmodels import metadata", "metadata.create_all(op.get_bind())")
    assert written(place, "--models", "shopmodels:metadata") == 'baseline = "baseline.sql"\nbaseline_at = "a0"\n'
    assert run(place, "upgrade", "-e", "app", "--yes")[0] == 0
    assert ask(place / "app.db", "SELECT version_num FROM alembic_version") == [("c2",)]
    assert {row[1] for row in texts(place / "app.db")} >= {"accounts", "tokens"}
    assert run(place, "check")[0] == 0


def test_a_batch_operation_that_replaces_a_column_makes_it(place: Path) -> None:
    revision(
        place,
        "b1",
        "a0",
        'with op.batch_alter_table("accounts", recreate="always") as batch:',
        '    batch.add_column(sa.Column("owner", sa.Integer))',
        '    batch.create_unique_constraint("one_owner", ["owner"])',
    )
    made(
        place / "app.db",
        "CREATE TABLE accounts (id INTEGER NOT NULL, name VARCHAR(40), owner INTEGER, PRIMARY KEY (id), "
        "CONSTRAINT one_owner UNIQUE (owner))",
    )
    written(place, "-e", "app")
    assert "owner" not in (place / "baseline.sql").read_text(encoding="utf-8").partition("CREATE")[2]
    assert run(place, "reconcile", "-e", "app", "--yes")[0] == 0
    assert run(place, "check")[0] == 0


def test_a_table_that_refers_to_another_brings_it(place: Path) -> None:
    revision(place, "b1", "a0", MAKE_TOKENS)
    revision(place, "c2", "b1", "pass")
    made(place / "app.db", f"{ACCOUNTS};")
    written(place, "-e", "app", "--whole")
    assert ACCOUNTS in (place / "baseline.sql").read_text(encoding="utf-8")


def test_a_baseline_is_worked_out_where_env_py_ignores_what_fails(place: Path) -> None:
    ignored = "        try:\n            context.run_migrations()\n        except Exception:\n            pass"
    env = ENV.replace("        context.run_migrations()", ignored)
    (place / "chain" / "env.py").write_text(env, encoding="utf-8")
    made(place / "app.db", f"{ACCOUNTS};")
    written(place, "--env", "app")
    assert ACCOUNTS in (place / "baseline.sql").read_text(encoding="utf-8")


def test_what_the_database_no_longer_has_is_told(place: Path) -> None:
    revision(place, "c2", "b1", 'op.drop_table("sessions")')
    made(place / "app.db", f"{ACCOUNTS};")
    code, out = run(place, "baseline", "-e", "app")
    assert code == 2
    assert "at revision c2, OperationalError: no such table: sessions (nothing was written: name a database that" in out
    assert not (place / "baseline.sql").exists()


def test_plain_alembic_through_archmigs_env_py_says_who_makes_the_baseline(place: Path) -> None:
    from_sql(place)
    env = "from alembic import context\nfrom architect_migrate.alembic_env import run\nrun(context)\n"
    (place / "chain" / "env.py").write_text(env, encoding="utf-8")
    whole = (
        f"{place}/baseline.sql: the chain begins on it, and plain alembic does not make it in an empty database (run "
        "archmig upgrade app; afterwards alembic upgrade goes on from there)"
    )
    told = alembic("-x", "env=app", "upgrade", "head", ini=place / "alembic.ini")
    assert (told.code != 0, told.failure, (place / "app.db").exists()) == (True, whole, False)
    assert run(place, "upgrade", "b1", "app", "--yes")[0] == 0
    assert alembic("-x", "env=app", "upgrade", "head", ini=place / "alembic.ini").code == 0
    assert ask(place / "app.db", "SELECT version_num FROM alembic_version") == [("c2",)]


def test_a_chain_that_begins_at_nothing_needs_no_baseline(place: Path) -> None:
    revision(place, "a0", None, f'op.execute("{ACCOUNTS}")')
    made(place / "app.db", f"{ACCOUNTS};")
    assert run(place, "baseline", "-e", "app") == (
        0,
        "the chain needs no baseline: it runs on an empty database; nothing was written",
    )
    assert not (place / "baseline.sql").exists()


def test_a_baseline_is_worked_out_from_one_thing(place: Path) -> None:
    assert "give --env NAME, --db PATH or --models" in run(place, "baseline")[1]
    code, out = run(place, "baseline", "--models", "shopmodels:nothing")
    assert (code, "has no attribute 'nothing'" in out) == (2, True)
    document = forked("baseline", "--models", "shopmodels:metadata", "--json", "--dry-run", cwd=place)
    assert (document.code, '"at": "base"' in document.out) == (0, True)
