"""Any env.py, as people write it, runs on archmig's connection: in the replay, on live databases, and on new ones."""

from __future__ import annotations

import sqlite3
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from support.cli import archmig
from support.scenarios import ask, digest, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

A = "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT)"
CHAIN = {
    "1_a": revision(None, A),
    "2_b": revision("1_a", "ALTER TABLE a ADD COLUMN more TEXT", "CREATE INDEX by_more ON a (more)"),
}
RUN = """context.configure(connection=connection, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
"""
MATRIX = '{alembic}\n[env.it]\npath = "it.db"\n[env.new]\npath = "new.db"\nuninitialised = "create"\n'
AT_2 = (A, "ALTER TABLE a ADD COLUMN more TEXT", "CREATE INDEX by_more ON a (more)", *stamp("2_b"))
OF_VARIABLE = '[alembic.env]\nSHOP_DB = "{url}"\n'


@dataclass(frozen=True)
class Habit:
    """An env.py after its first imports, and the [alembic] table that it needs."""

    env: str
    alembic: str = ""


ASYNC = f"""import asyncio
from sqlalchemy.ext.asyncio import AsyncEngine, async_engine_from_config, create_async_engine
def on(connection):
    {RUN}
async def run():
    engine = ENGINE
    async with engine.connect() as connection:
        await connection.run_sync(on)
    await engine.dispose()
asyncio.run(run())
"""
RECIPE = f"""import sqlite3
engine = engine_from_config(config.get_section("alembic"), prefix="sqlalchemy.", pool_size=3)
@event.listens_for(engine, "connect")
def connected(driver, _record):
    assert isinstance(driver, sqlite3.Connection)
    driver.isolation_level = None
    cursor = driver.cursor()
    for pragma in ("foreign_keys = ON", "journal_mode = WAL", "synchronous(NORMAL)", "case_sensitive_like = ON"):
        cursor.execute(f"PRAGMA {{pragma}}")
    driver.create_function("shout", 1, lambda text: text and text.upper())
    driver.create_collation("backwards", lambda one, two: (one < two) - (one > two))
@event.listens_for(engine, "begin")
def began(connection):
    connection.exec_driver_sql("BEGIN IMMEDIATE")
with engine.connect() as connection:
    {RUN}
    connection.commit()
"""
FLASK = f"""from flask import current_app
with create_engine(current_app.config["URI"]).connect() as connection:
    {RUN}
"""
HABITS = {
    "the template for asyncio": Habit(
        ASYNC.replace("ENGINE", 'async_engine_from_config(config.get_section("alembic"), poolclass=pool.NullPool)')
    ),
    "asyncio with a URL of its own": Habit(
        ASYNC.replace("ENGINE", 'create_async_engine("sqlite+aiosqlite:///" + os.environ["SHOP_DB"])'),
        '[alembic.env]\nSHOP_DB = "{path}"\n',
    ),
    "asyncio as it was in SQLAlchemy 1.4": Habit(
        'config.set_main_option("sqlalchemy.url", f"sqlite+aiosqlite:///{config.get_main_option(URL)[10:]}")\n'.replace(
            "URL", "'sqlalchemy.url'"
        )
        + ASYNC.replace("ENGINE", 'AsyncEngine(engine_from_config(config.get_section("alembic")))')
    ),
    "a URL of the environment": Habit(
        "assert context.get_revision_argument()\n"
        f'with create_engine(os.environ["SHOP_DB"]).connect() as connection:\n    {RUN}',
        OF_VARIABLE,
    ),
    "settings that are a module": Habit(
        f"import settings\nwith create_engine(settings.URL).connect() as connection:\n    {RUN}", OF_VARIABLE
    ),
    "listeners, a pool and a transaction of its own": Habit(RECIPE),
    "arguments of -x": Habit(
        'assert context.get_x_argument(as_dictionary=True) == {"tenant": "acme", "db": config.get_main_option('
        f'"sqlalchemy.url")}}\nwith create_engine(config.get_main_option("sqlalchemy.url")).connect() as connection:'
        f"\n    {RUN}",
        '[alembic]\nx = ["tenant=acme", "db={url}"]\n',
    ),
    "an application of Flask": Habit(FLASK, f'[alembic]\napp = "shop:create_app"\n{OF_VARIABLE}'),
    "an application that upgrades its database when it is made": Habit(
        FLASK, f'[alembic]\napp = "shop:create_upgraded"\n{OF_VARIABLE}'
    ),
    "an application that makes its tables when it is made": Habit(
        FLASK, f'[alembic]\napp = "shop:create_filled"\n{OF_VARIABLE}'
    ),
}
HEAD = "import os\nfrom alembic import context\nfrom sqlalchemy import create_engine, engine_from_config, event, pool\n"
SHOP = """import os
from flask import Flask
def create_app():
    app = Flask(__name__)
    app.config["URI"] = os.environ["SHOP_DB"]
    return app
def create_upgraded():
    from alembic import command
    from alembic.config import Config
    app = create_app()
    with app.app_context():
        command.upgrade(Config("alembic.ini"), "head")
    return app
def create_filled():
    from sqlalchemy import create_engine
    app = create_app()
    app.engine = create_engine(app.config["URI"])
    with app.engine.begin() as connection:
        for statement in ("CREATE TABLE IF NOT EXISTS a (of_today)", "CREATE TABLE IF NOT EXISTS b (id)"):
            connection.exec_driver_sql(statement)
    return app
"""
STAMPS = f"""engine = create_engine(config.get_main_option("sqlalchemy.url"))
with engine.begin() as connection:
    for statement in ("CREATE TABLE alembic_version (version_num TEXT)", "INSERT INTO alembic_version VALUES ('2_b')"):
        connection.exec_driver_sql(statement)
with engine.connect() as connection:
    {RUN}
"""


