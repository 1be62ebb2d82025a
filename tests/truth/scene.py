"""What a random step can see of the schema that it is to change, and names and types for new things."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from truth.constraints import Constraints, constraints
from truth.reader import columns_of, quote, texts
from truth.tokens import table_text

if TYPE_CHECKING:
    import random
    import sqlite3

TABLES = ("users", "orders", "notes", "tags", "items", "logs", "keys", "posts", "parts", "teams", "events", "files")
COLUMNS = (
    "name",
    "title",
    "code",
    "note",
    "state",
    "amount",
    "owner",
    "email",
    "rank",
    "place",
    "size",
    "flag",
    "made",
)
# Types of one kind store every value alike.
KINDS = (
    ("sa.String(20)", "sa.String(40)", "sa.Text()", "sa.String(80)"),
    ("sa.Integer()", "sa.BigInteger()", "sa.SmallInteger()"),
    ("sa.Float()",),
    ("sa.Numeric(10, 2)", "sa.Numeric(12, 2)"),
    ("sa.Boolean()",),
    ("sa.DateTime()", "sa.Date()"),
    ("sa.LargeBinary()",),
)
TYPES = tuple(name for kind in KINDS for name in kind)
_SPELT = {
    "sa.String(20)": "VARCHAR(20)",
    "sa.String(40)": "VARCHAR(40)",
    "sa.String(80)": "VARCHAR(80)",
    "sa.Text()": "TEXT",
    "sa.Integer()": "INTEGER",
    "sa.BigInteger()": "BIGINT",
    "sa.SmallInteger()": "SMALLINT",
    "sa.Float()": "FLOAT",
    "sa.Numeric(10, 2)": "NUMERIC(10, 2)",
    "sa.Numeric(12, 2)": "NUMERIC(12, 2)",
    "sa.Boolean()": "BOOLEAN",
    "sa.DateTime()": "DATETIME",
    "sa.Date()": "DATE",
    "sa.LargeBinary()": "BLOB",
}


def spelt(kind: str) -> str:
    """A type of SQLAlchemy's as SQLite gets it."""
    return _SPELT[kind]


def same_kind(declared: str) -> tuple[str, ...]:
    """Types of SQLAlchemy's that store what the declared one stores."""
    for kind in KINDS:
        if declared.upper() in {_SPELT[name] for name in kind}:
            return kind
    return ()


def is_text(declared: str) -> bool:
    return declared.upper() in {_SPELT[name] for name in KINDS[0]}


def is_number(declared: str) -> bool:
    return declared.upper() in {_SPELT[name] for kind in KINDS[1:4] for name in kind}


def default_for(declared: str) -> str:
    """A default that SQLite may give to rows that are there."""
    return "'new'" if is_text(declared) else "0"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    declared: str
    not_null: bool
    default: str | None


@dataclass(slots=True)
class Scene:
    """`tables` are those that may be changed here: no revision of another line has touched them."""

    chance: random.Random
    raw: sqlite3.Connection
    barred: frozenset[str]
    names_taken: set[str]
    mark: str
    counter: int = field(default=0)

    @property
    def tables(self) -> list[str]:
        return [name for name in texts(self.raw, "table") if name.lower() not in self.barred]

    def table(self) -> str:
        """A table that may be changed. Raises IndexError where there is none."""
        return self.chance.choice(self.tables)

    def parents(self) -> list[str]:
        return self.tables

    def columns(self, table: str) -> list[Column]:
        return [
            Column(str(row[1]), str(row[2]), bool(row[3]), row[4])
            for row in self.raw.execute(f"PRAGMA table_info({quote(table)})")
            if row[1] != "id"
        ]

    def column(self, table: str) -> Column:
        return self.chance.choice(self.columns(table))

    def constraints(self, table: str) -> Constraints:
        return constraints(table_text(texts(self.raw, "table")[table]))

    def new_table(self) -> str:
        taken = {*texts(self.raw, "table"), *self.names_taken}
        free = [name for name in TABLES if name not in taken] or [f"extra_{self.mark}"]
        return self.chance.choice(free)

    def new_column(self, table: str) -> str:
        free = [name for name in COLUMNS if name not in columns_of(self.raw, table)]
        return self.chance.choice(free)

    def new_name(self, begin: str, *parts: str) -> str:
        """A name for an index or a constraint, each another."""
        self.counter += 1
        name = "_".join((begin, *parts))
        return name if self.chance.random() < 0.6 and not self._known(name) else f"{name}_{self.mark}{self.counter}"

    def _known(self, name: str) -> bool:
        return any(name in sql for (sql,) in self.raw.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))

    def named(self, begin: str, *parts: str) -> str:
        """A name, or '' for a constraint that gets none."""
        return self.new_name(begin, *parts) if self.chance.random() < 0.55 else ""

    def newest(self, kind: str) -> str:
        """The newest object of a kind on tables that may be changed."""
        query = "SELECT name FROM sqlite_master WHERE type = ? AND sql IS NOT NULL ORDER BY rowid DESC"
        mine = self.tables if kind == "table" else self.others(kind)
        return next(str(name) for (name,) in self.raw.execute(query, (kind,)) if name in mine)

    def others(self, kind: str) -> dict[str, str]:
        """Objects of a kind on tables that may be changed."""
        found: dict[str, str] = {}
        for table in self.tables:
            found.update(texts(self.raw, kind, table))
        return found

    def views(self) -> dict[str, str]:
        return {name: sql for name, sql in texts(self.raw, "view").items() if name not in self.barred}
