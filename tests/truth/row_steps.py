"""Random statements of revisions that change rows (`--rows`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truth.chain import Op
from truth.reader import quote
from truth.scene import is_number, is_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from truth.scene import Scene

    Step = Callable[[Scene], Op]

# A computed row has the key of its source and a multiple of this.
COMPUTED = 100_000


# What operations that write rows outside of a data step are called.
ROW_KINDS = frozenset(
    {
        "INSERT constants",
        "bulk_insert",
        "INSERT SELECT",
        "UPDATE relative",
        "UPDATE absolute",
        "DELETE",
        "loop over SELECT",
    }
)


def _sql(kind: str, statement: str, table: str, *, data: bool = False) -> Op:
    return Op(kind, f"op.execute({statement!r})", frozenset({table.lower()}), data)


def _keyed(scene: Scene) -> tuple[str, bool]:
    """A table to write to, and whether its key is a text."""
    table = scene.table()
    declared = next(str(row[2]) for row in scene.raw.execute(f"PRAGMA table_info({quote(table)})") if row[1] == "id")
    return table, is_text(declared)


def _constants(scene: Scene, table: str, *, text: bool) -> tuple[list[str], list[str]]:
    """Columns and literals of a row with a key that no other row has: a low one, as rows of the chain have."""
    number = int(scene.mark)
    columns, values = ["id"], [f"'seed{number}'" if text else str(number)]
    for column in scene.columns(table):
        if column.name.endswith("_id"):
            continue
        columns.append(column.name)
        values.append(f"'{column.name} {number}'" if is_text(column.declared) else str(number))
    return columns, values


def insert_constants(scene: Scene) -> Op:
    table, text = _keyed(scene)
    columns, values = _constants(scene, table, text=text)
    if scene.chance.random() < 0.3:
        row = "{" + ", ".join(f"{name!r}: {value}" for name, value in zip(columns, values, strict=True)) + "}"
        described = ", ".join(f"sa.column({name!r})" for name in columns)
        bulk = f"op.bulk_insert(sa.table({table!r}, {described}), [{row}])"
        return Op("bulk_insert", bulk, frozenset({table.lower()}))
    return _sql("INSERT constants", f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(values)})", table)


def insert_computed(scene: Scene) -> Op:
    """Rows computed from rows of the same table, so that every NOT NULL column has its value."""
    table, text = _keyed(scene)
    uniques = {name for columns, _ in scene.constraints(table).uniques for name in columns}
    columns = [column for column in scene.columns(table) if column.name not in uniques]
    key = f"id || '-{scene.mark}'" if text else f"id + {scene.chance.randrange(2, 9) * COMPUTED}"
    names = ", ".join(["id", *(column.name for column in columns)])
    values = ", ".join([key, *(column.name for column in columns)])
    return _sql("INSERT SELECT", f"INSERT INTO {table} ({names}) SELECT {values} FROM {table}", table)


def update_relative(scene: Scene) -> Op:
    table = scene.table()
    numbers = [each.name for each in scene.columns(table) if is_number(each.declared) and not each.name.endswith("_id")]
    column = scene.chance.choice(numbers)
    return _sql("UPDATE relative", f"UPDATE {table} SET {column} = {column} * 100", table)


def append_text(scene: Scene) -> Op:
    table = scene.table()
    column = scene.chance.choice([each.name for each in scene.columns(table) if is_text(each.declared)])
    return _sql("UPDATE relative", f"UPDATE {table} SET {column} = {column} || '!'", table)


def update_absolute(scene: Scene) -> Op:
    table = scene.table()
    column = scene.chance.choice([each for each in scene.columns(table) if not each.name.endswith("_id")])
    value = "'set'" if is_text(column.declared) else "7"
    where = scene.chance.choice([f"{column.name} IS NULL", "id > 1002"])
    return _sql("UPDATE absolute", f"UPDATE {table} SET {column.name} = {value} WHERE {where}", table)


def delete(scene: Scene) -> Op:
    table, text = _keyed(scene)
    where = "id LIKE '%3'" if text else "id % 4 = 3"
    return _sql("DELETE", f"DELETE FROM {table} WHERE {where}", table)


def loop(scene: Scene) -> Op:
    table = scene.table()
    column = scene.chance.choice([each.name for each in scene.columns(table) if is_text(each.declared)])
    text = (
        "bind = op.get_bind()\n"
        f"for row in bind.execute(sa.text('SELECT id, {column} FROM {table}')).fetchall():\n"
        f"    new = f'{{row[1]}} of {{row[0]}}'\n"
        f"    bind.execute(sa.text('UPDATE {table} SET {column} = :new WHERE id = :id'), {{'new': new, 'id': row[0]}})"
    )
    return Op("loop over SELECT", text, frozenset({table.lower()}))


def data_step(scene: Scene) -> Op:
    """Idempotent, as docs/revisions.md wants a `data_step()`."""
    table, text = _keyed(scene)
    columns, values = _constants(scene, table, text=text)
    there = f"SELECT 1 FROM {table} WHERE id = {values[0]}"
    statement = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} WHERE NOT EXISTS ({there})"
    return _sql("data_step", statement, table, data=True)


ROW_STEPS: tuple[tuple[Step, int], ...] = (
    (insert_constants, 5),
    (insert_computed, 2),
    (update_relative, 4),
    (append_text, 2),
    (update_absolute, 4),
    (delete, 1),
    (loop, 2),
    (data_step, 3),
)
