"""Asynchronous engines on a connection that is lent to them: they need no asynchronous driver."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_dbapi, SQLiteDialect_aiosqlite
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def without_async_drivers() -> Iterator[None]:
    """Let every asynchronous engine on SQLite work in the block, whether a driver is installed or named in its URL."""
    with (
        replaced(SQLiteDialect_aiosqlite, "import_dbapi", classmethod(_driver)),
        replaced(SQLiteDialect_pysqlite, "get_async_dialect_cls", classmethod(_dialect)),
    ):
        yield


@contextmanager
def replaced(owner: object, name: str, method: object) -> Iterator[None]:
    """Replace an attribute of a class or a module in the block."""
    own = vars(owner).get(name)
    setattr(owner, name, method)
    try:
        yield
    finally:
        if own is None:
            delattr(owner, name)
        else:
            setattr(owner, name, own)


def _driver(_dialect: object) -> Any:
    """Return the module of the driver, made of sqlite3: every connection is archmig's."""
    made: Any = AsyncAdapt_aiosqlite_dbapi
    return made(sqlite3, sqlite3)


def _dialect(_pysqlite: object, _url: object) -> type[SQLiteDialect_aiosqlite]:
    return SQLiteDialect_aiosqlite
