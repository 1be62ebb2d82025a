"""Random statements of revisions that change rows of PostgreSQL's tables, and rows of the application."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from truth.chain import Op
from truth.postgresql.scene import columns_of, is_number, is_text, labels_of, literal, tables_of
from truth.row_steps import COMPUTED

if TYPE_CHECKING:
    import random

    from truth.postgresql.cluster import Raw
    from truth.postgresql.scene import Column, Scene
    from truth.postgresql.steps import Step


def _sql(kind: str, statement: str, table: str, *, data: bool = False) -> Op:
    return Op(kind, f"op.execute({statement!r})", frozenset({table}), data)


def _writable(scene: Scene, table: str) -> list[Column]:
    return [one for one in scene.columns(table) if not one.generated and not one.identity]


def _constants(scene: Scene, table: str) -> tuple[list[str], list[str]]:
    """Columns and literals of a row with a key that no other row has: a low one, as rows of the chain have."""
    number = int(scene.mark)
    columns, values = ["id"], [f"'seed{number}'" if is_text(scene.key_type(table)) else str(number)]
    for column in _writable(scene, table):
        if not column.name.endswith("_id"):
            with contextlib.suppress(KeyError):
                values.append(value(scene.raw, column, number))
                columns.append(column.name)
    return columns, values


def insert_constants(scene: Scene) -> Op:
    table = scene.table()
    columns, values = _constants(scene, table)
    words = " OVERRIDING SYSTEM VALUE" if _is_always(scene, table) else ""
    more = scene.chance.choice(["", "", " ON CONFLICT DO NOTHING"])
    insert = f"INSERT INTO {table} ({', '.join(columns)}){words} VALUES ({', '.join(values)}){more}"
    return _sql("INSERT constants", insert, table)


def bulk_insert(scene: Scene) -> Op:
    table = scene.table()
    if _is_always(scene, table):
        raise LookupError
    columns = ["id", *(one.name for one in _writable(scene, table) if is_text(one.declared) and one.name != "state")]
    number = int(scene.mark)
    key = f"'seed{number}'" if is_text(scene.key_type(table)) else str(number)
    row = ", ".join([f"'id': {key}", *(f"{name!r}: 'bulk {number}'" for name in columns[1:])])
    described = ", ".join(f"sa.column({name!r})" for name in columns)
    return Op("bulk_insert", f"op.bulk_insert(sa.table({table!r}, {described}), [{{{row}}}])", frozenset({table}))


def _is_always(scene: Scene, table: str) -> bool:
    return any(one.name == "id" and one.identity == "a" for one in columns_of(scene.raw, table))


def insert_computed(scene: Scene) -> Op:
    """Rows computed from rows of the same table."""
    table = scene.table()
    columns = _writable(scene, table)
    key = (
        f"id || '-{scene.mark}'"
        if is_text(scene.key_type(table))
        else f"id + {scene.chance.randrange(2, 9) * COMPUTED}"
    )
    words = " OVERRIDING SYSTEM VALUE" if _is_always(scene, table) else ""
    names = ", ".join(["id", *(column.name for column in columns)])
    values = ", ".join([key, *(column.name for column in columns)])
    return _sql("INSERT SELECT", f"INSERT INTO {table} ({names}){words} SELECT {values} FROM {table}", table)


def insert_elsewhere(scene: Scene) -> Op:
    """A row in one table for each of another one."""
    table, source = scene.table(), scene.table()
    if is_text(scene.key_type(table)) or is_text(scene.key_type(source)):
        raise LookupError
    words = " OVERRIDING SYSTEM VALUE" if _is_always(scene, table) else ""
    key = f"id + {scene.chance.randrange(10, 19) * COMPUTED}"
    text = f"INSERT INTO {table} (id){words} SELECT {key} FROM {source}"
    return Op("INSERT SELECT", f"op.execute({text!r})", frozenset({table, source}))


def update_relative(scene: Scene) -> Op:
    table = scene.table()
    numbers = [one.name for one in _writable(scene, table) if is_number(one.declared) and not one.name.endswith("_id")]
    column = scene.chance.choice(numbers)
    return _sql("UPDATE relative", f"UPDATE {table} SET {column} = {column} + 1000", table)


def append_text(scene: Scene) -> Op:
    table = scene.table()
    column = scene.chance.choice([each.name for each in _writable(scene, table) if is_text(each.declared)])
    return _sql("UPDATE relative", f"UPDATE {table} SET {column} = {column} || '!'", table)


def update_absolute(scene: Scene) -> Op:
    table = scene.table()
    column = scene.chance.choice([each for each in _writable(scene, table) if not each.name.endswith("_id")])
    where = scene.chance.choice([f" WHERE {column.name} IS NULL", " WHERE id IS NOT NULL", ""])
    new = value(scene.raw, column, int(scene.mark))
    return _sql("UPDATE absolute", f"UPDATE {table} SET {column.name} = {new}{where}", table)


def update_from(scene: Scene) -> Op:
    table, other = scene.table(), scene.table()
    column = scene.chance.choice([each.name for each in _writable(scene, table) if is_text(each.declared)])
    text = f"UPDATE {table} t SET {column} = o.id::text FROM {other} o WHERE o.id::text = t.id::text"
    return Op("UPDATE FROM", f"op.execute({text!r})", frozenset({table, other}))


def delete(scene: Scene) -> Op:
    table = scene.table()
    return _sql("DELETE", f"DELETE FROM {table} WHERE id::text LIKE '%3'", table)


def truncate(scene: Scene) -> Op:
    table = scene.table()
    return _sql("TRUNCATE", f"TRUNCATE {table}", table)


def loop(scene: Scene) -> Op:
    table = scene.table()
    column = scene.chance.choice([each.name for each in _writable(scene, table) if is_text(each.declared)])
    text = (
        "bind = op.get_bind()\n"
        f"for row in bind.execute(sa.text('SELECT id, {column} FROM {table}')).fetchall():\n"
        f"    new = f'{{row[1]}} {{row[0]}}'[:20]\n"
        f"    bind.execute(sa.text('UPDATE {table} SET {column} = :new WHERE id = :id'), {{'new': new, 'id': row[0]}})"
    )
    return Op("loop over SELECT", text, frozenset({table}))


def block(scene: Scene) -> Op:
    """A loop in the server."""
    table = scene.table()
    column = scene.chance.choice([each.name for each in _writable(scene, table) if is_text(each.declared)])
    each = f"FOR r IN SELECT id FROM {table} LOOP UPDATE {table} SET {column} = 'done' WHERE id = r.id; END LOOP"
    return _sql("DO", f"DO $$ DECLARE r record; BEGIN {each}; END $$", table)


def set_sequence(scene: Scene) -> Op:
    name = scene.other("sequence")
    return _sql("setval", f"SELECT setval('{name}', 500)", name)


def data_step(scene: Scene) -> Op:
    """Idempotent, as docs/revisions.md wants a `data_step()`."""
    table = scene.table()
    columns, values = _constants(scene, table)
    words = " OVERRIDING SYSTEM VALUE" if _is_always(scene, table) else ""
    there = f"SELECT 1 FROM {table} WHERE id = {values[0]}"
    rows = f"SELECT {', '.join(values)} WHERE NOT EXISTS ({there})"
    return _sql("data_step", f"INSERT INTO {table} ({', '.join(columns)}){words} {rows}", table, data=True)


ROW_STEPS: tuple[tuple[Step, int], ...] = (
    (insert_constants, 6),
    (bulk_insert, 2),
    (insert_computed, 2),
    (insert_elsewhere, 1),
    (update_relative, 4),
    (append_text, 2),
    (update_absolute, 4),
    (update_from, 1),
    (delete, 2),
    (truncate, 1),
    (loop, 2),
    (block, 1),
    (set_sequence, 1),
    (data_step, 1),
)


def value(raw: Raw, column: Column, number: int) -> str:
    """SQL for a value of a column. Raises KeyError for a type that is not known."""
    try:
        return literal(column.declared, number, column.name)
    except KeyError:
        base = raw.execute(
            "SELECT typtype::text FROM pg_type WHERE oid = to_regtype(%s)", (column.declared,)
        ).fetchone()
        if base == ("e",):
            labels = labels_of(raw, column.declared)
            return f"'{labels[number % len(labels)]}'"
        if base == ("d",):
            return f"'{column.name} {number}'"
        raise


@dataclass(slots=True)
class Keys:
    """Keys in use: the next row gets the next one."""

    last: int

    def next(self) -> int:
        self.last += 1
        return self.last


def fill(raw: Raw, keys: Keys, chance: random.Random | None = None) -> None:
    """Rows of the application in every table (without `chance` two, and no NULLs)."""
    for table in tables_of(raw):
        columns = columns_of(raw, table)
        for _ in range(chance.choice([0, 1, 1, 2, 3]) if chance else 2):
            # A row that this table does not take is none of the application's.
            with contextlib.suppress(psycopg.Error, KeyError), raw.transaction():
                _insert(raw, table, columns, keys.next(), chance)


def _insert(raw: Raw, table: str, columns: list[Column], number: int, chance: random.Random | None) -> None:
    row: dict[str, str] = {}
    for column in columns:
        if column.generated:
            continue
        if column.name == "id":
            row["id"] = f"'k{number}'" if is_text(column.declared) else str(number)
        elif column.name == "owner_id":
            row[column.name] = "NULL"
        elif chance and chance.random() < 0.2 and (column.default is not None or not column.not_null):
            if column.default is None:
                row[column.name] = "NULL"
        else:
            row[column.name] = value(raw, column, number)
    names, values = ", ".join(row), ", ".join(row.values())
    raw.execute(f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE VALUES ({values})")
