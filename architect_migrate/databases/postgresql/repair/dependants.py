"""What depends on a part of a PostgreSQL schema, and is in the way of a change: how to take it down and make it again.

PostgreSQL says itself what depends on what. Everything is read before the first change; the texts are those that the
schema's own search_path gives, as the reader has them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.pinned import pinned, query
from architect_migrate.databases.postgresql.repair.beside import Address, Beside, addresses, beside
from architect_migrate.databases.postgresql.repair.dependant_queries import ALTERED, CLOSURE, DESCRIBED, STARTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.databases.postgresql.pinned import Connection
    from architect_migrate.model.schema import Key


@dataclass(frozen=True, slots=True)
class Dependant:
    """An object that depends on another: the statements that take it down and make it again, and what it keeps beside.

    `key` is that of its fact. `extras` give it the owner, grants and comments that it has. `why` says what forbids to
    take it down; empty if nothing does.
    """

    key: Key
    shown: str
    drop: str = ""
    create: str = ""
    extras: tuple[str, ...] = ()
    depth: int = 0
    why: str = field(default="", compare=False)


class Start(NamedTuple):
    """What is to be changed, or has something beside its definition: `kind` is one of the keys of STARTS.

    `part` is a column, a constraint, a trigger, a rule or a policy of `name`.
    """

    kind: str
    name: str
    part: str = ""


def dependants(connection: Connection, starts: Iterable[Start]) -> tuple[Dependant, ...]:
    """Return what is in the way of changes, in the order in which it can be made again."""
    with pinned(connection) as schema:
        found: dict[tuple[str, int, int], int] = {}
        for start in starts:
            for row in _reached(connection, start, schema):
                found[row[:3]] = max(found.get(row[:3], 0), row[3])
        return tuple(sorted(_described(connection, schema, found), key=lambda one: (one.depth, one.key)))


def beside_of(connection: Connection, start: Start, name: str = "") -> tuple[Beside, ...]:
    """Return what an object has beside its definition, for one that may get another name."""
    with pinned(connection) as schema:
        given = {"schema": schema, "name": start.name, "part": start.part}
        found = addresses(connection, STARTS[start.kind], given)
        named = [each._replace(name=quote(name)) if name else each for each in found]
        return tuple(one for each in named for one in beside(connection, each))


def _reached(connection: Connection, start: Start, schema: str) -> list[tuple[str, int, int, int]]:
    given = {"schema": schema, "name": start.name, "part": start.part}
    text = (ALTERED if start.kind == "altered column" else CLOSURE).replace(":start", STARTS[start.kind])
    return [(str(row[0]), int(row[1]), int(row[2]), int(row[3])) for row in query(connection, text, given)]


def _described(connection: Connection, schema: str, found: dict[tuple[str, int, int], int]) -> Iterator[Dependant]:
    for catalog, text in DESCRIBED.items():
        wanted = [(oid, number) for of, oid, number in found if of == catalog]
        if not wanted:
            continue
        given = {"schema": schema, "oids": [oid for oid, _ in wanted], "numbers": [number for _, number in wanted]}
        for row in query(connection, text, given).fetchall():
            its = _Row(*row)
            yield _dependant(connection, its, found[(catalog, its.oid, its.number)])
    for (catalog, oid, number), depth in found.items():
        if catalog not in DESCRIBED:
            shown = query(connection, _SHOWN, {"catalog": catalog, "oid": oid, "number": number}).fetchall()[0][0]
            yield Dependant((catalog, shown), shown, depth=depth, why=f"{shown} depends on it")


_SHOWN = "SELECT pg_describe_object(%(catalog)s::regclass, %(oid)s, %(number)s)"


class _Row(NamedTuple):
    """A dependant as its query has it; `name` is quoted, `table` too."""

    oid: int
    number: int
    kind: str
    key: str
    name: str
    table: str
    definition: str
    details: list[str]
    owner: str
    why: str


def _dependant(connection: Connection, row: _Row, depth: int) -> Dependant:
    drop, create = _statements(row)
    on = f" ON {row.table}" if row.kind in {"TRIGGER", "RULE", "POLICY"} else ""
    its = Address(row.oid, row.number, row.kind, row.name, row.table, row.owner)
    extras = tuple(each.statement for each in beside(connection, its)) if row.kind in _NAMED else ()
    word = _NAMED.get(row.kind, row.kind).lower()
    shown = f"{word} {row.key}" if not row.table or not on else f"{word} {row.key.rpartition('.')[2]} on {row.table}"
    key = (word, row.key) if row.kind not in _OF_TABLE else (word, *row.details[:2])
    return Dependant(key, shown, drop, create, extras, depth, row.why)


# The kinds that can have comments, grants or an owner, with the words for them.
_NAMED = {
    "VIEW": "view",
    "MATERIALIZED VIEW": "materialized view",
    "INDEX": "index",
    "TRIGGER": "trigger",
    "RULE": "rule",
    "POLICY": "policy",
    "FUNCTION": "function",
    "PROCEDURE": "procedure",
    "CONSTRAINT": "constraint",
    "STATISTICS": "statistics",
    "COLUMN": "column",
    "TYPE": "type",
}
_OF_TABLE = frozenset({"CONSTRAINT", "COLUMN", "DEFAULT"})


def _statements(row: _Row) -> tuple[str, str]:
    """What takes an object down, and what makes it again."""
    match row.kind:
        case "VIEW":
            options = f"WITH ({', '.join(row.details)}) " if row.details else ""
            return f"DROP VIEW {row.name}", f"CREATE VIEW {row.name} {options}AS {row.definition}"
        case "MATERIALIZED VIEW":
            made = f"CREATE MATERIALIZED VIEW {row.name} {row.definition}"
            return f"DROP MATERIALIZED VIEW {row.name}", made
        case "INDEX" | "STATISTICS":
            return f"DROP {row.kind} {row.name}", row.definition
        case "TRIGGER" | "RULE" | "POLICY":
            state = (f"ALTER TABLE {row.table} {state} {row.kind} {row.name}" for state in row.details)
            return f"DROP {row.kind} {row.name} ON {row.table}", "; ".join((row.definition, *state))
        case "FUNCTION" | "PROCEDURE":
            return f"DROP {row.kind} {row.name}", row.definition
        case "CONSTRAINT":
            add = f"ALTER TABLE {row.table} ADD CONSTRAINT {row.name} {row.definition}"
            return f"ALTER TABLE {row.table} DROP CONSTRAINT {row.name}", add
        case "DEFAULT":
            alter = f"ALTER TABLE {row.table} ALTER {row.name}"
            return f"{alter} DROP DEFAULT", f"{alter} SET DEFAULT {row.definition}"
        case _:
            add = f"ALTER TABLE {row.table} ADD COLUMN {row.name} {row.definition}"
            return f"ALTER TABLE {row.table} DROP COLUMN {row.name}", add
