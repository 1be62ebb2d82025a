"""The file of a squashed revision: objects by their stored text, rows of constants, data steps as code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from architect_migrate.authoring.carried_code import carried
from architect_migrate.authoring.parents_first import parents_first, tables_parents_first
from architect_migrate.authoring.squash_proof import rows_in
from architect_migrate.core.chain_errors import SquashError
from architect_migrate.core.names import quote
from architect_migrate.revisions.writer import docstring, executed, literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from architect_migrate.authoring.squash_proof import Made
    from architect_migrate.databases.values import StoredObject, TableRows
    from architect_migrate.model.revision_graph import Revision


def text_of(revision: Revision, made: Made, steps: Mapping[str, Path], by_steps: frozenset[str]) -> str:
    """Return the file of the revision that makes all at once; `by_steps` are the tables that only data steps fill.

    Raises SquashError for rows that are not constant, and for data steps that cannot be carried.
    """
    objects = made.first.objects
    # Why this order: each kind may refer to those before it. Rows come before triggers, which must not see them, and
    # after indexes, which foreign keys may need where env.py enforces them.
    upgrade = [each.sql for kind in ("table", "index") for each in objects if each.kind == kind]
    rows = (each for each in parents_first(made.first) if each.table not in by_steps)
    upgrade += [insert for each in rows for insert in _inserts(made, each)]
    upgrade += [each.sql for kind in ("view", "trigger") for each in objects if each.kind == kind]
    body = [*([executed(upgrade)] if upgrade else []), *(["data_step()"] if steps else [])] or ["pass"]
    functions = {name: "_data_step_of_" + re.sub(r"\W", "_", name) for name in steps}
    calls = "\n    ".join(f"{name}()" for name in functions.values())
    parts = [_head(revision), "def upgrade():\n    " + "\n    ".join(body)]
    if steps:
        parts.append(f"def data_step():\n    {calls}")
        parts += [carried(file, functions[name]) for name, file in steps.items()]
    parts.append(f"def downgrade():\n    {executed(_drops(objects)) or 'pass'}")
    return "\n\n\n".join(parts) + "\n"


def _head(last: Revision) -> str:
    ids = "".join(f"    {literal(each)},\n" for each in last.replaces)
    lines = [
        f'"""{docstring(last.title or last.id)}',
        "",
        f"Makes what {len(last.replaces)} revisions made, {last.replaces[0]} to {last.id}.",
        "Written by archmig squash, which replayed both and found the same objects, names and rows.",
        '"""',
        "",
        "from alembic import op",
        "",
        f"revision = {literal(last.id)}",
        "down_revision = None",
        f"branch_labels = {last.labels or None!r}",
        "depends_on = None",
        f"replaces = (\n{ids})",
    ]
    lines += [f"legacy_version = {literal(last.legacy_version)}"] * bool(last.legacy_version)
    return "\n".join(lines)


def _inserts(made: Made, table: TableRows) -> Iterator[str]:
    """The statements that bring the rows of a table; columns that vary between runs are left to their defaults."""
    # Why not sqlite_sequence: SQLite writes it, from the keys of the rows that are inserted.
    if not table.rows or table.table in made.first.shadows or table.table == "sqlite_sequence":
        return
    varying = made.varying(table.table)
    for at in varying:
        if not table.defaults[at]:
            _refuse(table, at)
    steady = [at for at in range(len(table.columns)) if at not in varying]
    columns = ", ".join(quote(table.columns[at]) for at in steady)
    other = rows_in(made.second, table.table)
    if other is None or len(other.rows) != len(table.rows):
        _refuse(table, 0)
    for row in table.rows:
        yield f"INSERT INTO {quote(table.table)} ({columns}) VALUES ({', '.join(row[at] for at in steady)})"


def _refuse(table: TableRows, at: int) -> None:
    column = f"{table.table}.{table.columns[at]}"
    problem = "has values of the moment or the machine, such as a time or a token, that must not become constants"
    advice = "nothing was written: bring these rows in a data_step() that runs on this schema: it is carried as code"
    raise SquashError(column, problem, advice)


def _drops(objects: tuple[StoredObject, ...]) -> Iterator[str]:
    """The statements that take everything away, children first; indexes and triggers go with their tables."""
    views = (each.name for each in reversed(objects) if each.kind == "view")
    yield from (f"DROP VIEW {quote(name)}" for name in views)
    yield from (f"DROP TABLE {quote(name)}" for name in reversed(tables_parents_first(objects)))