def place(folder: Path, monkeypatch: pytest.MonkeyPatch, habit: Habit) -> Path:
    own_chain(folder, CHAIN)
    (folder / "alembic" / "env.py").write_text(f"{HEAD}config = context.config\n{habit.env}", encoding="utf-8")
    (folder / "environments.toml").write_text(MATRIX.replace("{alembic}", habit.alembic), encoding="utf-8")
    (folder / "settings.py").write_text('import os\nURL = os.environ["SHOP_DB"]\n', encoding="utf-8")
    (folder / "shop.py").write_text(SHOP, encoding="utf-8")
    monkeypatch.chdir(folder)
    for module in ("settings", "shop"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setenv("COLUMNS", "900")
    monkeypatch.delenv("FLASK_APP", raising=False)
    return folder


@pytest.mark.parametrize("habit", HABITS.values(), ids=list(HABITS))
def test_databases_are_repaired_and_built_whichever_way_env_py_opens_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, habit: Habit
) -> None:
    place(tmp_path, monkeypatch, habit)
    script(tmp_path / "it.db", A, "INSERT INTO a VALUES (1, 'kept')", *stamp("2_b"))
    done = archmig("reconcile", "--all", "--yes")
    assert (done.code, archmig("check", "--all").code) == (0, 0), done.err
    assert ask(tmp_path / "it.db", "SELECT * FROM a") == [(1, "kept", None)]
    for database in ("it.db", "new.db"):
        assert ask(tmp_path / database, "SELECT version_num FROM alembic_version") == [("2_b",)]
        assert ask(tmp_path / database, "PRAGMA journal_mode") == [("delete",)]
    assert not [*tmp_path.glob("*-wal"), *tmp_path.glob("*-journal")]


def test_what_env_py_makes_on_a_connection_is_there_for_revisions_and_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path, monkeypatch, Habit(RECIPE))
    text = revision("2_b", "UPDATE a SET more = shout(x) WHERE x LIKE 'K%'")
    (tmp_path / "alembic" / "versions" / "3_c.py").write_text(
        f"from alembic import op\nrevision = '3_c'\n{text}", encoding="utf-8"
    )
    at = (A, "ALTER TABLE a ADD COLUMN more TEXT", "CREATE INDEX by_more ON a (more)", *stamp("2_b"))
    script(tmp_path / "it.db", *at, "INSERT INTO a VALUES (1, 'kept', NULL), (2, 'Kept', NULL)")
    done = archmig("upgrade", "-e", "it", "--yes")
    assert done.code == 0, done.err
    assert ask(tmp_path / "it.db", "SELECT more FROM a ORDER BY id") == [(None,), ("KEPT",)]


