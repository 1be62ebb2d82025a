"""What env.py asks of its command line, what it writes and what it wants to be told: as with plain Alembic, or said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import archmig
from support.scenarios import ask, digest, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

A = "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT)"
HEAD = """import logging, os, sqlite3
from pathlib import Path
from alembic import context
from sqlalchemy import create_engine, text
config = context.config
engine = create_engine(config.get_main_option("sqlalchemy.url"))
more = {}
"""
RUN = """with engine.connect() as connection:
    context.configure(connection=connection, **more)
    with context.begin_transaction():
        context.run_migrations()
"""
GIVEN = """given = config.attributes["connection"]
context.configure(connection=given)
"""
BEGUN = {
    "as an engine": """with config.attributes["connection"].begin() as connection:
    context.configure(connection=connection)
    context.run_migrations()
config.attributes["connection"].dispose()
""",
    "as a connection": f"{GIVEN}with given.begin():\n    context.run_migrations()\n",
    "with its transaction": f"{GIVEN}with given.begin() as own:\n    context.run_migrations()\n    own.commit()\n",
    "without a block": """given = config.attributes["connection"]
own = given.begin()
context.configure(connection=given)
context.run_migrations()
own.commit()
""",
    "where it has committed": f"{GIVEN}if given.in_transaction():\n    given.commit()\nwith given.begin():\n"
    "    context.run_migrations()\n",
}
HABITS = {
    "the arguments of the command line": """options = config.cmd_opts
assert options.x is None and not getattr(options, "autogenerate", False) and options.cmd[0].__name__ == "upgrade"
""",
    "another way for a program than for the command line": "assert not config.cmd_opts\n",
    "a folder of logs": """os.makedirs("logs/alembic", exist_ok=True)
handler = logging.FileHandler("logs/alembic/run.log")
handler.emit(logging.makeLogRecord({"msg": "begun"}))
handler.close()
assert Path("logs/alembic/run.log").read_text() == "begun\\n"
""",
    "a folder of the database": "Path('instance').mkdir(exist_ok=True)\nPath('instance', 'shop.db').touch()\n",
}


def place(folder: Path, monkeypatch: pytest.MonkeyPatch, env: str) -> Path:
    own_chain(folder, {"1_a": revision(None, A), "2_b": revision("1_a", "ALTER TABLE a ADD COLUMN more TEXT")})
    (folder / "alembic" / "env.py").write_text(f"{HEAD}{env}{RUN}", encoding="utf-8")
    (folder / "environments.toml").write_text('[env.it]\npath = "it.db"\n', encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "900")
    return script(folder / "it.db", A, "INSERT INTO a VALUES (1, 'kept')", *stamp("1_a"))


@pytest.mark.parametrize("env", BEGUN.values(), ids=list(BEGUN))
def test_env_py_begins_a_transaction_on_what_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, env: str
) -> None:
    database = place(tmp_path, monkeypatch, "")
    file = tmp_path / "alembic" / "env.py"
    file.write_text(file.read_text(encoding="utf-8").replace(RUN, env), encoding="utf-8")
    done = archmig("upgrade", "-e", "it", "--yes")
    assert (done.code, archmig("check", "-e", "it").code) == (0, 0), done.err
    assert ask(database, "SELECT * FROM a") == [(1, "kept", None)]
    assert archmig("lint", "2_b").code in {0, 1}


@pytest.mark.parametrize("env", HABITS.values(), ids=list(HABITS))
def test_a_status_writes_nothing_into_the_project_and_an_upgrade_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, env: str
) -> None:
    database = place(tmp_path, monkeypatch, env)
    before = sorted(tmp_path.iterdir())
    assert (archmig("status").code, sorted(tmp_path.iterdir())) == (0, before)
    done = archmig("upgrade", "-e", "it", "--yes")
    assert (done.code, archmig("check", "-e", "it").code) == (0, 0), done.err
    assert ask(database, "SELECT * FROM a") == [(1, "kept", None)]


def test_revisions_may_import_what_the_application_brings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flask = "from flask import current_app\nengine = create_engine(current_app.config['URI'])\n"
    database = place(tmp_path, monkeypatch, flask)
    (tmp_path / "web" / "inner").mkdir(parents=True)
    (tmp_path / "web" / "inner" / "brought_by_app.py").write_text("COLUMN = 'more'\n", encoding="utf-8")
    app = """import os, sys
from flask import Flask
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "web", "inner"))
def create_app():
    app = Flask(__name__)
    app.config["URI"] = os.environ["SHOP_DB"]
    return app
"""
    (tmp_path / "habit_shop.py").write_text(app, encoding="utf-8")
    entry = '[alembic]\napp = "habit_shop:create_app"\n[alembic.env]\nSHOP_DB = "{url}"\n[env.it]\npath = "it.db"\n'
    (tmp_path / "environments.toml").write_text(entry, encoding="utf-8")
    late = tmp_path / "alembic" / "versions" / "2_b.py"
    brought = "from brought_by_app import COLUMN\nfrom flask import current_app\nassert current_app.config['URI']\n"
    late.write_text(brought + late.read_text(encoding="utf-8"), encoding="utf-8")
    sql = archmig("upgrade", "-e", "it", "--sql")
    assert (sql.code, "ADD COLUMN more" in sql.out) == (0, True), sql.err
    done = archmig("upgrade", "-e", "it", "--yes")
    assert (done.code, archmig("check", "-e", "it").code) == (0, 0), done.err
    assert ask(database, "SELECT * FROM a") == [(1, "kept", None)]


def test_a_callback_for_each_revision_is_not_called_and_the_plan_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    callback = """def told(ctx, step, heads, run_args, **kw):
    ctx.connection.execute(text("CREATE TABLE IF NOT EXISTS told (id)"))
more["on_version_apply"] = told
"""
    database = place(tmp_path, monkeypatch, callback)
    told = (
        "warning: env.py: its on_version_apply callback is not called: told; what it does for a revision can be done "
        "by hand"
    )
    assert told in archmig("upgrade", "-e", "it", "--dry-run").out
    done = archmig("upgrade", "-e", "it", "--yes")
    assert (done.code, archmig("check", "-e", "it").code) == (0, 0), done.err
    assert ask(database, "SELECT count(*) FROM sqlite_master WHERE name = 'told'") == [(0,)]


def test_a_creator_of_another_database_is_refused_with_the_entry_that_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = 'os.environ["SHOP"].removeprefix("sqlite:///")'
    env = f"engine = create_engine('sqlite://', creator=lambda: sqlite3.connect({other}))\n"
    database = place(tmp_path, monkeypatch, env)
    monkeypatch.setenv("SHOP", f"sqlite:///{tmp_path}/other.db")
    before = digest(database)
    done = archmig("upgrade", "-e", "it", "--yes")
    said = (
        f"alembic/env.py, line 8: it opens {tmp_path}/other.db, which is not the database of an environment (write in "
        'environments.toml: [alembic.env] SHOP = "{url}"; no database was touched)'
    )
    assert (done.code, said in done.err, digest(database)) == (2, True, before), done.err
    assert not (tmp_path / "other.db").exists()
    entry = '[alembic.env]\nSHOP = "{url}"\n[env.it]\npath = "it.db"\n'
    (tmp_path / "environments.toml").write_text(entry, encoding="utf-8")
    done = archmig("upgrade", "-e", "it", "--yes")
    assert (done.code, ask(database, "SELECT * FROM a")) == (0, [(1, "kept", None)]), done.err
