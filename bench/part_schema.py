"""Reading and judging one schema of a hundred tables, and a hundred such databases that no digest knows."""

from __future__ import annotations

import importlib.util
import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import sqlalchemy as sa
from rivals import compared, inspected
from scene import PROJECT, archmig, at_head, databases
from timing import Row, at_most, beside, medians, within

from architect_migrate.databases.sqlite.connection import reading
from architect_migrate.databases.sqlite.reflect import read_schema

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 100
_ORDINARY = "sqlite_master m, {} WHERE m.type = 'table'"
PRAGMAS = (
    "SELECT type, name, tbl_name, sql FROM sqlite_master",
    "SELECT m.name, x.* FROM sqlite_master m, pragma_table_xinfo(m.name) x WHERE m.type = 'table'",
    """SELECT m.name, l.*, x.* FROM sqlite_master m, pragma_index_list(m.name) l, pragma_index_xinfo(l.name) x
       WHERE m.type = 'table'""",
    "SELECT m.name, f.* FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
)


def run(scratch: Path, runs: int) -> list[Row]:
    path = _test_suite(scratch)
    metadata, engine = sa.MetaData(), sa.create_engine(f"sqlite:///{path}")
    metadata.reflect(engine)
    found = medians(
        max(runs, 9),
        {
            "four joined pragma queries": partial(_pragmas, path),
            "archmig's read_schema": partial(_read, path),
            "SQLAlchemy's Inspector": partial(inspected, engine),
            "Alembic's compare_metadata": partial(compared, engine, metadata),
        },
    )
    engine.dispose()
    base = found["four joined pragma queries"]
    rows = [beside(f"four joined pragma queries, {_size(path)}", base)]
    rows.append(at_most("archmig's read_schema", found["archmig's read_schema"], "the four queries", base, 2))
    rows += [beside(one, found[one], "the four queries", base) for one in list(found)[2:]]
    return rows + _full_checks(scratch, runs)


def _full_checks(scratch: Path, runs: int) -> list[Row]:
    folder = at_head(scratch / "full", COUNT)
    for number, path in enumerate(databases(folder, COUNT)):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"CREATE TABLE of_the_application_{number} (id INTEGER PRIMARY KEY, note TEXT)")
    alone, both = f"archmig check of {COUNT} that no digest knows", "the same with --jobs 2"
    found = medians(
        runs, {alone: partial(archmig, folder, "check"), both: partial(archmig, folder, "check", "--jobs", "2")}
    )
    return [within(alone, found[alone], 2.5), at_most(both, found[both], "one process", found[alone], 1)]


def _test_suite(scratch: Path) -> Path:
    spec = importlib.util.spec_from_file_location("demo_build", PROJECT / "alembic" / "demo" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (scratch / "demo").mkdir()
    module.build(scratch / "demo")
    path: Path = scratch / "demo" / "data" / "test_suite" / "architect.db"
    return path


def _size(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        return f"{connection.execute(sql).fetchone()[0]} tables"


def _pragmas(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for sql in PRAGMAS:
            connection.execute(sql).fetchall()


def _read(path: Path) -> None:
    with reading(path) as connection:
        read_schema(connection)