# Two names, since an installed package stays imported; the first is as Flask-Migrate writes it, and does not read it.
PACKAGED = {"store": ".", "market": "market:db:migrations"}


@pytest.mark.parametrize(("name", "location"), PACKAGED.items(), ids=list(PACKAGED))
def test_a_chain_of_an_installed_package_runs_with_its_own_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, location: str
) -> None:
    site, home = tmp_path / "site-packages", tmp_path / "home"
    package, chain = site / name, site / name / "db" / "migrations"
    chain.parent.mkdir(parents=True)
    home.mkdir()
    own_chain(package, CHAIN)
    (package / "alembic").rename(chain)
    (package / "__init__.py").touch()
    (package / "shop.py").write_text(SHOP, encoding="utf-8")
    (chain / "alembic.ini").write_text(f"[alembic]\nscript_location = {location}\n", encoding="utf-8")
    (chain / "env.py").write_text(f"{HEAD}{FLASK}", encoding="utf-8")
    settings = f'[alembic]\nconfig = "{chain / "alembic.ini"}"\napp = "{name}.shop:create_app"\n{OF_VARIABLE}'
    (home / "environments.toml").write_text(f'{settings}[env.it]\npath = "it.db"\n', encoding="utf-8")
    script(home / "it.db", A, *stamp("1_a"))
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=":")
    monkeypatch.chdir(home)
    done = archmig("upgrade", "-e", "it", "--yes")
    assert done.code == 0, done.err
    assert ask(home / "it.db", "SELECT version_num FROM alembic_version") == [("2_b",)]


def test_two_databases_in_one_run_are_never_taken_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path, monkeypatch, HABITS["settings that are a module"])
    (tmp_path / "environments.toml").write_text(f'{OF_VARIABLE}[env.a]\npath = "a.db"\n[env.b]\npath = "b.db"\n')
    for number, name in enumerate(("a.db", "b.db")):
        script(tmp_path / name, A, f"INSERT INTO a VALUES ({number}, '{name}')", *stamp("1_a"))
    assert archmig("upgrade", "--all", "--yes").code == 0
    assert [ask(tmp_path / name, "SELECT * FROM a") for name in ("a.db", "b.db")] == [
        [(0, "a.db", None)],
        [(1, "b.db", None)],
    ]


KEEPS = f"""import helper
os.environ.setdefault("NAME", config.get_main_option("sqlalchemy.url"))
helper.SEEN.append(config.get_main_option("sqlalchemy.url"))
with create_engine(config.get_main_option("sqlalchemy.url")).connect() as connection:
    {RUN}
"""


def test_what_env_py_keeps_of_one_database_is_not_taken_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path, monkeypatch, Habit(KEEPS))
    (tmp_path / "helper.py").write_text("SEEN = []\n")
    text = revision("2_b", "SELECT 1").replace(
        "op.execute('SELECT 1')", "import helper, os; op.execute(f\"UPDATE a SET more = '{helper.SEEN[0]}'\")"
    )
    late = f"import os\nfrom alembic import op\nrevision = '3_c'\n{text}"
    (tmp_path / "alembic" / "versions" / "3_c.py").write_text(late, encoding="utf-8")
    (tmp_path / "environments.toml").write_text('[env.a]\npath = "a.db"\n[env.b]\npath = "b.db"\n')
    for name in ("a.db", "b.db"):
        script(tmp_path / name, *AT_2, "INSERT INTO a VALUES (1, 'kept', NULL)")
    done = archmig("upgrade", "--all", "--yes")
    assert done.code == 0, done.err
    assert [ask(tmp_path / name, "SELECT more FROM a") for name in ("a.db", "b.db")] == [
        [(f"sqlite:///{tmp_path}/a.db",)],
        [(f"sqlite:///{tmp_path}/b.db",)],
    ]


