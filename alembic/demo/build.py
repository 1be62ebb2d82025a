"""Build the demo project: the dashboard's twelve databases as of 2026-02-10, with their chain and environments.toml.

`architect_migrate.authoring.demo` loads this file by its path, so it cannot import its neighbours in the usual way.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from contextlib import closing
from importlib import import_module
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
PACKAGE = "architect_demo"

FILLED = ("dev", "prod", "qa", "env3", "test_suite")
ZERO_BYTES = ("test", "env1", "feature1")
# The dashboard's start page keeps this one table by itself, wherever it is opened.
UNRELATED = ("env2", "feature2")
ABSENT = ("feature3",)
WRITTEN = ("environments.toml", "alembic.ini", "alembic", "data")


def build(directory: Path) -> None:
    """Write a project into `directory`: environments.toml, alembic.ini, alembic/ and the databases in data/.

    Raises FileExistsError, before the first write, if `directory` holds anything of one of these names.
    """
    for name in WRITTEN:
        if os.path.lexists(directory / name):
            raise FileExistsError(f"{directory / name} exists: choose another directory, or remove it first")
    for name in ("environments.toml", "alembic.ini"):
        shutil.copyfile(PROJECT / name, directory / name)
    # A copy of the chain: revisions that are tried on the demo must not be written into the installed package.
    left_out = shutil.ignore_patterns(HERE.name, "__pycache__")
    shutil.copytree(PROJECT / "alembic", directory / "alembic", ignore=left_out, copy_function=shutil.copyfile)
    data = directory / "data"
    for name in (*FILLED, *ZERO_BYTES, *UNRELATED, *ABSENT):
        (data / name).mkdir(parents=True)
    shutil.copyfile(HERE / "main-2026-02-10.db", data / "architect.db")
    _drift(data / "architect.db", "main")
    for name in FILLED:
        _drift(data / name / "architect.db", name)
    for name in ZERO_BYTES:
        (data / name / "architect.db").touch()
    for name in UNRELATED:
        _unrelated(data / name / "architect.db")


def _drift(path: Path, name: str) -> None:
    drifted, rows = _neighbour("drifted"), _neighbour("rows")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # Why: a demo that a power cut destroys can be built again, and without syncing it is built much faster.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"PRAGMA journal_mode = {'WAL' if name == 'qa' else 'DELETE'}")
        connection.execute("BEGIN")
        drifted.HISTORIES[name](connection)
        rows.freeze(connection)
        connection.execute("COMMIT")


def _unrelated(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE ui_state (key TEXT PRIMARY KEY, value TEXT)")
        state = [("theme", "dark"), ("sidebar", "open"), ("last_page", "/queue")]
        connection.executemany("INSERT INTO ui_state VALUES (?, ?)", state)


def _neighbour(name: str) -> ModuleType:
    """The file beside this one, as a module of a package that only the demo knows."""
    if PACKAGE not in sys.modules:
        package = ModuleType(PACKAGE)
        package.__path__ = [str(HERE)]
        sys.modules[PACKAGE] = package
    return import_module(f"{PACKAGE}.{name}")
