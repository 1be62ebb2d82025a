"""A small chain of five revisions, the fifth pending, and databases that are at the fourth but for one thing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from support.scenarios import Home, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PEOPLE = """CREATE TABLE people (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    age INTEGER,
    score REAL DEFAULT 0.5,
    email TEXT UNIQUE,
    state TEXT DEFAULT 'new' CHECK (state IN ('new', 'old')),
    nick TEXT
)"""
ORDERS = """CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    person_id INTEGER REFERENCES people(id) ON DELETE CASCADE,
    code TEXT NOT NULL,
    amount NUMERIC,
    note TEXT
)"""
KINDS = "CREATE TABLE kinds (name TEXT NOT NULL PRIMARY KEY, rank INTEGER)"
STANDARD = {
    "people": PEOPLE,
    "orders": ORDERS,
    "ix_orders_code": "CREATE INDEX ix_orders_code ON orders(code)",
    "v_people": "CREATE VIEW v_people AS SELECT id, name FROM people WHERE state = 'new'",
    "touch": """CREATE TRIGGER touch AFTER UPDATE OF name ON people BEGIN
    UPDATE people SET nick = NULL WHERE id = NEW.id;
END""",
    "kinds": KINDS,
}
DEMANDING = 'SELECT name FROM pragma_table_info(?) WHERE "notnull" AND dflt_value IS NULL AND NOT pk'
KIND_ROWS = [
    f"INSERT INTO kinds (name, rank) SELECT '{name}', {rank} "
    f"WHERE NOT EXISTS (SELECT 1 FROM kinds WHERE name = '{name}')"
    for rank, name in enumerate(("big", "small"), 1)
]
CHAIN = {
    "001_people": revision(None, PEOPLE.replace(",\n    nick TEXT", "")),
    "002_orders": revision("001_people", ORDERS, STANDARD["ix_orders_code"]),
    "003_nicks": revision(
        "002_orders", "ALTER TABLE people ADD COLUMN nick TEXT", STANDARD["v_people"], STANDARD["touch"]
    ),
    "004_kinds": revision("003_nicks", KINDS, data=KIND_ROWS),
    "005_tags": revision("004_kinds", "CREATE TABLE tags (id INTEGER PRIMARY KEY, word TEXT NOT NULL)"),
}
ROWS: dict[str, list[dict[str, object]]] = {
    "people": [
        {"id": 1, "name": "Ada", "age": 36, "score": 0.1 + 0.2, "email": "ada@x", "state": "new", "nick": "a\0b"},
        {"id": 2, "name": "Bob", "age": None, "score": None, "email": None, "state": "old", "nick": None},
        {"id": 40, "name": "Ünï", "age": -1, "score": -1e300, "email": "", "state": None, "nick": b"\x00\xff"},
    ],
    "orders": [
        {"id": 1, "person_id": 1, "code": "c1", "amount": 12.5, "note": None},
        {"id": 7, "person_id": 40, "code": "c2", "amount": 3, "note": "n"},
    ],
    "kinds": [{"name": "big", "rank": 1}, {"name": "small", "rank": 99}],
}


def shop(
    folder: Path, shapes: Mapping[str, str] | None = None, more: tuple[str, ...] = (), at: str = "004_kinds"
) -> Home:
    """The shop's database, stamped `at` (empty: not at all), with other `shapes` of its objects (empty: missing).

    `more` are statements that run before the rows come. A row gets the values for which its table has columns, and
    text for columns that the chain does not know and that want a value.
    """
    home = own_chain(folder, CHAIN)
    given = {**STANDARD, **(shapes or {})}
    late = [one for one in given.values() if one.startswith("CREATE TRIGGER")]
    script(home.database, *(one for one in given.values() if one and one not in late), *more)
    with closing(sqlite3.connect(home.database)) as connection, connection:
        for table, rows in ROWS.items():
            fill(connection, table, rows)
    script(home.database, *late, *(stamp(at) if at else ()))
    return home


def fill(connection: sqlite3.Connection, table: str, rows: list[dict[str, object]]) -> None:
    there = {row[0].lower(): row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}
    demanding = [row[0] for row in connection.execute(DEMANDING, (table,))]
    for number, row in enumerate(rows if there else ()):
        mine = {there[one]: value for one, value in row.items() if one in there}
        mine |= {one: f"text {number}" for one in demanding if one not in mine or mine[one] is None}
        places = ", ".join("?" * len(mine))
        names = ", ".join(f'"{one}"' for one in mine)
        connection.execute(f'INSERT INTO "{table}" ({names}) VALUES ({places})', list(mine.values()))
