"""Renders SQL from schema values and stored texts: definitions of columns and constraints, statements of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from architect_migrate.core.names import fold, literal, quote
from architect_migrate.databases.sqlite.sql.lexer import canonical, significant
from architect_migrate.databases.sqlite.sql.nodes import Check, ForeignKey, NotNull, PrimaryKey, Unique
from architect_migrate.databases.sqlite.sql.parser import parse_table
from architect_migrate.model.facts import (
    CheckFact,
    ForeignKeyFact,
    NameFact,
    UniqueFact,
    keyed,
    named_constraint,
    table_facts,
)
from architect_migrate.planning import plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.databases.sqlite.sql.nodes import Constraint
    from architect_migrate.model.environment import Tracker
    from architect_migrate.model.schema import ForeignKey as ForeignKeyValue
    from architect_migrate.model.schema import Key, Table

Kinds = tuple[type[PrimaryKey] | type[Unique] | type[NotNull], ...]

# As much of a statement as a finding shows, in characters.
_LONGEST = 100


def column_definition(table: Table, column: str, without: Kinds) -> str:
    """A column's definition from the table's stored text, without its constraints of the given kinds."""
    parsed = parse_table(table.sql).column(column)
    assert parsed is not None, f"{table.name}.{column} belongs to this table"
    start, end = parsed.span
    text = table.sql[start:end]
    for constraint in sorted(parsed.constraints, key=lambda each: each.span, reverse=True):
        if isinstance(constraint, without):
            first, last = constraint.span
            text = f"{text[: first - start].rstrip()} {text[last - start :].lstrip()}".strip()
    return text


def declared_with(table: Table, column: str) -> tuple[Constraint, ...]:
    """The checks and foreign keys inside a column's own definition."""
    parsed = parse_table(table.sql).column(column)
    return (
        tuple(constraint for constraint in parsed.constraints if isinstance(constraint, Check | ForeignKey))
        if parsed
        else ()
    )


def check_text(table: Table, expression: str) -> str:
    """A check's expression as the table's stored text writes it, or `expression` if the text has no such check."""
    written = (check.expression for check in parse_table(table.sql).all(Check)) if table.sql else iter(())
    return next((word for word in written if canonical(word) == expression), expression)


def default_text(table: Table, column: str) -> str:
    """A column's default as the table's stored text writes it."""
    from architect_migrate.databases.sqlite.sql.nodes import Default

    defaults = parse_table(table.sql).of(Default, column)
    return defaults[0].expression if defaults else "NULL"


def type_text(table: Table, column: str) -> str:
    """A column's declared type as the table's stored text writes it."""
    parsed = parse_table(table.sql).column(column)
    return parsed.type if parsed else ""


def foreign_key_text(key: ForeignKeyValue) -> str:
    """A foreign key as a table constraint."""
    parents = f" ({names(key.parent_columns)})" if key.parent_columns else ""
    text = f"FOREIGN KEY ({names(key.columns)}) REFERENCES {name(key.parent)}{parents}"
    for event, action in (("DELETE", key.on_delete), ("UPDATE", key.on_update)):
        if action != "no action":
            text += f" ON {event} {action.upper()}"
    return text + (" DEFERRABLE INITIALLY DEFERRED" if key.deferred else "")


Named = UniqueFact | CheckFact | ForeignKeyFact


def constraint_texts(table: Table, fact: Named) -> tuple[str, ...]:
    """A constraint in the words of the table's stored text, once for each declaration, as table constraints."""
    parsed = parse_table(table.sql) if table.sql else None
    nodes = [one for one in parsed.every_constraint if _declares(one, fact)] if parsed else []
    if parsed is None or not nodes:
        return tuple(_constraint_text(fact, None, name_) for name_ in _names_of(table, fact) or ("",))
    return tuple(
        table.sql[slice(*node.span)] if node in parsed.constraints else _constraint_text(fact, node, node.name)
        for node in nodes
    )


def _constraint_text(fact: Named, node: Constraint | None, named: str) -> str:
    prefix = f"CONSTRAINT {name(named)} " if named else ""
    conflict = f" ON CONFLICT {node.conflict}" if isinstance(node, Unique | Check) and node.conflict else ""
    match fact:
        case UniqueFact():
            return f"{prefix}UNIQUE ({names(fact.columns)}){conflict}"
        case CheckFact():
            written = node.expression if isinstance(node, Check) else fact.check.expression
            return f"{prefix}CHECK ({written}){conflict}"
        case ForeignKeyFact():
            return prefix + foreign_key_text(fact.foreign_key)
        case _:
            assert_never(fact)


def _declares(node: Constraint, fact: Named) -> bool:
    """Whether a clause of the text declares the fact."""
    columns = tuple(fold(column.name) for column in node.columns)
    match node, fact:
        case Unique(), UniqueFact():
            return tuple(sorted(columns)) == fact.columns
        case Check(), CheckFact():
            return canonical(node.expression) == fact.check.expression
        case ForeignKey(), ForeignKeyFact():
            key = fact.foreign_key
            does = (node.on_delete.lower(), node.on_update.lower(), "INITIALLY DEFERRED" in node.deferrable)
            wanted = (key.columns, key.parent, key.on_delete, key.on_update, key.deferred)
            return (columns, fold(node.table), *does) == wanted
        case _:
            return False


def _names_of(table: Table, fact: Named) -> Key:
    """The names of a constraint; empty if it has none."""
    by_key = keyed(table_facts(table))
    for named in by_key.values():
        if isinstance(named, NameFact):
            fact_key = named_constraint(named, by_key)
            if fact_key is not None and by_key[fact_key] == fact:
                return named.names
    return ()


