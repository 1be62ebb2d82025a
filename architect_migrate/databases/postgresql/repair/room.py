"""Makes room for what the chain makes where the database has something else of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.details import PostgresIndex
from architect_migrate.databases.postgresql.repair.dependants import Start
from architect_migrate.databases.postgresql.repair.draft import Draft, Phase
from architect_migrate.databases.postgresql.repair.texts import shortened
from architect_migrate.databases.postgresql.statements import significant
from architect_migrate.planning import blockers as blocked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from architect_migrate.databases.postgresql.repair.context import RepairContext
    from architect_migrate.model.schema import ConstraintName, Index, Key

_LATER = frozenset({"deferrable", "initially", "deferred"})


def key_clause(context: RepairContext, one: ConstraintName, draft: Draft) -> str:
    """The clause that adds a key.

    An index of its name becomes the key's own, or goes because it does the same, or gets another name.
    """
    index = index_named(context, one.name)
    if index is None:
        return f"ADD CONSTRAINT {quote(one.name)} {one.sql}"
    columns = _columns(context, one, draft.table)
    is_its_own = index.table == draft.table and index.unique and not index.where
    using = _using(one, index, columns) if is_its_own and not draft.is_partitioned else ""
    if using:
        draft.taken_over.append(index.name)
        return f"ADD CONSTRAINT {quote(one.name)} {using}"
    if is_its_own and sorted(_plain(index)) == sorted(columns):
        draft.run(Phase.DROP_CONSTRAINT, f"DROP INDEX {quote(index.name)}")
        draft.starts.append(Start("relation", index.name))
        draft.replaced.append(index.name)
    elif index.unique:
        why = f"the chain gives a key the name {index.name}, which a unique index on other columns has"
        draft.blockers.append(blocked.stuck(draft.table, next(iter(columns), ""), why))
    else:
        draft.run(Phase.DROP_CONSTRAINT, renamed(index))
    return f"ADD CONSTRAINT {quote(one.name)} {one.sql}"


def index_named(context: RepairContext, name: str) -> Index | None:
    """The index of the database that has a name, if no constraint has made it."""
    return next((index for index in context.schemas[0].indexes if index.name == name), None)


def renamed(index: Index) -> str:
    """The statement that gives an index of the application's own another name."""
    return f"ALTER INDEX {quote(index.name)} RENAME TO {quote(shortened(index.name, index.table))}"


def _columns(context: RepairContext, one: ConstraintName, table: str) -> Key:
    return one.of if one.kind == "unique" else context.expected[table].primary_key


def _plain(index: Index) -> Iterator[str]:
    yield from (term.expression for term in index.terms)


def _using(one: ConstraintName, index: Index, columns: Key) -> str:
    """The words that make an index a key's own; empty if PostgreSQL would not, or the key would be another one."""
    detail = index.detail if isinstance(index.detail, PostgresIndex) else PostgresIndex()
    is_usual = detail.method == "btree" and detail.valid and not any(term.descending for term in index.terms)
    distinct = ["nulls", "not", "distinct"] if detail.nulls_not_distinct else []
    include = ["include", *detail.include] if detail.include else []
    shape = [*one.kind.split(), *distinct, *_plain(index), *include]
    words = [token.name for token in significant(one.sql) if token.kind in {"word", "quoted"}]
    later = words[len(shape) :]
    is_same = words[: len(shape)] == shape and _LATER.issuperset(later) and sorted(_plain(index)) == sorted(columns)
    return (
        " ".join((one.kind.upper(), "USING INDEX", quote(index.name), *map(str.upper, later)))
        if is_usual and is_same
        else ""
    )


def taken(context: RepairContext, kind: str, name: str, gone: frozenset[str]) -> str:
    """What in the database has the name of something that the chain makes, in words; empty for nothing.

    `gone` are the names of what goes before.
    """
    schema = context.schemas[0]
    there = [("table", table.name) for table in schema.tables]
    there += [("view", view.name) for view in schema.views]
    there += [(thing.kind, thing.name) for thing in schema.objects]
    there += [("index", index.name) for index in schema.indexes]
    there += [(one.kind, one.name) for table in schema.tables for one in table.constraint_names]
    others = _TYPES if kind in {"domain", "type"} else _RELATIONS if kind == "sequence" else _TYPES | _RELATIONS
    return next((f"a {each}" for each, its in there if its == name and each in others and name not in gone), "")


# What has a type of its name, and what has the name of a relation.
_TYPES = frozenset({"domain", "materialized view", "table", "type", "view"})
_RELATIONS = frozenset({"index", "materialized view", "primary key", "sequence", "table", "unique", "view"})
