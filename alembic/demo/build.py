"""Builds the dashboard's twelve databases, drifted as they were on 2026-02-10, with their environments.toml.

Loaded by its path (`importlib.util.spec_from_file_location`), hence its own way to its neighbours.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tomllib
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


def build(directory: Path) -> None:
    """Write directory/data with the twelve databases, and directory/environments.toml to go with them.

    Raises FileExistsError, before the first write, where directory/data holds anything or another
    environments.toml is there.
    """
    data = directory / "data"
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise FileExistsError(f"{data} is not empty: choose another directory, or remove it for a new demo")
    configuration, target = _environments(PROJECT / "environments.toml"), directory / "environments.toml"
    if target.exists() and target.read_text(encoding="utf-8") != configuration:
        raise FileExistsError(f"{target} is there and differs: choose another directory, or remove it first")
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
    target.write_text(configuration, encoding="utf-8")


def _drift(path: Path, name: str) -> None:
    drifted, rows = _neighbour("drifted"), _neighbour("rows")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # Nobody misses a demo that a power cut spoils, and without the waits it is built in a blink.
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


def _environments(template: Path) -> str:
    """The project's own environments.toml, with its `[alembic] config` as an absolute path."""
    lines = template.read_text(encoding="utf-8").splitlines()
    places = [n for n, line in enumerate(lines) if line.startswith("config = ")]
    if len(places) != 1:
        raise ValueError(f"{template}: one line 'config = ...' expected, found {len(places)}")
    # A TOML basic string is a JSON string as long as nothing outside the ASCII range is escaped; $$ is a dollar.
    ini = str(PROJECT / "alembic.ini").replace("$", "$$")
    lines[places[0]] = f"config = {json.dumps(ini, ensure_ascii=False)}"
    result = "\n".join(lines) + "\n"
    if tomllib.loads(result)["alembic"]["config"] != ini:
        raise ValueError(f"{template}: line {places[0] + 1} is not [alembic] config")
    return result
