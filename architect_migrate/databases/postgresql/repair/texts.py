"""Statements that make parts of a schema, from the values that were read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import literal, quote
from architect_migrate.databases.postgresql.details import (
    PostgresColumn,
    PostgresIndex,
    PostgresSequence,
    PostgresTable,
)
from architect_migrate.databases.postgresql.statements import significant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.model.schema import Column, Index, Object, Table

# What the values have as the default: the collation of the column's type.
_OF_TYPE = "binary"
_HIGHEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
# The clauses of a sequence with what holds where a sequence does not say them.
_USUAL = {
    "INCREMENT": "INCREMENT BY 1",
    "MINVALUE": "NO MINVALUE",
    "MAXVALUE": "NO MAXVALUE",
    "CACHE": "CACHE 1",
    "CYCLE": "NO CYCLE",
}


def names(parts: Iterable[str]) -> str:
    """Names as an SQL list."""
    return ", ".join(map(quote, parts))


def typed(column: Column) -> str:
    """A column's type and its collation."""
    return column.declared + (f" COLLATE {column.collation}" if column.collation != _OF_TYPE else "")


def column_text(column: Column) -> str:
    """A column as CREATE TABLE and ADD COLUMN have it."""
    detail = detail_of(column)
    words = [quote(column.name), column.declared]
    if detail.options:
        words.append(f"OPTIONS ({options_text(detail.options)})")
    if column.collation != _OF_TYPE:
        words.append(f"COLLATE {column.collation}")
    if column.generated:
        words.append(f"GENERATED ALWAYS AS ({column.generated.expression})")
        words.append("STORED" if column.generated.stored else "VIRTUAL")
    elif detail.identity:
        words.append(f"GENERATED {identity_clause(detail.identity)}")
    elif column.default is not None:
        words.append(f"DEFAULT {column.default}")
    if column.not_null:
        words.append("NOT NULL")
    return " ".join(words)


def detail_of(column: Column) -> PostgresColumn:
    """What only PostgreSQL says of a column."""
    return column.detail if isinstance(column.detail, PostgresColumn) else PostgresColumn()


def sort_of(table: Table) -> PostgresTable:
    """What only PostgreSQL says of a table."""
    return table.detail if isinstance(table.detail, PostgresTable) else PostgresTable()


def options_text(options: Iterable[str]) -> str:
    """Options of a foreign table or of its column, which the catalog has as `name=value`."""
    pairs = (option.partition("=") for option in options)
    return ", ".join(f"{quote(name)} {literal(value)}" for name, _, value in pairs)


def identity_clause(identity: str) -> str:
    """The words of an identity column after GENERATED, as a statement has them."""
    manner, rest = identity_parts(identity)
    return f"{manner} AS IDENTITY" + (f" ({rest})" if rest else "")


def identity_parts(identity: str) -> tuple[str, str]:
    """When an identity column takes a given value, and the options of its sequence."""
    for manner in ("BY DEFAULT", "ALWAYS"):
        if identity.startswith(manner):
            return manner, identity.removeprefix(manner).strip()
    return "", ""


def create_table(table: Table) -> tuple[str, ...]:
    """The statements that make a table, without foreign keys, indexes and what else belongs to it."""
    sort = sort_of(table)
    parts = [column_text(column) for column in table.columns]
    parts += [f"CONSTRAINT {quote(name)} {sql}" for name, sql in constraints_of(table) if not _is_later(sql)]
    words = [_CREATES.get(sort.persistence, "CREATE TABLE") if not sort.server else "CREATE FOREIGN TABLE"]
    words += [quote(table.name), f"({', '.join(parts)})"]
    if sort.parents and not sort.bound:
        words.append(f"INHERITS ({', '.join(sort.parents)})")
    if sort.partitioning:
        words.append(f"PARTITION BY {sort.partitioning}")
    if sort.server:
        words.append(f"SERVER {quote(sort.server)}")
        words.append(f"OPTIONS ({options_text(sort.options)})" if sort.options else "")
    elif sort.access_method not in {"", "heap"}:
        words.append(f"USING {quote(sort.access_method)}")
    later = [f"ALTER TABLE {quote(table.name)} ADD CONSTRAINT {quote(name)} {sql}" for name, sql in _later(table)]
    return (" ".join(filter(None, words)), *_of_type(table), *later, *secured(table, PostgresTable()))


_CREATES = {"unlogged": "CREATE UNLOGGED TABLE"}


def _of_type(table: Table) -> Iterator[str]:
    if sort_of(table).of_type:
        yield f"ALTER TABLE {quote(table.name)} OF {sort_of(table).of_type}"


def _is_later(sql: str) -> bool:
    """Whether a constraint is added to the table that is there: CREATE TABLE does not take NOT VALID at its word."""
    return sql.endswith(" NOT VALID")


def _later(table: Table) -> Iterator[tuple[str, str]]:
    yield from ((name, sql) for name, sql in constraints_of(table) if _is_later(sql))


