"""The catalogue of SQLite features that rebuilds are tried on, and databases from its scripts."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

from support.paths import DATA

if TYPE_CHECKING:
    from collections.abc import Iterator

# Eight random hex digits in a NUMERIC column are at times a number, whose length is another: as TEXT they are not.
RANDOM = "a NUMERIC DEFAULT (lower(hex(randomblob(4))))"
CATALOGUE = json.loads((DATA / "feature_catalogue.json").read_text("utf-8"))
for listed in CATALOGUE:
    listed["setup"] = listed["setup"].replace(RANDOM, RANDOM.replace("NUMERIC", "TEXT"))
# SQLite itself refuses this type; the entry shows that the catalogue's server types were tried.
IMPOSSIBLE = {"declared type ENUM('a','b')", "declared type text ENUM('a','b')"}


def statements(script: str) -> Iterator[str]:
    """The script's statements, as SQLite divides them."""
    statement = ""
    for part in script.split(";"):
        statement += part
        if sqlite3.complete_statement(statement + ";"):
            yield statement
            statement = ""
        else:
            statement += ";"
    if statement.strip():
        yield statement


def database(script: str) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in statements(script):
        connection.execute(statement)
    return connection
