"""What the tests of the demo share: its files loaded by their path, and questions to a database."""

from __future__ import annotations

import importlib.util
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from support.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

FILLED = ("main", "dev", "prod", "qa", "env3", "test_suite")


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"demo_{name}", PROJECT / "alembic" / "demo" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def database(demo: Path, name: str) -> Path:
    return demo / "data" / ("" if name == "main" else name) / "architect.db"


def ask(path: Path, sql: str) -> list[Any]:
    """Rows of a query; bare values where it gives one column."""
    with closing(opened(path)) as connection:
        return asked(connection, sql)


def opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def asked(connection: sqlite3.Connection, sql: str) -> list[Any]:
    """The same of an open database: to read the schema of a hundred tables takes longer than a query."""
    return [row[0] if len(row) == 1 else row for row in connection.execute(sql)]


def columns(path: Path, table: str) -> dict[str, tuple[str, int]]:
    return {row[0]: row[1:] for row in ask(path, f"SELECT name, type, \"notnull\" FROM pragma_table_info('{table}')")}


def tables(path: Path) -> set[str]:
    return set(
        ask(path, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    )
