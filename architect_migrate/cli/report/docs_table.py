"""The page of one table: columns, keys, what refers to what, indexes, triggers, and which revisions made it so."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from architect_migrate.authoring.provenance import Action
from architect_migrate.cli.report.markdown import code, fenced, grid, prose
from architect_migrate.cli.report.mermaid import references
from architect_migrate.core.text import pluralize
from architect_migrate.model.diff import Extra, explain, severity
from architect_migrate.model.facts import (
    CheckFact,
    ColumnFact,
    ConflictFact,
    ForeignKeyFact,
    IndexFact,
    NameFact,
    ObjectFact,
    PrimaryKeyFact,
    TableFact,
    TriggerFact,
    UniqueFact,
    ViewFact,
    describe,
    key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from architect_migrate.authoring.provenance import Event
    from architect_migrate.authoring.schema_docs import Documented
    from architect_migrate.model.facts import Fact
    from architect_migrate.model.schema import Column, ForeignKey, Index, Key, Table, Trigger, View

UNKNOWN = "not in the chain"


def origin(shown: Documented, fact: Fact) -> str:
    """Which revision brought a thing and which changed it, or that none did."""
    found = shown.provenance.origins.get(key(fact))
    if found is None:
        return UNKNOWN
    changed = f", changed by {', '.join(map(code, found.changed))}" if found.changed else ""
    return code(found.brought) + changed


def table_page(shown: Documented, table: Table, group: str, links: Mapping[str, str], children: Iterable[Table]) -> str:
    """A table's page; `group` and `links` (by table) lead from it to its group's page and the other tables'.

    `children` are the tables that refer to it.
    """
    parts = [
        [f"# {code(spelt(table))}"],
        _facts(shown, table, group),
        _section("Columns", _columns(shown, table, links)),
        _section("Keys and checks", _keys(shown, table)),
        _section("Refers to", _out(shown, table, links)),
        _section("Referred to by", _back(table, links, children)),
        _section("Indexes", _indexes(shown, table)),
        _section("Triggers", triggers(shown, table.name)),
        _section("Differences from the chain", differences(shown, table.name)),
        _section("Revisions", history(shown, table.name)),
        _section("SQL", [fenced("sql", statement(table.sql))] if table.sql else []),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def spelt(one: Table | Column | Index | Trigger | View) -> str:
    """A name as it was written when the object was created."""
    return one.spelling or one.name


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return [f"## {title}", "", *found] if found else []


def _facts(shown: Documented, table: Table, group: str) -> list[str]:
    """What kind of table it is, in a line."""
    brought = origin(shown, TableFact(table.name))
    told = [f"group {group}", brought if brought == UNKNOWN else f"brought by {brought}"]
    told += [pluralize(shown.rows[name], "row") for name in (table.name,) if name in shown.rows]
    told += ["WITHOUT ROWID"] * table.without_rowid + ["STRICT"] * table.strict
    told += [f"virtual table {code(table.module)}"] * bool(table.module)
    told += [f"checks unknown: {prose(table.opaque)}"] * bool(table.opaque)
    return [" · ".join(told)]


def _columns(shown: Documented, table: Table, links: Mapping[str, str]) -> Iterator[str]:
    rows = [
        (
            code(spelt(column)),
            _type(column),
            "no" if column.not_null else "yes",
            _default(column),
            _key(table, column, links),
            origin(shown, ColumnFact(table.name, column)),
        )
        for column in table.columns
    ]
    if rows:
        yield from grid(("column", "type", "null", "default", "key", "revision"), rows)


def _type(column: Column) -> str:
    collation = f" collate {code(column.collation)}" if column.collation != "binary" else ""
    return (code(column.declared) if column.declared else "") + collation


def _default(column: Column) -> str:
    if column.generated:
        return f"generated {code(column.generated.expression)}, {'stored' if column.generated.stored else 'virtual'}"
    return code(column.default) if column.default is not None else ""


def _key(table: Table, column: Column, links: Mapping[str, str]) -> str:
    told = ["primary"] * (column.name in table.primary_key)
    told += ["unique"] * ((column.name,) in table.uniques)
    told += [
        f"to {links.get(reference.parent, code(reference.parent))}"
        for reference in references(table)
        if column.name in reference.columns
    ]
    return ", ".join(dict.fromkeys(told))


def _list(columns: Key) -> str:
    return ", ".join(map(code, columns))


def _keys(shown: Documented, table: Table) -> Iterator[str]:
    if table.primary_key:
        kind = " (the rowid" + (", AUTOINCREMENT)" if table.autoincrement else ")") if table.rowid_key else ""
        of = origin(shown, PrimaryKeyFact(table.name, table.primary_key))
        yield f"- primary key {_list(table.primary_key)}{kind}: {of}"
    for unique in sorted(table.uniques):
        yield f"- unique {_list(unique)}: {origin(shown, UniqueFact(table.name, unique))}"
    for check in sorted(table.checks, key=lambda each: each.expression):
        yield f"- check {code(check.expression)}: {origin(shown, CheckFact(table.name, check))}"


def _rule(each: ForeignKey) -> str:
    """What happens on the parent's update and delete, where that is not what always happens."""
    told = [
        f"on {what} {action}"
        for what, action in (("update", each.on_update), ("delete", each.on_delete))
        if action != "no action"
    ]
    return "".join(f", {word}" for word in told + ["deferred"] * each.deferred)