def name(text: str) -> str:
    """A name as SQL: bare where possible, else quoted."""
    bare = text.isascii() and text.replace("_", "a").isalnum() and not text[:1].isdigit()
    return text if bare and canonical(quote(text)) == fold(text) else quote(text)


def names(parts: Iterable[str]) -> str:
    """Names as an SQL list."""
    return ", ".join(name(part) for part in parts)


def not_unique(sql: str) -> str:
    """The text of a CREATE UNIQUE INDEX statement as a plain CREATE INDEX."""
    word = next(token for token in significant(sql) if fold(token.text) == "unique")
    return sql[: word.start] + sql[word.end :].lstrip()


def create_table(table: Table) -> str:
    """The stored text of a table; rendered from its value where no revision stored exactly this shape."""
    if table.sql:
        return table.sql
    lines = [_column(table, column.name) for column in table.columns]
    if table.primary_key and not table.rowid_key:
        named = next(
            (
                constraint_name.name
                for constraint_name in table.constraint_names
                if constraint_name.kind == "primary key"
            ),
            "",
        )
        lines.append(f"{f'CONSTRAINT {name(named)} ' * bool(named)}PRIMARY KEY ({names(table.primary_key)})")
    kinds = (UniqueFact, CheckFact, ForeignKeyFact)
    lines += [text for fact in table_facts(table) if isinstance(fact, kinds) for text in constraint_texts(table, fact)]
    options = ", ".join(["WITHOUT ROWID"] * table.without_rowid + ["STRICT"] * table.strict)
    return (
        f"CREATE TABLE {name(table.spelling or table.name)} (\n    " + ",\n    ".join(lines) + f"\n) {options}".rstrip()
    )


def _column(table: Table, wanted: str) -> str:
    column = next(each for each in table.columns if each.name == wanted)
    parts = [name(column.spelling or column.name), column.declared]
    if table.rowid_key and (wanted,) == table.primary_key:
        parts.append("PRIMARY KEY AUTOINCREMENT" if table.autoincrement else "PRIMARY KEY")
    elif column.not_null:
        parts.append("NOT NULL")
    if column.default is not None:
        parts.append(
            f"DEFAULT {column.default}" if column.default.startswith("current_") else f"DEFAULT ({column.default})"
        )
    if column.collation != "binary":
        parts.append(f"COLLATE {column.collation}")
    if column.generated:
        parts.append(f"AS ({column.generated.expression}) {'STORED' if column.generated.stored else 'VIRTUAL'}")
    return " ".join(filter(None, parts))


def statement(step: plan.Step) -> str:
    """The SQL that executes a repair step; empty for steps that run revisions, or several statements."""
    match step:
        case plan.DropObject() | plan.DropColumn() if step.sql:
            return step.sql
        case plan.CreateObject():
            return step.sql
        case plan.DropObject():
            return f"DROP {step.kind.upper()} {name(step.name)}"
        case plan.RenameTable():
            return f"ALTER TABLE {name(step.table)} RENAME TO {name(step.new)}"
        case plan.RenameColumn():
            return f"ALTER TABLE {name(step.table)} RENAME COLUMN {name(step.column)} TO {name(step.new)}"
        case plan.AddColumn():
            return f"ALTER TABLE {name(step.table)} ADD COLUMN {step.definition}"
        case plan.DropColumn():
            return f"ALTER TABLE {name(step.table)} DROP COLUMN {name(step.column)}"
        case plan.RebuildTable() | plan.RunRevision() | plan.RunDowngrade() | plan.RunDataStep() | plan.RunRows():
            return ""
        case plan.Stamp() | plan.Checkpoint() | plan.SyncTracker() | plan.AlterObject():
            return ""
        case _:
            assert_never(step)


def without_literals(sql: str) -> str:
    """A statement in one line, its texts and blobs masked: they may be secrets, or values of rows."""
    words = ["'…'" if token.kind in {"string", "blob"} else token.text for token in significant(sql)]
    text = " ".join(words)
    for tight in (" ,", " )", "( ", " .", ". "):
        text = text.replace(tight, tight.strip())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def tracker_statements(step: plan.SyncTracker) -> Iterator[str]:
    """The SQL that updates the legacy tracker: creates its table if it is missing, then changes row by row."""
    tracker = step.tracker
    if not step.columns:
        rest = [
            (tracker.applied_at, "TIMESTAMP DEFAULT CURRENT_TIMESTAMP"),
            (tracker.description, "TEXT"),
            (tracker.checksum, "TEXT"),
        ]
        columns = {"id": "INTEGER PRIMARY KEY", **dict(rest), tracker.version: "TEXT UNIQUE NOT NULL"}
        defined = ", ".join(f"{name(column)} {declared}" for column, declared in columns.items())
        yield f"CREATE TABLE IF NOT EXISTS {name(tracker.table)} ({defined})"
    there = {
        fold(column)
        for column in step.columns or (tracker.version, tracker.applied_at, tracker.description, tracker.checksum)
    }
    for change in step.changes:
        yield _tracker_statement(tracker, change, there)


def _tracker_statement(tracker: Tracker, change: plan.TrackerChange, there: set[str]) -> str:
    table, number = name(tracker.table), literal(change.version)
    where = f"WHERE {name(tracker.version)} = {number}"
    if isinstance(change, plan.ForgetRow):
        return f"DELETE FROM {table} {where}"
    texts = {tracker.description: literal(change.description), tracker.checksum: literal(change.checksum)}
    if isinstance(change, plan.CorrectRow):
        assignments = [f"{name(word)} = {value}" for word, value in texts.items() if fold(word) in there]
        return f"UPDATE {table} SET {', '.join(assignments)} {where}"
    whole = {tracker.version: number, tracker.applied_at: "CURRENT_TIMESTAMP", **texts}
    values = {name(word): value for word, value in whole.items() if fold(word) in there}
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(values.values())})"
