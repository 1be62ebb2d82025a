"""What is in a SQLite file, read by sqlite3 alone: nothing here is archmig's, whose words it is to judge."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_STAMP = "alembic_version"
# Quotes around names, and the order that an index has anyway: archmig keeps it where a batch operation forgets it.
_MEANINGLESS = re.compile(r'"|\bASC\b')
_WORDS = re.compile(r"\w+|[^\w\s,]")


@dataclass(frozen=True, slots=True)
class Facts:
    """Texts of a schema by kind and name, and what SQLite makes of its tables; the rows, column by column, by table."""

    texts: dict[tuple[str, str], str]
    tables: dict[str, dict[str, frozenset[Any]]]
    columns: dict[str, tuple[str, ...]]
    rows: dict[str, list[tuple[Any, ...]]]

    def shape(self) -> dict[str, Any]:
        """Everything of the schema in which the order of columns and of constraints does not count."""
        return {"tables": self.tables, "others": {key: text for key, text in self.texts.items() if key[0] != "table"}}


def read(path: Path) -> Facts:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        master = [tuple(map(_word, row)) for row in connection.execute("SELECT type, name, sql FROM sqlite_master")]
        texts = {(kind, name): " ".join(text.split()) for kind, name, text in master if text}
        names = sorted(name for kind, name, _ in master if kind == "table" and not name.startswith("sqlite_"))
        return Facts(
            texts,
            {name: _table(connection, name, texts["table", name]) for name in names},
            {name: tuple(_word(row[1]) for row in _pragma(connection, "table_info", name)) for name in names},
            {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names},
        )


def _word(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value or "")


def _pragma(connection: sqlite3.Connection, pragma: str, name: str) -> list[tuple[Any, ...]]:
    return connection.execute(f'PRAGMA {pragma}("{name}")').fetchall()


def _table(connection: sqlite3.Connection, name: str, text: str) -> dict[str, frozenset[Any]]:
    indexes = []
    for _, index, unique, origin, partial in _pragma(connection, "index_list", name):
        keys = tuple((row[2], row[3], row[4]) for row in _pragma(connection, "index_xinfo", _word(index)) if row[5])
        # The indexes of constraints are numbered in the order of the constraints, which does not count.
        indexes.append((_word(index) if origin == b"c" else "", unique, origin, partial, keys))
    keys = Counter((row[0], tuple(row[2:])) for row in _pragma(connection, "foreign_key_list", name))
    return {
        "columns": frozenset(tuple(row[1:]) for row in _pragma(connection, "table_xinfo", name)),
        "indexes": frozenset(Counter(indexes).items()),
        "foreign keys": frozenset(Counter(key for _, key in keys).items()),
        "names": frozenset(re.findall(r'CONSTRAINT\s+"?(\w+)', text)),
        "checks": frozenset(Counter(re.findall(r"CHECK\s*\(", text)).items()),
    }


def random_columns(one: Facts, other: Facts) -> frozenset[tuple[str, int]]:
    """Columns in which two runs of plain Alembic differ: times, tokens and the like."""
    return frozenset(
        (table, at)
        for table, rows in one.rows.items()
        for at in range(len(one.columns[table]))
        if Counter(row[at] for row in rows) != Counter(row[at] for row in other.rows[table])
    )


def rows_of(facts: Facts, table: str, apart: frozenset[tuple[str, int]]) -> Counter[Any]:
    """The rows of a table by the names of their columns, those `apart` left out."""
    named = [(name, at) for at, name in enumerate(facts.columns[table]) if (table, at) not in apart]
    order = [at for _, at in sorted(named)]
    return Counter(tuple((type(row[at]).__name__, row[at]) for at in order) for row in facts.rows[table])


def differences(plain: Facts, other: Facts, apart: frozenset[tuple[str, int]], *, texts: bool = True) -> list[str]:
    """In words how another database differs from plain Alembic's; with `texts` in the wording of the schema too."""
    found = [f"table {name}" for name in sorted(plain.tables.keys() ^ other.tables.keys())]
    for name in sorted(plain.tables.keys() & other.tables.keys()):
        found += [f"{part} of {name}" for part, was in plain.tables[name].items() if was != other.tables[name][part]]
        if plain.columns[name] == other.columns[name] or sorted(plain.columns[name]) == sorted(other.columns[name]):
            same = rows_of(plain, name, apart) == rows_of(other, name, _moved(plain, other, name, apart))
            found += [] if same else [f"rows of {name}"]
    compared = [key for key in plain.texts.keys() | other.texts.keys() if texts or key[0] != "table"]
    return found + [f"text of {kind} {name}" for kind, name in sorted(compared) if _differs(plain, other, kind, name)]


def _moved(plain: Facts, other: Facts, table: str, apart: frozenset[tuple[str, int]]) -> frozenset[tuple[str, int]]:
    """The columns `apart` of a table of the other database, where they may stand in another place."""
    names = [plain.columns[table][at] for name, at in apart if name == table]
    return frozenset((table, other.columns[table].index(name)) for name in names)


def _differs(plain: Facts, other: Facts, kind: str, name: str) -> bool:
    """Whether two texts have other words. Why sorted: Alembic's batch operations keep constraints in a set."""
    one, two = (_MEANINGLESS.sub("", facts.texts.get((kind, name), "")) for facts in (plain, other))
    return sorted(_WORDS.findall(one)) != sorted(_WORDS.findall(two))


def lacking(plain: Facts, other: Facts, apart: frozenset[tuple[str, int]]) -> list[str]:
    """What plain Alembic's database has and the other has not: it may have more, and other names of indexes."""
    found = [
        f"table {name}" for name in sorted(plain.tables.keys() - other.tables.keys()) if not name.startswith(_STAMP)
    ]
    for name in sorted(plain.tables.keys() & other.tables.keys()):
        for part in ("columns", "indexes", "foreign keys"):
            missing = _loosely(plain.tables[name][part], part) - _loosely(other.tables[name][part], part)
            found += [f"{part} of {name}: {sorted(map(str, missing))[:3]}"] if missing else []
        if plain.rows[name] and not other.rows[name]:
            found.append(f"rows of {name}")
    return found


def _loosely(facts: frozenset[Any], part: str) -> frozenset[Any]:
    """Columns by name, NOT NULL and place in the primary key; indexes without their names."""
    if part == "columns":
        return frozenset((name, bool(required), key) for name, _, required, _, key, _ in facts)
    return frozenset((unique, keys) for (_, unique, _, _, keys), _ in facts) if part == "indexes" else facts


def droppable(facts: Facts) -> str:
    """A statement that drops an index of the database, or a column that no index and no key needs; empty if none."""
    for kind, name in sorted(facts.texts):
        if kind == "index":
            return f'DROP INDEX "{name}"'
    for name in sorted(name for name in facts.tables if not name.startswith(_STAMP)):
        used = facts.texts["table", name]
        for column in facts.columns[name]:
            if len(re.findall(rf"\b{re.escape(column)}\b", used)) == 1 and len(facts.columns[name]) > 1:
                return f'ALTER TABLE "{name}" DROP COLUMN "{column}"'
    return ""
