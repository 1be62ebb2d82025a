"""Reads a PostgreSQL schema from the catalogs, in two round trips; never writes."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from architect_migrate.databases.postgresql.details import PostgresColumn, PostgresIndex, PostgresTable
from architect_migrate.databases.postgresql.objects import identity_of, objects, triggers, views
from architect_migrate.databases.postgresql.pinned import pinned, pipeline, query
from architect_migrate.databases.postgresql.queries import RELATIONS, queries
from architect_migrate.model.schema import (
    Check,
    Column,
    Conflict,
    ConstraintName,
    ForeignKey,
    Generated,
    Index,
    IndexedColumn,
    Key,
    Schema,
    Table,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from architect_migrate.databases.postgresql.pinned import Connection, Row

Rows = dict[str, list[Any]]

_ACTIONS = {"a": "no action", "r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}
_KINDS = {"p": "primary key", "u": "unique", "c": "check", "f": "foreign key", "n": "not null"}
_PERSISTENCE = {"p": "permanent", "u": "unlogged"}
_IDENTITY = {"n": "nothing", "f": "full"}
# The bits of an index's term: descending, and NULLs first, which is the default of a descending one.
_DESCENDING, _NULLS_FIRST = 1, 2
# What the values have as the default: the collation of the column's type.
_OF_TYPE = "binary"


def read_schema(connection: Connection, without: Iterable[str] = ()) -> Schema:
    """Read the first schema of search_path, without the tables in `without` and their objects.

    The connection is in a transaction. Only REPEATABLE READ shows all of its reads the same moment.
    """
    return schema_of(read_rows(connection, without))


def read_rows(connection: Connection, without: Iterable[str] = ()) -> Rows:
    """Read the rows of each query, by the kind of object."""
    with pinned(connection) as name:
        hidden = {"schema": name, "without": list(without)}
        schema, relations = query(connection, RELATIONS, hidden).fetchall()[0]
        own = {"schema": schema, "relations": relations}
        with pipeline(connection):
            asked = queries(connection.info.server_version // 10_000)
            cursors = {kind: query(connection, text, own) for kind, text in asked.items()}
            return {kind: cursor.fetchall() for kind, cursor in cursors.items()}


def schema_of(rows: Rows) -> Schema:
    """Return the schema that the rows describe."""
    columns, constraints = _by_first(sorted(rows["column"], key=lambda row: row[:2])), _by_first(rows["constraint"])
    terms = _by_first(sorted(rows["term"], key=lambda row: row[:2]))
    texts, stated = dict(rows["index text"]), {(table, name): sql for table, name, sql in rows["constraint text"]}
    return Schema(
        _sorted(_table(row, columns[row[0]], constraints[row[0]], stated) for row in rows["table"]),
        _sorted(_index(row, terms[row[0]], texts[row[0]]) for row in rows["index"]),
        _sorted(triggers(rows["trigger"])),
        _sorted(views(rows["view"])),
        tuple(sorted(objects(rows), key=lambda one: (one.kind, one.name, one.table))),
    )


def _by_first(rows: Iterable[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[0]].append(row)
    return grouped


def _sorted(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(values, key=lambda one: one.name))


class _Constraint(NamedTuple):
    """A row about a constraint, as the query has it."""

    table: str
    name: str
    kind: str
    columns: list[str]
    parent: str | None
    parent_columns: list[str]
    on_update: str
    on_delete: str
    match: str
    delete_columns: list[str]
    deferrable: bool
    deferred: bool
    validated: bool
    no_inherit: bool
    enforced: bool
    nulls_not_distinct: bool
    period: bool
    index_valid: bool
    include: list[str]
    expression: str | None
    disabled: bool
    definition: str | None


def _table(row: Row, columns: list[Row], constraints: list[Row], stated: Mapping[tuple[str, str], str]) -> Table:
    name = row[0]
    its = [_Constraint(*one) for one in constraints]
    return Table(
        name=name,
        columns=tuple(_column(_Column(*one)) for one in columns),
        primary_key=next((tuple(one.columns) for one in its if one.kind == "p"), ()),
        uniques=frozenset(tuple(sorted(one.columns)) for one in its if one.kind == "u"),
        foreign_keys=frozenset(_foreign_key(one) for one in its if one.kind == "f"),
        checks=frozenset(Check(one.expression or "", frozenset(one.columns)) for one in its if one.kind == "c"),
        constraint_names=frozenset(
            ConstraintName(one.name, _KINDS[one.kind], _named(one), stated[name, one.name])
            for one in its
            if one.kind in "pucf"
        ),
        conflicts=frozenset(_conflicts(its)),
        spelling=name,
        detail=_table_detail(row),
    )


def _table_detail(row: Row) -> PostgresTable:
    _, _, persistence, secured, forced, identity, index, of_type, key, bound, parents, method, server, options = row
    return PostgresTable(
        partitioning=key or "",
        bound=bound or "",
        parents=tuple(parents),
        persistence=_PERSISTENCE[persistence],
        row_security=" and ".join(word for word, is_on in (("enabled", secured), ("forced", forced)) if is_on),
        replica_identity=f"index {index}" if identity == "i" else _IDENTITY.get(identity, ""),
        of_type=of_type or "",
        access_method=method or "",
        server=server or "",
        options=tuple(options or ()),
    )


class _Column(NamedTuple):
    """A row about a column, as the query has it."""

    table: str
    place: int
    name: str
    declared: str
    not_null: bool
    expression: str | None
    identity: str
    generated: str
    collation: str | None
    options: list[str] | None
    sequence: list[str] | None


def _column(one: _Column) -> Column:
    detail = _NOTHING_MORE
    if one.identity or one.options:
        identity = identity_of(one.table, one.name, one.identity, one.sequence)
        detail = PostgresColumn(identity, tuple(one.options or ()))
    return Column(
        one.name,
        one.declared,
        one.declared,
        one.not_null,
        None if one.generated else one.expression,
        one.collation or _OF_TYPE,
        Generated(one.expression or "", one.generated == "s") if one.generated else None,
        one.name,
        detail,
    )


_NOTHING_MORE = PostgresColumn()


def _foreign_key(one: _Constraint) -> ForeignKey:
    return ForeignKey(
        tuple(one.columns),
        one.parent or "",
        tuple(one.parent_columns),
        _ACTIONS[one.on_update],
        _ACTIONS[one.on_delete],
        one.deferred,
    )


def _named(one: _Constraint) -> Key:
    """What identifies a constraint in its table, as `ConstraintName` has it."""
    match one.kind:
        case "p":
            return ()
        case "u":
            return tuple(sorted(one.columns))
        case "c":
            return (one.expression or "",)
        case _:
            late = "deferred" if one.deferred else ""
            return (",".join(one.columns), one.parent or "", _ACTIONS[one.on_delete], _ACTIONS[one.on_update], late)


def _conflicts(constraints: list[_Constraint]) -> Iterator[Conflict]:
    """The clauses of each constraint that it has beyond its columns."""
    for one in constraints:
        clauses = " ".join(_clauses(one)) if one.kind != "x" else ""
        if clauses:
            of = tuple(one.columns) if one.kind == "n" else _named(one)[: 2 if one.kind == "f" else None]
            yield Conflict(_KINDS[one.kind], of, clauses)


def _clauses(one: _Constraint) -> Iterator[str]:
    if one.match == "f":
        yield "match full"
    if one.delete_columns:
        yield f"on delete {_ACTIONS[one.on_delete]} ({', '.join(one.delete_columns)})"
    if one.include:
        yield f"include ({', '.join(one.include)})"
    if one.nulls_not_distinct:
        yield "nulls not distinct"
    if one.period:
        yield "period" if one.kind == "f" else "without overlaps"
    if one.no_inherit:
        yield "no inherit"
    # A foreign key that is deferred is another foreign key.
    if one.deferrable and not (one.deferred and one.kind == "f"):
        yield "deferrable initially deferred" if one.deferred else "deferrable"
    if not one.validated:
        yield "not valid" if one.enforced else "not enforced"
    if one.disabled:
        yield "with disabled triggers"
    if not one.index_valid:
        yield "with an invalid index"


def _index(row: Row, terms: list[Row], sql: str) -> Index:
    name, table, method, unique, nulls_not_distinct, valid, where, include, parent = row
    detail = PostgresIndex(method, tuple(include), nulls_not_distinct, valid, parent or "")
    return Index(name, table, tuple(_term(_Term(*one)) for one in terms), unique, where or "", name, sql, detail)


class _Term(NamedTuple):
    """A row about a term of an index, as the query has it."""

    of_index: str
    place: int
    column: str | None
    expression: str | None
    opclass: str | None
    parameters: list[str] | None
    collation: str | None
    option: int


def _term(one: _Term) -> IndexedColumn:
    descending, first = bool(one.option & _DESCENDING), bool(one.option & _NULLS_FIRST)
    words = [one.column or one.expression or ""]
    if one.collation:
        words.append(f"COLLATE {one.collation}")
    if one.opclass or one.parameters:
        words.append((one.opclass or "") + (f"({', '.join(one.parameters)})" if one.parameters else ""))
    if first != descending:
        words.append("NULLS FIRST" if first else "NULLS LAST")
    return IndexedColumn(" ".join(words), descending=descending)
