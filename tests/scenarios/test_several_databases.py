"""An env.py for several databases, as Alembic and Flask-Migrate write it, runs for the one of each environment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from support.cli import archmig
from support.scenarios import ask, digest, own_chain, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

CREATED = '[defaults]\nuninitialised = "create"\n'
TABLES = "SELECT name FROM sqlite_master WHERE name LIKE 'of_%'"
MULTI = """from alembic import context
from sqlalchemy import engine_from_config, pool
config = context.config
for name in config.get_main_option("databases").split(", "):
    engine = engine_from_config(config.get_section(name), prefix="sqlalchemy.", poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations(engine_name=name)
"""
SEVERAL = """from alembic import op
revision, down_revision = "1_a", None
def upgrade(engine_name):
    op.execute(f"CREATE TABLE of_{engine_name} (id INTEGER PRIMARY KEY)")
def downgrade(engine_name):
    op.execute(f"DROP TABLE of_{engine_name}")
"""
# What matters of the env.py of `flask db init --multidb`, in its order.
FLASK = """from alembic import context
from flask import current_app
config = context.config
db = current_app.extensions["migrate"].db
def url(bind=None):
    return db.engines.get(bind).url.render_as_string(hide_password=False).replace("%", "%%")
config.set_main_option("sqlalchemy.url", url())
bind_names = list(current_app.config["SQLALCHEMY_BINDS"])
for bind in bind_names:
    context.config.set_section_option(bind, "sqlalchemy.url", url(bind))
def offline():
    for name in ["", *bind_names]:
        its = config.get_section_option(name, "sqlalchemy.url") if name else config.get_main_option("sqlalchemy.url")
        with open(f"{name}.sql", "w") as buffer:
            context.configure(url=its, output_buffer=buffer, literal_binds=True)
            with context.begin_transaction():
                context.run_migrations(engine_name=name)
def online():
    engines = {name: {"connection": db.engines[name or None].connect()} for name in ["", *bind_names]}
    for rec in engines.values():
        rec["transaction"] = rec["connection"].begin()
    try:
        for name, rec in engines.items():
            context.configure(connection=rec["connection"], upgrade_token=f"{name}_upgrades")
            context.run_migrations(engine_name=name)
        for rec in engines.values():
            rec["transaction"].commit()
    except:
        for rec in engines.values():
            rec["transaction"].rollback()
        raise
    finally:
        for rec in engines.values():
            rec["connection"].close()
offline() if context.is_offline_mode() else online()
"""
SHOP = """import os
from types import SimpleNamespace
from flask import Flask
from sqlalchemy import create_engine
def create_app():
    app = Flask(__name__)
    urls = {None: os.environ.get("MAIN_DB", "sqlite:///main.db"), "logs": os.environ.get("LOGS_DB", "sqlite:///logs.db")}
    app.config["SQLALCHEMY_BINDS"] = {name: urls[name] for name in urls if name}
    engines = {name: create_engine(url) for name, url in urls.items()}
    app.extensions["migrate"] = SimpleNamespace(db=SimpleNamespace(engines=engines))
    return app
"""
BINDS = """from alembic import op
revision, down_revision = "1_a", None
def upgrade(engine_name):
    globals()["upgrade_%s" % engine_name]()
def downgrade(engine_name):
    globals()["downgrade_%s" % engine_name]()
def upgrade_():
    op.execute("CREATE TABLE of_main (id INTEGER PRIMARY KEY, name TEXT)")
def upgrade_logs():
    op.execute("CREATE TABLE of_logs (id INTEGER PRIMARY KEY, name TEXT)")
def downgrade_():
    op.execute("DROP TABLE of_main")
def downgrade_logs():
    op.execute("DROP TABLE of_logs")
"""
OF_FILES = '[env.main]\npath = "main.db"\nengine = "default"\n[env.logs]\npath = "logs.db"\nengine = "logs"\n'


def of_alembic(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_chain(folder, {"1_a": SEVERAL})
    (folder / "alembic" / "env.py").write_text(MULTI, encoding="utf-8")
    (folder / "alembic" / "versions" / "1_a.py").write_text(SEVERAL, encoding="utf-8")
    ini = folder / "alembic.ini"
    sections = "".join(f"[{name}]\nsqlalchemy.url = sqlite:///{name}.db\n" for name in ("main", "logs"))
    ini.write_text(f"{ini.read_text()}databases = main, logs\n{sections}", encoding="utf-8")
    monkeypatch.chdir(folder)


def of_flask(folder: Path, monkeypatch: pytest.MonkeyPatch, environments: str, revision: str = BINDS) -> None:
    """Make a project of Flask-Migrate with two databases; the application's own one has no name."""
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions.parent / "alembic.ini").write_text("[alembic]\n", encoding="utf-8")
    (versions.parent / "env.py").write_text(FLASK, encoding="utf-8")
    (versions / "1_a.py").write_text(revision, encoding="utf-8")
    (folder / "shop.py").write_text(SHOP, encoding="utf-8")
    (folder / "environments.toml").write_text(f'[alembic]\napp = "shop:create_app"\n{environments}', encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    monkeypatch.setenv("COLUMNS", "900")


@pytest.mark.parametrize("engine", ["", 'engine = "logs"\n'])
def test_an_env_py_for_several_databases_runs_for_the_one_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    of_alembic(tmp_path, monkeypatch)
    places = f'[env.main]\npath = "main.db"\n[env.logs]\npath = "{"other" if engine else "logs"}.db"\n{engine}'
    (tmp_path / "environments.toml").write_text(f"{CREATED}{places}", encoding="utf-8")
    done = archmig("upgrade", "--all", "--yes")
    assert (done.code, archmig("check", "--all").code) == (0, 0), done.err
    assert ask(tmp_path / "main.db", TABLES) == [("of_main",)]
    assert ask(tmp_path / ("other.db" if engine else "logs.db"), TABLES) == [("of_logs",)]


def test_several_databases_without_an_engine_are_told_what_to_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_alembic(tmp_path, monkeypatch)
    (tmp_path / "environments.toml").write_text('[env.it]\npath = "it.db"\n', encoding="utf-8")
    script(tmp_path / "it.db", "CREATE TABLE a (x)")
    said = 'write in environments.toml: engine = "NAME" below each [env], which is one of main, logs; no database was'
    assert said in archmig("status").err


def test_an_application_with_several_databases_has_each_repaired_and_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_flask(tmp_path, monkeypatch, f"{CREATED}{OF_FILES}")
    script(tmp_path / "main.db", "CREATE TABLE of_main (id INTEGER PRIMARY KEY)", "INSERT INTO of_main VALUES (7)")
    done = archmig("reconcile", "--all", "--yes")
    assert (done.code, archmig("check", "--all").code) == (0, 0), done.err
    assert ask(tmp_path / "main.db", "SELECT * FROM of_main") == [(7, None)]
    assert [ask(tmp_path / name, TABLES) for name in ("main.db", "logs.db")] == [[("of_main",)], [("of_logs",)]]


def test_an_applications_databases_may_all_be_named_by_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = '[alembic.env]\nMAIN_DB = "{url}"\nLOGS_DB = "{url}"\n'
    of_flask(tmp_path, monkeypatch, f"{variables}{CREATED}{OF_FILES.replace('.db', '2.db')}")
    done = archmig("upgrade", "--all", "--yes")
    assert (done.code, archmig("check", "--all").code) == (0, 0), done.err
    assert [ask(tmp_path / name, TABLES) for name in ("main2.db", "logs2.db")] == [[("of_main",)], [("of_logs",)]]
    assert not (tmp_path / "main.db").exists()


def test_the_script_of_one_of_several_databases_is_printed_and_no_file_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_flask(tmp_path, monkeypatch, f"{CREATED}{OF_FILES}")
    (tmp_path / "logs.sql").write_text("of theirs", encoding="utf-8")
    done = archmig("upgrade", "-e", "logs", "--sql")
    assert (done.code, "of_logs" in done.out, "of_main" in done.out) == (0, True, False), done.err
    assert [file.read_text(encoding="utf-8") for file in tmp_path.glob("*.sql")] == ["of theirs"]


NAMED = 'engine = "NAME" below each [env], which is one of default, logs; no database was touched)\n'


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ('engine = "lgs"\n', "does not run the chain on an engine lgs"),
        ("", "does not run the chain on one database, but on several"),
    ],
)
def test_an_engine_that_an_application_does_not_have_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, said: str
) -> None:
    of_flask(tmp_path, monkeypatch, f'[env.main]\npath = "main.db"\n{engine}[env.logs]\npath = "logs.db"\n{engine}')
    database = script(tmp_path / "main.db", "CREATE TABLE of_main (id INTEGER PRIMARY KEY)", *stamp("1_a"))
    before = digest(database)
    done = archmig("reconcile", "-e", "main", "--yes")
    whole = (
        f"archmig: {tmp_path}/migrations/alembic.ini: the chain does not run on an empty database: migrations/env.py: "
        f"{said} ({NAMED}"
    )
    assert (done.code, done.err, digest(database)) == (2, whole, before)
