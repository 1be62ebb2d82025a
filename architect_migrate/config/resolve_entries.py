"""Reader of the [[resolve]] entries of environments.toml, each of which settles one object."""

from __future__ import annotations

from architect_migrate.config.toml_reader import (
    Table,
    known_keys,
    shown,
    text,
    texts,
    true_or_absent,
)
from architect_migrate.core.names import fold, literal
from architect_migrate.model.environment import Drop, Fill, Keep, Kind, Origin, Resolution, RowAnswer, Rows, Subject

_DOING = ("allow_null", "copy_from", "default", "drop", "keep")
# The kinds of object that a key of their own names.
_KINDS = tuple(kind for kind in Kind if kind not in {Kind.TABLE, Kind.NAMES, Kind.REVISION, Kind.STAMP})
_RESOLVE = ("environments", "reason", "table", *(kind.key for kind in _KINDS), *_DOING)
# The kinds whose names are unique in their table only, and those that belong to none.
_IN_TABLE = frozenset({Kind.COLUMN, Kind.CONSTRAINT, Kind.POLICY, Kind.RULE})
_ALONE = frozenset({*_KINDS}) - _IN_TABLE - {Kind.INDEX, Kind.TRIGGER}
_STAMP = ("drop", "environments", "reason", "stamp")
_ROWS = ("environments", "reason", "revision", "rows")


def read_resolution(table: Table, entry: int) -> Resolution:
    """Read one [[resolve]] entry; `entry` is its number in the file, from 1. Raises ConfigError."""
    if "revision" in table.values or "rows" in table.values:
        return _rows(table, entry)
    if "stamp" in table.values:
        return _stamp(table, entry)
    known_keys(table, _RESOLVE)
    subject = _subject(table)
    origin = Origin(table.file, entry)
    environments, reason = frozenset(texts(table, "environments") or ()), text(table, "reason") or ""
    doing = [key for key in _DOING if key in table.values]
    if not doing:
        hint = "give copy_from, default, allow_null = true, keep = true or drop = true"
        raise table.error("", f"does not say what to do with {shown(str(subject))}", hint)
    for verb, resolution in (("keep", Keep), ("drop", Drop)):
        if true_or_absent(table, verb):
            if doing != [verb]:
                other = next(key for key in doing if key != verb)
                raise table.error(verb, f"cannot be combined with {other}", "write one entry for each action")
            return resolution(subject, origin, environments, reason)
    return _fill(table, subject, origin, environments, reason)


def _rows(table: Table, entry: int) -> Rows:
    """An entry that says of a revision whether its rows are as it leaves them. Why not "run": that is done once."""
    known_keys(table, _ROWS)
    revision, answer = text(table, "revision"), text(table, "rows")
    environments = frozenset(texts(table, "environments") or ())
    if not revision:
        raise table.error("revision", "names no revision", 'add revision = "..."')
    if answer not in {RowAnswer.DONE.value, RowAnswer.SKIP.value}:
        hint = 'give rows = "done" or "skip"; to run them once: archmig reconcile --rows REV=run'
        raise table.error("rows", f"is {shown(answer)}" if answer else "is not there", hint)
    if not environments:
        raise table.error("environments", "is not there", "name the environments: each database has rows of its own")
    return Rows(revision, RowAnswer(answer), Origin(table.file, entry), environments, text(table, "reason") or "")


def _stamp(table: Table, entry: int) -> Drop:
    """An entry that says of a row of the version table that it does not count."""
    known_keys(table, _STAMP)
    row, reason = text(table, "stamp"), text(table, "reason") or ""
    if not row:
        raise table.error("stamp", "names no row of the version table", 'write it as it is there: stamp = "..."')
    if not true_or_absent(table, "drop"):
        raise table.error("drop", "is not there", "add drop = true: the row then does not count")
    environments = frozenset(texts(table, "environments") or ())
    return Drop(Subject(Kind.STAMP, row), Origin(table.file, entry), environments, reason)


def _fill(table: Table, column: Subject, origin: Origin, environments: frozenset[str], reason: str) -> Fill:
    copy_from, default = text(table, "copy_from"), _default(table)
    if column.kind is not Kind.COLUMN or column.table is None:
        key = next(key for key in _DOING if key in table.values)
        raise table.error(key, f"needs a column, not {shown(str(column))}", "name the column, or keep or drop")
    if copy_from is not None and fold(copy_from) == fold(column.name):
        raise table.error("copy_from", "copies the column onto itself", "name another column of the table")
    nullable = true_or_absent(table, "allow_null")
    return Fill(column.table, column.name, copy_from, default, nullable, origin, environments, reason)


def _subject(table: Table) -> Subject:
    """Read the object of an entry; a column or constraint needs its table, an index or trigger may have one."""
    owner = text(table, "table")
    named = [kind for kind in _KINDS if kind.key in table.values]
    if len(named) > 1:
        raise table.error("", f"names a {named[0].value} and a {named[1].value}", "write one entry for each object")
    if not named:
        if owner is None:
            raise table.error("", "names no object", 'begin with table = "..."')
        return Subject(Kind.TABLE, owner)
    kind = named[0]
    if kind in _IN_TABLE and owner is None:
        raise table.error(kind.key, "has no table", 'add table = "..."')
    if kind is Kind.CONSTRAINT and isinstance(table.values["constraint"], list):
        return Subject(kind, "", owner, _columns(table))
    if kind in _ALONE and owner is not None:
        raise table.error(kind.key, "does not belong to a table", "leave table out")
    return Subject(kind, text(table, kind.key) or "", owner)


def _columns(table: Table) -> tuple[str, ...]:
    """Read the columns that identify a constraint."""
    columns = texts(table, "constraint") or ()
    if not columns:
        raise table.error("constraint", "names no column", "give the constraint's name, or its columns")
    return columns


def _default(table: Table) -> str | None:
    """Read the default as SQL text. Raises ConfigError for a value that SQLite would not store exactly."""
    value = table.values.get("default")
    if isinstance(value, str) and "\0" not in value:
        return literal(value)
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int) and -(2**63) < value < 2**63:
        return str(value)
    if isinstance(value, float) and abs(value) < float("inf"):
        return repr(value)
    if value is None:
        return None
    hint = "a string without NUL, an integer of 64 bits, a finite number, true or false; put dates in quotes"
    raise table.error("default", "is not a value for a column", hint)
