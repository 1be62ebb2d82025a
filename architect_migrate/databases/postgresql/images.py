"""Digests of the rows of a table, for tables that are too large to be copied before a run.

A digest of a column covers each of its values together with the primary key of its row, so that equal digests mean
equal rows in these columns, and no row more or less. They show that something differs, and not what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from architect_migrate.core.names import quote
from architect_migrate.databases.postgresql.pinned import in_own_texts, query
from architect_migrate.databases.postgresql.stored import Image

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from architect_migrate.databases.postgresql.pinned import Connection
    from architect_migrate.databases.postgresql.stored import Column, Stored

# Why two: the digests of one have 64 bits.
_SEEDS = (0, 1)
_SIZE = "SELECT pg_table_size(to_regclass(quote_ident(current_schema()) || '.' || quote_ident(%(table)s)))"


def size_of(connection: Connection, table: str) -> int:
    """Return how many bytes a table has, without its indexes."""
    return int((query(connection, _SIZE, {"table": table}).fetchone() or (0,))[0] or 0)


def image_before(connection: Connection, table: Stored, size: int) -> Image:
    """Digest the rows of a table before a run."""
    columns = [(column, column) for column in table.columns if not column.is_generated]
    with in_own_texts(connection):
        return _image(connection, table, [column for column, _ in columns if column.number in table.key], columns, size)


def unlike(
    connection: Connection, before: tuple[Stored, Image], after: Stored, pairs: Sequence[tuple[Column, Column]]
) -> list[str]:
    """Return the columns that may have other values or rows than before; `pairs` are columns before and after.

    All of them if the rows cannot be identified.
    """
    old, image = before
    keys = [now for was, now in pairs if was.number in old.key]
    is_whole = {was.name for was, _ in pairs} == {each.name for each in old.columns if not each.is_generated}
    if len(keys) < len(old.key) or (not old.key and not is_whole):
        return [was.name for was, _ in pairs]
    now = _image(connection, after, keys, pairs, image.size)
    if old.key:
        return [was.name for was, _ in pairs if now.sums[was.name] != image.sums[was.name]]
    return [] if now == image else [was.name for was, _ in pairs]


def _image(
    connection: Connection, table: Stored, keys: Iterable[Column], pairs: Sequence[tuple[Column, Column]], size: int
) -> Image:
    key = [_text(column) for column in keys]
    rows = {was.name: [*key, _text(now)] for was, now in pairs} if key else {"": [_text(now) for _, now in pairs]}
    sums = [
        f"sum(hashtextextended(ROW({', '.join(values)})::text, {seed}))" for values in rows.values() for seed in _SEEDS
    ]
    asked = f"SELECT {', '.join(['count(*)', *sums])} FROM ONLY {quote(table.name)}"
    number, *found = query(connection, asked).fetchone() or (0,)
    each = [str(value) for value in found]
    return Image(size, int(number), {name: (each[2 * at], each[2 * at + 1]) for at, name in enumerate(rows)})


def _text(column: Column) -> str:
    return f"{quote(column.name)}::text"