def test_an_env_py_that_names_a_database_runs_on_that_one_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path, monkeypatch, Habit(f'with create_engine("sqlite:///it.db").connect() as connection:\n    {RUN}'))
    script(tmp_path / "it.db", A, "INSERT INTO a VALUES (1, 'kept')", *stamp("1_a"))
    script(tmp_path / "new.db", A, *stamp("1_a"))
    before = digest(tmp_path / "new.db")
    assert archmig("upgrade", "-e", "it", "--yes").code == 0
    done = archmig("upgrade", "-e", "new", "--yes")
    opens = (
        f"{tmp_path}/alembic/env.py, line 5: opens {tmp_path}/it.db, which is not the database of this environment; "
        'nothing was touched (write in environments.toml: [alembic.env] VARIABLE = "{url}" for the variable of its '
        "URL, or an [env] for that file if env.py names it)"
    )
    assert (done.code, opens in done.err) == (2, True), done.err
    assert (digest(tmp_path / "new.db"), ask(tmp_path / "it.db", "SELECT * FROM a")) == (before, [(1, "kept", None)])


TOLD = {
    "another file that it attaches": (
        Habit(
            "engine = create_engine(config.get_main_option('sqlalchemy.url'))\n"
            "with engine.connect() as own:\n    own.exec_driver_sql(\"ATTACH 'legacy.db' AS legacy\")"
        ),
        "alembic/env.py, line 7: TransactionEndedError: the chain's code tried to ATTACH a database",
    ),
    "a variable that is not set": (
        Habit('os.environ["SHOP_DB"]'),
        (
            "alembic/env.py, line 5: KeyError: 'SHOP_DB' (set it for the chain's code: [alembic.env] SHOP_DB = "
            '"..."; "{url}" is the database\'s URL; no database was touched)'
        ),
    ),
    "an application that is not named": (
        Habit("from flask import current_app\ncurrent_app.config"),
        'name the application in environments.toml: [alembic] app = "module:create_app", or set FLASK_APP; no database',
    ),
    "an application that is not there": (
        Habit(FLASK, '[alembic]\napp = "market:create_app"\n'),
        "market:create_app: Could not import 'market'.",
    ),
    "a database of another kind": (
        Habit("create_engine('postgresql+psycopg2://me:secret@db.example/shop').connect()"),
        (
            "alembic/env.py, line 5: ModuleNotFoundError: No module named 'psycopg2' (its URL names another database "
            'than the environment\'s: write in environments.toml: [alembic.env] VARIABLE = "{url}" for the variable'
        ),
    ),
    "an exception of its own": (Habit("raise GeneratorExit('no')"), "alembic/env.py, line 5: GeneratorExit: no"),
    "a stamp before the chain runs": (
        Habit(STAMPS),
        (
            "alembic/env.py: stamps the database with 2_b before it runs the chain, or a module that it imports does "
            "(let the application not upgrade its database while ARCHMIG_REPLAY is set; no database was touched)"
        ),
    ),
    "an exception without a text": (
        Habit("class Odd(Exception):\n    def __str__(self):\n        raise ValueError\nraise Odd"),
        "alembic/env.py, line 8: Odd (",
    ),
    "an exception with half a character": (Habit("raise ValueError('\\udcff')"), "line 5: ValueError: \\udcff"),
    "an interrupt of its own": (Habit("raise KeyboardInterrupt"), "alembic/env.py, line 5: KeyboardInterrupt"),
    "the end of the process": (Habit("raise SystemExit(0)"), "alembic/env.py, line 5: SystemExit: 0"),
}


@pytest.mark.parametrize("case", TOLD.values(), ids=list(TOLD))
def test_what_env_py_needs_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[Habit, str]
) -> None:
    habit, said = case
    place(tmp_path, monkeypatch, habit)
    script(tmp_path / "it.db", A)
    done = archmig("status")
    assert (done.code, said in done.err) == (2, True), done.err
    assert "secret" not in done.err + done.out


