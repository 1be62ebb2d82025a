"""Rows of the application: each with a key that no other row of the database has, and values that tell rows apart."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from truth.constraints import constraints
from truth.reader import quote, texts
from truth.scene import is_text
from truth.tokens import table_text

if TYPE_CHECKING:
    import random


@dataclass(slots=True)
class Keys:
    """Keys in use: the next row gets the next one."""

    last: int

    def next(self) -> int:
        self.last += 1
        return self.last


def fill(raw: sqlite3.Connection, keys: Keys, chance: random.Random | None = None) -> None:
    """One to three new rows in every table (without `chance` two, and no NULLs)."""
    for table, sql in texts(raw, "table").items():
        insert(raw, table, sql, keys, chance)


def insert(raw: sqlite3.Connection, table: str, sql: str, keys: Keys, chance: random.Random | None = None) -> None:
    try:
        parents = {column: key.parent for key in constraints(table_text(sql)).foreign_keys for column in key.columns}
        described = raw.execute(f"PRAGMA table_info({quote(table)})").fetchall()
    except (ValueError, sqlite3.Error):
        return
    for _ in range(chance.choice([0, 1, 1, 2, 3]) if chance else 2):
        row: dict[str, object] = {}
        number = keys.next()
        for _, name, declared, not_null, default, key in described:
            column = str(name)
            if key or column == "id":
                row[column] = f"k{number}" if is_text(declared) else number
            elif column.lower() in parents:
                row[column] = _parent_key(raw, parents[column.lower()])
            elif chance and chance.random() < 0.2 and (default is not None or not not_null):
                if default is None:
                    row[column] = None
            else:
                row[column] = _value(declared, number, column)
        names = ", ".join(quote(name) for name in row)
        marks = ", ".join("?" * len(row))
        try:
            raw.execute(f"INSERT INTO {quote(table)} ({names}) VALUES ({marks})", tuple(row.values()))
        except sqlite3.Error:  # a row that this table does not take is none of the application's
            continue


def _parent_key(raw: sqlite3.Connection, parent: str) -> object:
    try:
        found = raw.execute(f"SELECT max(id) FROM {quote(parent)}").fetchone()
    except sqlite3.Error:
        return None
    return found[0] if found else None


def _value(declared: str, number: int, column: str) -> object:
    kind = declared.upper()
    if is_text(kind):
        return f"{column} {number}"
    if kind == "BLOB":
        return f"{column}{number}".encode()
    if kind == "BOOLEAN":
        return number % 2
    if kind in {"FLOAT", "NUMERIC(10, 2)", "NUMERIC(12, 2)"}:
        return number + 0.25
    if kind in {"DATETIME", "DATE"}:
        return f"2026-01-02 03:04:05.{number:06}"
    return number * 7 + len(column)