def constraints_of(table: Table) -> Iterator[tuple[str, str]]:
    """The names and definitions of a table's constraints, foreign keys left out."""
    for one in sorted(table.constraint_names, key=lambda each: (each.kind != "primary key", each.name)):
        if one.kind != "foreign key":
            yield one.name, one.sql


def secured(table: Table, now: PostgresTable) -> Iterator[str]:
    """What gives a table its row level security and its replica identity."""
    sort, name = sort_of(table), f"ALTER TABLE {quote(table.name)}"
    if sort.row_security != now.row_security:
        for word, clause in (("enabled", "ROW LEVEL SECURITY"), ("forced", "FORCE ROW LEVEL SECURITY")):
            if (word in sort.row_security) != (word in now.row_security):
                yield f"{name} {_switch(word, word in sort.row_security)} {clause.removeprefix('FORCE ')}"
    if sort.replica_identity != now.replica_identity and not sort.replica_identity.startswith("index "):
        yield f"{name} REPLICA IDENTITY {sort.replica_identity.upper() or 'DEFAULT'}"


def _switch(word: str, wanted: bool) -> str:
    if word == "enabled":
        return "ENABLE" if wanted else "DISABLE"
    return "FORCE" if wanted else "NO FORCE"


def options_of(sequence: Object) -> str:
    """The options of a sequence, as far as they are not the usual ones."""
    start = sequence.detail.start if isinstance(sequence.detail, PostgresSequence) else ""
    return f"START WITH {start} {sequence.body}" if start else sequence.body


def altered_sequence(name: str, body: str) -> str:
    """The statement that gives a sequence the options that its text has, and the usual ones otherwise."""
    of_type, found = _options(body)
    rising = not found["INCREMENT"].partition(" ")[2].startswith("-")
    # Why said: a sequence keeps the start that it has where nothing is said of it.
    first = found["MINVALUE" if rising else "MAXVALUE"].split()[-1]
    found.setdefault("START", f"START {first if first not in _USUAL else (1 if rising else -1)}")
    return f"ALTER SEQUENCE {quote(name)} AS {of_type} {' '.join(found.values())}"


def bounds(body: str) -> tuple[int, int]:
    """The lowest and the highest number that a sequence with these options gives."""
    of_type, found = _options(body)
    most = _HIGHEST.get(of_type, _HIGHEST["bigint"])
    rising = not found["INCREMENT"].partition(" ")[2].startswith("-")
    usual = (1, most) if rising else (-most - 1, -1)
    words = (found["MINVALUE"].split()[-1], found["MAXVALUE"].split()[-1])
    lowest, highest = (own if word in _USUAL else int(word) for word, own in zip(words, usual, strict=True))
    return lowest, highest


def _options(body: str) -> tuple[str, dict[str, str]]:
    """The type of a sequence, and its other options by their first words."""
    found = dict(_USUAL)
    tokens = [token for token in significant(body) if token.text.upper() not in {"BY", "WITH"}]
    words = [token.text.upper() for token in tokens]
    of_type = "bigint"
    for at, word in enumerate(words):
        match word:
            case "OWNED":
                break
            case "AS":
                of_type = tokens[at + 1].text
            case "INCREMENT" | "MINVALUE" | "MAXVALUE" | "CACHE" | "START":
                found[word] = f"{word} {_number(words[at + 1 : at + 3])}"
            case "CYCLE":
                found[word] = word
            case _:
                pass
    return of_type, found


def _number(words: list[str]) -> str:
    return "".join(words) if words[0] == "-" else words[0]


def parent_of(index: Index) -> str:
    """The index of the whole partitioned table that an index is a part of; empty for none."""
    detail = index.detail
    return significant(detail.parent)[-1].name if isinstance(detail, PostgresIndex) and detail.parent else ""


def owned_by(sequence: Object) -> str:
    """The column that a sequence belongs to; empty for none."""
    _, marker, column = sequence.body.partition(f"OWNED BY {sequence.table}.")
    return column if marker and sequence.table else ""


def switched(wanted: str, there: str, what: str) -> str:
    """The clause that gives a trigger or a rule the state that its text has; empty if more than that differs."""
    (text, state), (other, _) = _stateless(wanted), _stateless(there)
    return f"{state} {what}".rstrip() if text == other else ""


def _stateless(text: str) -> tuple[str, str]:
    """A text without its state, and the words that bring the state about."""
    state = next((each for each in _STATES if text.endswith(f"; {each}")), "")
    return text.removesuffix(state).rstrip("; "), state or "ENABLE"


_STATES = ("DISABLE", "ENABLE REPLICA", "ENABLE ALWAYS")


def shortened(name: str, suffix: str) -> str:
    """A name for something beside what has a name: both parts, short enough for PostgreSQL."""
    end = f"_{suffix}"[-_LONGEST // 2 :]
    return name.encode()[: _LONGEST - len(end.encode())].decode(errors="ignore") + end


# The longest name that PostgreSQL keeps, in bytes.
_LONGEST = 63