def _out(shown: Documented, table: Table, links: Mapping[str, str]) -> Iterator[str]:
    for reference in references(table):
        target = f" ({_list(reference.parent_columns)})" if reference.parent_columns else ""
        lost = "" if reference.parent in links else ", which is not there"
        of = origin(shown, ForeignKeyFact(table.name, reference))
        parent = links.get(reference.parent, code(reference.parent))
        yield f"- {_list(reference.columns)} to {parent}{target}{_rule(reference)}{lost}: {of}"


def _back(table: Table, links: Mapping[str, str], children: Iterable[Table]) -> Iterator[str]:
    for child in children:
        for reference in references(child):
            if reference.parent == table.name:
                to = f" to {_list(reference.parent_columns)}" if reference.parent_columns else ""
                yield f"- {links.get(child.name, code(child.name))} ({_list(reference.columns)}){to}{_rule(reference)}"


def _indexes(shown: Documented, table: Table) -> Iterator[str]:
    mine = [index for index in shown.schema.indexes if index.table == table.name]
    rows = []
    for each in mine:
        terms = ", ".join(code(term.expression) + " descending" * term.descending for term in each.terms)
        where = f" where {code(each.where)}" if each.where else ""
        rows.append((code(spelt(each)), terms + where, "yes" if each.unique else "no", origin(shown, IndexFact(each))))
    if rows:
        yield from grid(("index", "columns", "unique", "revision"), rows)
        yield ""
        yield fenced("sql", "\n".join(statement(index.sql) for index in mine))


def triggers(shown: Documented, name: str) -> Iterator[str]:
    """The triggers of a table or view, each with its text."""
    mine: list[Trigger] = [trigger for trigger in shown.schema.triggers if trigger.table == name]
    yield from (f"- {code(spelt(word))}: {origin(shown, TriggerFact(word))}" for word in mine)
    for each in mine:
        yield ""
        yield fenced("sql", statement(each.sql))


def differences(shown: Documented, name: str) -> Iterator[str]:
    """How a table or view of an environment differs from the chain's, worst first, and what an entry allows."""
    changes, kept = shown.changes.get(name, ()), dict(shown.kept)
    # Of a table that is unknown as a whole, its parts need no mention.
    whole = tuple(change for change in changes if isinstance(change, Extra) and isinstance(change.fact, TableFact))
    for word in whole or changes:
        why = f" (kept by `{kept[word].origin.words}`)" if word in kept else ""
        yield f"- {severity(word).value}: {prose(explain(word))}{why}"


def history(shown: Documented, name: str) -> Iterator[str]:
    """What each revision did to a table or view."""
    for event in shown.provenance.events.get(name, ()):
        yield f"- {code(event.revision)} {'; '.join(_deeds(event))}"


def _deeds(event: Event) -> Iterator[str]:
    """What a revision did, one line per effect; the parts of a table that it creates are left out."""
    whole = any(deed is Action.BROUGHT and isinstance(fact, TableFact) for deed, fact in event.deeds)
    for wanted in Action:
        facts = [fact for deed, fact in event.deeds if deed is wanted]
        if wanted is Action.BROUGHT and whole:
            yield f"{wanted.value} the table"
        elif facts:
            yield f"{wanted.value} {', '.join(map(_part, facts))}"


def _part(fact: Fact) -> str:
    """A fact's object as it is called on the page of its table."""
    match fact:
        case TableFact():
            return "the table"
        case ColumnFact():
            return f"column {code(spelt(fact.column))}"
        case PrimaryKeyFact():
            return "the primary key"
        case UniqueFact():
            return f"unique {_list(fact.columns)}"
        case CheckFact():
            return f"check {code(fact.check.expression)}"
        case ForeignKeyFact():
            return f"foreign key {_list(fact.foreign_key.columns)} to {code(fact.foreign_key.parent)}"
        case NameFact():
            return f"name {', '.join(map(code, fact.names))}"
        case ConflictFact():
            return code(describe(fact))
        case IndexFact():
            return f"index {code(spelt(fact.index))}"
        case TriggerFact():
            return f"trigger {code(spelt(fact.trigger))}"
        case ViewFact():
            return "the view"
        case ObjectFact():
            return f"{fact.object.kind} {code(fact.object.name)}"
        case _:
            assert_never(fact)


def statement(sql: str) -> str:
    """A stored text with its semicolon, which no comment at its end swallows."""
    return f"{sql}\n;" if "--" in sql.rpartition("\n")[2] else f"{sql};"