BLOCK = """from alembic import op
revision, down_revision = "3_c", "2_b"
def upgrade():
    with op.get_context().autocommit_block():
        op.execute({statement!r})
def downgrade():
    pass
"""


def test_an_autocommit_block_runs_inside_the_transaction_and_the_plan_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path, monkeypatch, HABITS["a URL of the environment"])
    late = tmp_path / "alembic" / "versions" / "3_c.py"
    late.write_text(BLOCK.format(statement="CREATE INDEX by_x ON a (x)"), encoding="utf-8")
    at = (A, "ALTER TABLE a ADD COLUMN more TEXT", "CREATE INDEX by_more ON a (more)", *stamp("2_b"))
    script(tmp_path / "it.db", *at)
    told = "3_c: its autocommit_block runs inside the transaction of the whole run; SQLite accepts its statements there"
    assert f"warning: {told}" in archmig("upgrade", "-e", "it", "--dry-run").out
    assert archmig("upgrade", "-e", "it", "--yes").code == 0
    assert ask(tmp_path / "it.db", "SELECT name FROM sqlite_master WHERE name = 'by_x'") == [("by_x",)]


GIVEN = f"connection = config.attributes['connection']\nif connection is not None:\n    {RUN}"
REFUSED = {
    "VACUUM": "VACUUM",
    "PRAGMA journal_mode = WAL": "set PRAGMA journal_mode",
    "PRAGMA foreign_keys = ON": "set PRAGMA foreign_keys",
}


@pytest.mark.parametrize("env", [HABITS["a URL of the environment"], Habit(GIVEN)], ids=["its own", "given"])
@pytest.mark.parametrize("statement", REFUSED)
def test_what_a_run_refuses_blocks_the_plan_of_a_database_that_is_there_and_of_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, env: Habit, statement: str
) -> None:
    place(tmp_path, monkeypatch, env)
    late = tmp_path / "alembic" / "versions" / "3_c.py"
    rows = "    op.execute('INSERT INTO a (more) VALUES (random())')\n"
    late.write_text(BLOCK.format(statement=statement).replace("def downgrade", f"{rows}def downgrade"), "utf-8")
    script(tmp_path / "it.db", *AT_2)
    before = digest(tmp_path / "it.db")
    for name in ("it", "new"):
        done = archmig("upgrade", "-e", name, "--yes")
        said = f"3_c would fail: it would {REFUSED[statement]} inside the transaction of the run"
        assert (done.code, said in done.out) == (1, True), done.out + done.err
    assert (digest(tmp_path / "it.db"), (tmp_path / "new.db").exists()) == (before, False)


def test_a_number_in_the_header_that_a_lent_connection_would_not_set_blocks_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path, monkeypatch, HABITS["a URL of the environment"])
    late = tmp_path / "alembic" / "versions" / "3_c.py"
    late.write_text(BLOCK.format(statement="PRAGMA user_version = 7"), encoding="utf-8")
    script(tmp_path / "it.db", *AT_2)
    done = archmig("upgrade", "-e", "it", "--yes")
    said = "3_c would fail: it would set PRAGMA user_version inside the transaction of the run"
    assert (done.code, said in done.out) == (1, True), done.out + done.err


@pytest.mark.parametrize("statement", REFUSED)
def test_what_a_run_refuses_is_left_out_where_the_recording_of_the_chain_builds_a_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    place(tmp_path, monkeypatch, HABITS["a URL of the environment"])
    late = tmp_path / "alembic" / "versions" / "3_c.py"
    late.write_text(BLOCK.format(statement=statement), encoding="utf-8")
    told = f"warning: 3_c: it would {REFUSED[statement]}, which is left out; that can be run by hand afterwards"
    assert told in archmig("upgrade", "-e", "new", "--dry-run").out
    done = archmig("upgrade", "-e", "new", "--yes")
    assert (done.code, archmig("check", "-e", "new").code) == (0, 0), done.err


