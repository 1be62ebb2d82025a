"""A column added to a table of many rows: natively, as archmig plans it, and by a rebuild."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from scene import archmig
from timing import Row, at_most, faster, once, process

from architect_migrate.config.context import context_for
from architect_migrate.config.loader import read_project
from architect_migrate.databases.sqlite.connection import transaction
from architect_migrate.databases.sqlite.repair.rebuild import rebuild_table
from architect_migrate.databases.sqlite.sql.render import statement
from architect_migrate.planning import table_edits
from architect_migrate.planning.plan import AddColumn
from architect_migrate.revisions.replay import cache_folder
from architect_migrate.runs.reconcile import preview

if TYPE_CHECKING:
    from pathlib import Path

_REVISION = '''"""{id}"""

import sqlalchemy as sa

from alembic import op

revision = "{id}"
down_revision = {before!r}


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {down}
'''
_CREATE = 'op.create_table("events", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("kind", sa.Text()))'
# Of a revision of which something is there archmig adds what is missing; of which nothing is, it runs the revision.
_ADD = """op.create_table("moods", sa.Column("id", sa.Integer(), primary_key=True))
    op.add_column("events", sa.Column("mood", sa.Text(), server_default="calm"))"""
_TAKE_BACK = """op.drop_column("events", "mood")
    op.drop_table("moods")"""
_ROWS = """INSERT INTO events (kind) WITH RECURSIVE counted(n) AS
           (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?) SELECT 'kind ' || (n % 97) FROM counted"""


def run(scratch: Path, rows: int) -> list[Row]:
    folder = _project(scratch / "large")
    database = folder / "it.db"
    archmig(folder, "upgrade", "--env", "it", "--yes")
    _lose_the_column(database, rows)
    plain = folder / "plain.db"
    shutil.copyfile(database, plain)
    step = _planned(folder)
    native, rebuilt, inserted = _native(plain, step), _rebuilt(plain), _inserted(plain)
    plain.unlink()
    copied = _copied_and_checked(database)
    whole = once(lambda: process(*_reconcile(folder), cwd=folder))
    size = database.stat().st_size / 1e6
    kept = f"{rows:,} rows, {size:,.0f} MB"
    shutil.rmtree(folder)
    return [
        faster(f"the plan's ALTER TABLE ADD COLUMN, commit included; {kept}", native, "a rebuild", rebuilt, 20),
        at_most(
            "rebuild_table of the same, commit included", rebuilt, "INSERT ... SELECT into a new table", inserted, 3
        ),
        at_most(
            "archmig reconcile as a whole: backup, its proof, the ALTER, the proof of rows",
            whole,
            "SQLite's .backup plus quick_check",
            copied,
            4,
        ),
    ]


def _project(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    versions = folder / "alembic" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/alembic\n", encoding="utf-8")
    env = "from alembic import context\nfrom architect_migrate.alembic_env import run\n\nrun(context)\n"
    (folder / "alembic" / "env.py").write_text(env, encoding="utf-8")
    for name, before, up, down in (
        ("001", None, _CREATE, 'op.drop_table("events")'),
        ("002", "001", _ADD, _TAKE_BACK),
    ):
        text = _REVISION.format(id=name, before=before, up=up, down=down)
        (versions / f"{name}.py").write_text(text, encoding="utf-8")
    lines = ["[alembic]", 'config = "alembic.ini"', "[env.it]", 'path = "it.db"', 'uninitialised = "create"']
    (folder / "environments.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _lose_the_column(database: Path, rows: int) -> None:
    """Drift: the database says that it is at head, and the column is not there."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("ALTER TABLE events DROP COLUMN mood")
        connection.execute("BEGIN")
        connection.execute(_ROWS, (rows,))
        connection.execute("COMMIT")


def _planned(folder: Path) -> AddColumn:
    """The step that archmig's plan has for the column."""
    project = read_project(folder / "environments.toml", os.environ)
    result = preview(context_for(project, project.environments[0], cache_folder(os.environ)))
    assert result.plan is not None, result
    (step,) = [each for each in result.plan.steps if isinstance(each, AddColumn)]
    return step


def _native(path: Path, step: AddColumn) -> float:
    began = time.perf_counter()
    with transaction(path, 5) as connection:
        connection.execute(statement(step))
    return time.perf_counter() - began


def _rebuilt(path: Path) -> float:
    """Another column by a rebuild, of the table that has the first by now."""
    began = time.perf_counter()
    with transaction(path, 5) as connection:
        rebuild_table(connection, "events", [table_edits.AddColumn("temper TEXT DEFAULT 'calm'")])
    return time.perf_counter() - began


def _inserted(path: Path) -> float:
    """The rows of the rebuilt table in another one, which is what SQLite's documentation says to do by hand."""
    began = time.perf_counter()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE copied (id INTEGER NOT NULL PRIMARY KEY, kind TEXT, mood TEXT, temper TEXT)")
        connection.execute("INSERT INTO copied SELECT * FROM events")
        connection.execute("COMMIT")
    return time.perf_counter() - began


def _copied_and_checked(database: Path) -> float:
    """SQLite's own backup of the file, and quick_check of the copy."""
    copy = database.with_name("copy.db")
    began = time.perf_counter()
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        assert target.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    took = time.perf_counter() - began
    copy.unlink()
    return took


def _reconcile(folder: Path) -> tuple[str | Path, ...]:
    from scene import ARCHMIG

    return ARCHMIG, "reconcile", "-c", folder / "environments.toml", "--all", "--yes"
