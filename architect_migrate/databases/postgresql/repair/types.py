"""Plans that a type becomes the chain's: a label more, or a new type to which every column goes over by its text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from architect_migrate.core.names import literal, quote
from architect_migrate.databases.postgresql.pinned import pinned, query
from architect_migrate.databases.postgresql.repair.context import literals_in
from architect_migrate.databases.postgresql.statements import significant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.databases.postgresql.repair.context import RepairContext
    from architect_migrate.databases.postgresql.statements import Token
    from architect_migrate.model.history import History
    from architect_migrate.model.schema import Object

_ENUM = "ENUM ("
_LENGTH = re.compile(r"(?P<name>[a-z ]+)(?:\((?P<one>\d+)(?:,(?P<two>\d+))?\))?")
_STRINGS = ("character varying", "text")
# The columns of a type or of its arrays, with the table that they are in, its kind, and the type that they are given.
COLUMNS = """
    SELECT c.relname::text, a.attname::text, c.relkind::text, format_type(a.atttypid, a.atttypmod),
           CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
           c.relnamespace <> t.typnamespace OR c.relkind NOT IN ('r', 'p'), a.attgenerated <> '', a.attinhcount > 0
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    JOIN pg_attribute a ON a.atttypid IN (t.oid, t.typarray) AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_class c ON c.oid = a.attrelid AND c.relkind NOT IN ('v', 'm', 'i', 'I')
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE n.nspname = %(schema)s AND t.typname = %(name)s ORDER BY 1, a.attnum"""


class TypedColumn(NamedTuple):
    """A column of a type: `declared` with its modifiers or brackets, `default` None where it has none."""

    table: str
    column: str
    kind: str
    declared: str
    default: str | None
    is_elsewhere: bool
    is_generated: bool
    is_inherited: bool


def is_same_storage(old: str, new: str) -> bool:
    """Whether PostgreSQL stores values of both types alike, so that it does not write a table anew."""
    before, after = _LENGTH.fullmatch(old), _LENGTH.fullmatch(new)
    if before is None or after is None:
        return False
    if before["name"] in _STRINGS and after["name"] in _STRINGS:
        return _most(after["one"]) >= _most(before["one"])
    if before["name"] == after["name"] == "numeric":
        is_wider = _most(after["one"]) >= _most(before["one"])
        return is_wider and (before["two"] == after["two"] or after["one"] is None)
    return False


def _most(number: str | None) -> float:
    return float("inf") if number is None else float(number)


def labels_of(context: RepairContext, declared: str) -> tuple[str, ...]:
    """The labels that the chain gives an enum; empty for any other type."""
    tokens = significant(declared)
    if len(tokens) != 1:
        return ()
    own = (one for one in context.schemas[1].objects if one.kind == "type" and one.name == tokens[0].name)
    return next((labels(one) for one in own), ())


def labels(thing: Object) -> tuple[str, ...]:
    """The labels of an enum in their order; empty for any other type."""
    if not thing.body.startswith(_ENUM):
        return ()
    found = (token.text for token in significant(thing.body) if token.kind == "string")
    return tuple(text[1:-1].replace("''", "'") for text in found)


def added_labels(expected: Object, actual: Object) -> tuple[str, ...] | None:
    """The statements that add the labels that an enum lacks; None where others have to go or to change places."""
    wanted, there = labels(expected), labels(actual)
    if not there or [label for label in wanted if label in there] != list(there):
        return None
    statements, before = [], ""
    for label in wanted:
        if label not in there:
            place = f"AFTER {literal(before)}" if before else f"BEFORE {literal(there[0])}"
            statements.append(f"ALTER TYPE {quote(expected.name)} ADD VALUE {literal(label)} {place}")
        before = label
    return tuple(statements)


def is_used_at_once(context: RepairContext, history: History, new: frozenset[str]) -> bool:
    """Whether a label may be used before the commit: then PostgreSQL refuses one that was only added.

    The schema may name it, or a statement of a revision, of which some may run after the repair.
    """
    schema = context.schemas[1]
    texts = [*(column.default or "" for table in schema.tables for column in table.columns)]
    texts += [one.expression for table in schema.tables for one in table.checks]
    texts += [f"{one.where} {' '.join(term.expression for term in one.terms)}" for one in schema.indexes]
    texts += [*(one.body for one in schema.views), *(one.body for one in schema.triggers)]
    texts += [one.body for one in schema.objects if one.kind != "type"]
    texts += [each.text for replayed in history.replayed for each in replayed.statements if _writes(each.verb)]
    return any(new & literals_in(text) for text in texts)


def _writes(verb: str) -> bool:
    return verb not in {"create", "alter", "drop", "comment", "grant"}


def columns_of(context: RepairContext, name: str) -> list[TypedColumn]:
    """The columns of a type and of its arrays."""
    with pinned(context.connection) as schema:
        return [TypedColumn(*row) for row in query(context.connection, COLUMNS, {"name": name, "schema": schema})]


def domain_conditions(thing: Object, column: str) -> Iterator[str]:
    """What a domain says of its values, as conditions on a column."""
    tokens = significant(thing.body)
    words = [token.name if token.kind == "word" else token.text for token in tokens]
    for at, word in enumerate(words):
        if words[at : at + 2] == ["not", "null"] and _depth(words, at) == 0:
            yield f"{quote(column)} IS NOT NULL"
        if word == "check" and words[at + 1 : at + 2] == ["("] and _depth(words, at) == 0:
            end = next(to for to in range(at + 2, len(words) + 1) if _depth(words, to) == 0)
            yield _of_column(thing.body, tokens[at + 1 : end], column)


def _depth(words: list[str], at: int) -> int:
    return words[:at].count("(") - words[:at].count(")")


def _of_column(body: str, tokens: list[Token], column: str) -> str:
    """An expression on VALUE as one on a column."""
    text, at = "", tokens[0].start
    for token in tokens:
        if token.kind == "word" and token.name == "value":
            text, at = f"{text}{body[at : token.start]}{quote(column)}", token.end
    return text + body[at : tokens[-1].end]
