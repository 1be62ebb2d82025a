"""What a CREATE statement that says IF NOT EXISTS would create."""

from __future__ import annotations

from architect_migrate.core.sql_errors import UnreadableSqlError
from architect_migrate.databases.sqlite.sql.cursor import Cursor

_KINDS = ("TABLE", "INDEX", "TRIGGER", "VIEW")


def created_if_missing(sql: str) -> tuple[str, str] | None:
    """Kind and name, as written; None for any other statement, and for what is temporary and stands in no way."""
    if "exists" not in sql.lower():
        return None
    cursor = Cursor(sql)
    try:
        cursor.expect("CREATE")
        for word in ("UNIQUE", "VIRTUAL"):
            cursor.take(word)
        kind = next((it for it in _KINDS if cursor.take(it)), "")
        if not kind or not cursor.at("IF"):
            return None
        cursor.expect("IF", "NOT", "EXISTS")
        name = cursor.name()
        return kind.lower(), cursor.name() if cursor.take(".") else name
    except UnreadableSqlError:
        return None
