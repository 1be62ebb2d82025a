"""Random revisions that bring rows or values from what they remove to what they make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truth.chain import Op
from truth.reader import quote, texts
from truth.tokens import table_text

if TYPE_CHECKING:
    from truth.scene import Scene


def _ops(kind: str, statements: list[str], *tables: str) -> Op:
    text = "\n".join(f"op.execute({statement!r})" for statement in statements)
    return Op(kind, text, frozenset(table.lower() for table in tables))


def successor_table(scene: Scene) -> Op:
    """A new table, the old one's rows copied into it, and the old one dropped."""
    table, to = scene.table(), scene.new_table()
    if any(parent == table for other in texts(scene.raw, "table") for parent in _parents(scene, other)):
        raise LookupError
    parts = [part.text for part in table_text(texts(scene.raw, "table")[table]).definitions]
    columns = ", ".join(["id", *(column.name for column in scene.columns(table))])
    into, source = scene.chance.choice([(f" ({columns})", columns), ("", "*")])
    return _ops(
        "moved to a successor",
        [
            f"CREATE TABLE {to} ({', '.join(parts)})",
            f"INSERT INTO {to}{into} SELECT {source} FROM {table}",
            f"DROP TABLE {table}",
        ],
        table,
        to,
    )


def _parents(scene: Scene, table: str) -> list[str]:
    return [str(row[2]) for row in scene.raw.execute(f"PRAGMA foreign_key_list({quote(table)})")]


def successor_column(scene: Scene) -> Op:
    """A new column, filled from an old one that is dropped."""
    table = scene.table()
    old, new = scene.column(table), scene.new_column(table)
    return _ops(
        "moved to another column",
        [
            f"ALTER TABLE {table} ADD COLUMN {new} {old.declared}{scene.chance.choice(['', ' DEFAULT NULL'])}",
            f"UPDATE {table} SET {new} = {old.name}",
            f"ALTER TABLE {table} DROP COLUMN {old.name}",
        ],
        table,
    )
