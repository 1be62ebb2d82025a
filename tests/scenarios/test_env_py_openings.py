"""Other ways in which env.py opens its database: they end at archmig's connection, or are refused with their line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import archmig
from support.scenarios import ask, digest, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

A = "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT, at TIMESTAMP)"
HEAD = """import asyncio, sqlite3, threading
from concurrent.futures import ThreadPoolExecutor
from alembic import context
from sqlalchemy import create_engine, event, pool
URL = context.config.get_main_option("sqlalchemy.url")
FILE = URL.removeprefix("sqlite:///")
def run(connection):
    context.configure(connection=connection, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
def work():
    with create_engine(URL).connect() as connection:
        run(connection)
"""
OPEN = "with engine.connect() as connection:\n    run(connection)\n"
OPENINGS = {
    "a creator": f"engine = create_engine('sqlite://', creator=lambda: sqlite3.connect(FILE))\n{OPEN}",
    "a creator with a URI, without transactions, that looks at the database": (
        "def creator():\n"
        "    driver = sqlite3.connect(f'file:{FILE}?mode=rwc', uri=True, isolation_level=None)\n"
        "    driver.execute('PRAGMA journal_mode = WAL')\n    driver.create_function('shout', 1, str.upper)\n"
        f"    return driver\nengine = create_engine(URL, creator=creator, poolclass=pool.NullPool)\n{OPEN}"
    ),
    "a pool of its own": (
        f"engine = create_engine('sqlite://', pool=pool.QueuePool(lambda: sqlite3.dbapi2.connect(FILE)))\n{OPEN}"
    ),
    "the driver, before the engine": (
        "with sqlite3.connect(FILE) as own:\n    own.execute('SELECT 1')\nown.close()\n"
        f"engine = create_engine(URL)\n{OPEN}"
    ),
}
THREADS = {
    "a pool of threads": ("with ThreadPoolExecutor() as pool:\n    pool.submit(work).result()\n", ", line 12"),
    "a thread that nobody asks": ("one = threading.Thread(target=work)\none.start()\none.join()\n", ", line 12"),
    "a thread of asyncio": ("asyncio.run(asyncio.to_thread(work))\n", ", line 12"),
    "only its opening": (
        "with ThreadPoolExecutor() as pool:\n    run(pool.submit(create_engine(URL).connect).result())\n",
        "",
    ),
}


def place(folder: Path, monkeypatch: pytest.MonkeyPatch, env: str, *more: str) -> Path:
    late = revision("1_a", "ALTER TABLE a ADD COLUMN more TEXT", *more)
    own_chain(folder, {"1_a": revision(None, A), "2_b": late})
    (folder / "alembic" / "env.py").write_text(HEAD + env, encoding="utf-8")
    (folder / "environments.toml").write_text(
        '[env.it]\npath = "it.db"\n[env.new]\npath = "new.db"\nuninitialised = "create"\n', encoding="utf-8"
    )
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "900")
    return script(folder / "it.db", A, "INSERT INTO a (id, x) VALUES (1, 'kept')", *stamp("1_a"))


@pytest.mark.parametrize("env", OPENINGS.values(), ids=list(OPENINGS))
def test_a_connection_that_env_py_makes_itself_is_archmigs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, env: str
) -> None:
    database = place(tmp_path, monkeypatch, env)
    done = archmig("upgrade", "--all", "--yes")
    assert (done.code, archmig("check", "--all").code) == (0, 0), done.err
    assert ask(database, "SELECT x, more FROM a") == [("kept", None)]
    assert ask(tmp_path / "new.db", "SELECT version_num FROM alembic_version") == [("2_b",)]
    assert ask(database, "PRAGMA journal_mode") == [("delete",)]


def test_a_revision_that_opens_the_database_by_the_driver_is_in_the_one_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = place(tmp_path, monkeypatch, f"engine = create_engine(URL)\n{OPEN}")
    late = tmp_path / "alembic" / "versions" / "2_b.py"
    own = (
        "    import sqlite3\n    url = op.get_context().config.get_main_option('sqlalchemy.url')\n"
        "    with sqlite3.connect(url[10:]) as own:\n        own.execute(\"UPDATE a SET more = x || '!'\")\n"
        "def downgrade"
    )
    late.write_text(late.read_text(encoding="utf-8").replace("def downgrade", own), encoding="utf-8")
    done = archmig("upgrade", "-e", "it", "--yes")
    assert (done.code, ask(database, "SELECT x, more FROM a")) == (0, [("kept", "kept!")]), done.err


@pytest.mark.parametrize("case", THREADS.values(), ids=list(THREADS))
def test_a_thread_of_env_py_is_refused_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str]
) -> None:
    env, line = case
    database = place(tmp_path, monkeypatch, env)
    before = digest(database)
    done = archmig("upgrade", "-e", "it", "--yes")
    whole = (
        f"archmig: {tmp_path}/alembic.ini: the chain does not run on an empty database: alembic/env.py{line}: "
        "opens the database in another thread (open it in the thread that runs env.py; no database was touched)\n"
    )
    assert (done.code, done.err, digest(database)) == (2, whole, before)


@pytest.mark.parametrize(("option", "stored"), [("", ".000000"), ("native_datetime=True", "")])
def test_timestamps_are_stored_as_env_pys_engine_writes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, stored: str
) -> None:
    database = place(tmp_path, monkeypatch, f"engine = create_engine(URL, {option})\n{OPEN}")
    late = tmp_path / "alembic" / "versions" / "2_b.py"
    writes = (
        "    import datetime, sqlalchemy as sa\n    a = sa.table('a', sa.column('at', sa.TIMESTAMP))\n"
        "    op.execute(a.update().values(at=datetime.datetime(2026, 1, 2)))\n"
        "    assert op.get_bind().execute(sa.select(a.c.at)).scalar() in {None, datetime.datetime(2026, 1, 2)}\n"
        "def downgrade"
    )
    late.write_text(late.read_text(encoding="utf-8").replace("def downgrade", writes), encoding="utf-8")
    done = archmig("upgrade", "-e", "it", "--yes")
    assert (done.code, ask(database, "SELECT at FROM a")) == (0, [(f"2026-01-02 00:00:00{stored}",)]), done.err