@pytest.mark.parametrize("pair", [("OFF", "ON"), ("0", "1")], ids=["words", "numbers"])
def test_foreign_keys_that_a_revision_switches_off_and_on_again_are_no_blocker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str]
) -> None:
    place(tmp_path, monkeypatch, HABITS["a URL of the environment"])
    statements = [f"PRAGMA foreign_keys = {value}" for value in pair]
    late = revision("2_b", statements[0], "UPDATE a SET more = x", statements[1])
    (tmp_path / "alembic" / "versions" / "3_c.py").write_text(
        f"from alembic import op\nrevision = '3_c'\n{late}", encoding="utf-8"
    )
    script(tmp_path / "it.db", *AT_2)
    done = archmig("upgrade", "-e", "it", "--yes")
    assert done.code == 0, done.out + done.err


ENGINE = """from alembic import op
from sqlalchemy import text
from settings import engine
revision, down_revision = "3_c", "2_b"
def upgrade():
    op.execute("UPDATE a SET more = 'one'")
    {deed}
def downgrade():
    pass
"""
OF_SETTINGS = "from settings import engine\nwith engine.connect() as connection:\n    " + RUN


def with_engine_of_settings(folder: Path, monkeypatch: pytest.MonkeyPatch, deed: str) -> Path:
    place(folder, monkeypatch, Habit(OF_SETTINGS, OF_VARIABLE))
    settings = 'import os\nfrom sqlalchemy import create_engine\nengine = create_engine(os.environ["SHOP_DB"])\n'
    (folder / "settings.py").write_text(settings, encoding="utf-8")
    (folder / "alembic" / "versions" / "3_c.py").write_text(ENGINE.format(deed=deed), encoding="utf-8")
    return script(folder / "it.db", *AT_2, "INSERT INTO a VALUES (1, 'kept', NULL)")


def test_what_a_revision_writes_by_the_applications_engine_is_in_the_one_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deed = "with engine.begin() as own: own.execute(text(\"UPDATE a SET more = more || '!'\"))"
    database = with_engine_of_settings(tmp_path, monkeypatch, deed)
    done = archmig("upgrade", "-e", "it", "--yes")
    assert (done.code, ask(database, "SELECT more FROM a")) == (0, [("one!",)]), done.err


def test_a_savepoint_of_the_applications_engine_is_rolled_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deed = """with engine.begin() as own:
        inner = own.begin_nested()
        own.execute(text("UPDATE a SET more = 'gone'"))
        inner.rollback()"""
    database = with_engine_of_settings(tmp_path, monkeypatch, deed)
    done = archmig("upgrade", "-e", "it", "--yes")
    assert (done.code, ask(database, "SELECT more FROM a")) == (0, [("one",)]), done.err


@pytest.mark.parametrize("swallows", [False, True])
def test_a_rollback_of_the_applications_engine_undoes_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swallows: bool
) -> None:
    deed = """own = engine.connect()
    own.execute(text("UPDATE a SET more = 'gone'"))
    {}"""
    rollback = "try: own.rollback()\n    except Exception: pass" if swallows else "own.rollback()"
    database = with_engine_of_settings(tmp_path, monkeypatch, deed.format(rollback))
    before = digest(database)
    done = archmig("upgrade", "-e", "it", "--yes")
    assert (done.code, "tried to roll back" in done.err, digest(database)) == (2, True, before), done.err


def test_rows_of_executemany_are_not_given_up_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deed = """own = engine.raw_connection()
    own.dbapi_connection.executemany("UPDATE a SET more = ?", [("gone",)])
    own.rollback()"""
    database = with_engine_of_settings(tmp_path, monkeypatch, deed)
    before = digest(database)
    done = archmig("upgrade", "-e", "it", "--yes")
    assert (done.code, "tried to roll back" in done.err, digest(database)) == (2, True, before), done.err


def test_this_process_is_as_it_was_after_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, monkeypatch, Habit(RECIPE))
    script(tmp_path / "it.db", A, *stamp("1_a"))
    assert archmig("upgrade", "-e", "it", "--yes").code == 0
    from sqlalchemy import create_engine

    engine = create_engine(f"sqlite:///{tmp_path}/it.db")
    with engine.connect() as connection:
        assert type(connection.connection.dbapi_connection) is sqlite3.Connection
    engine.dispose()
