"""Types common to every kind of database."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import sqlite3

# An open connection. Only the package of a kind of database calls its methods; other packages pass it on.
Connection: TypeAlias = "sqlite3.Connection"
