"""What can go wrong with SQL texts, edits of them, and the rebuild of a table."""

from __future__ import annotations

from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.text import count


class UnreadableSqlError(ArchmigError):
    """An SQL text that is not what SQLite's grammar has there; `position` is an offset into `sql`."""

    def __init__(self, sql: str, position: int, expected: str) -> None:
        self.sql, self.position, self.expected = sql, position, expected
        super().__init__(sql, position, expected)

    def __str__(self) -> str:
        statement = " ".join(self.sql.split())[:60]
        found = " ".join(self.sql[self.position : self.position + 30].split()) or "the end"
        return (
            f"cannot read {statement!r}: expected {self.expected} at offset {self.position}, "
            f"found {found!r}; no edit of this statement is safe, change it by hand or report it"
        )


class EditImpossibleError(ArchmigError):
    """An edit of a CREATE TABLE text that does not fit the table; `edit` is the edit's repr."""

    def __init__(self, table: str, edit: str, reason: str) -> None:
        self.table, self.edit, self.reason = table, edit, reason
        super().__init__(table, edit, reason)

    def __str__(self) -> str:
        return f"table {self.table!r}: {self.edit} cannot be made: {self.reason}; change the table by hand"


class RebuildRefusedError(ArchmigError):
    """A table that is not rebuilt, left as it was; `reason` says why and what would help."""

    def __init__(self, table: str, reason: str) -> None:
        self.table, self.reason = table, reason
        super().__init__(table, reason)

    def __str__(self) -> str:
        return f"table {self.table!r} is not rebuilt: {self.reason}"


class ValuesWouldChangeError(ArchmigError):
    """A rebuild would alter values of a column that is to stay; `examples` are short and `count` is of rows."""

    def __init__(self, table: str, column: str, count: int, examples: tuple[str, ...]) -> None:
        self.table, self.column, self.count, self.examples = table, column, count, examples
        super().__init__(table, column, count, examples)

    def __str__(self) -> str:
        return (
            f"table {self.table!r}: {count(self.count, 'value')} of column {self.column!r} would change "
            f"({'; '.join(self.examples)}); nothing was changed: say how to convert them in a [[resolve]] entry"
        )


class CastLosesError(ArchmigError):
    """A batch operation would cast values that do not survive it; `value` is what it casts, as its SQL has it."""

    def __init__(self, value: str, declared: str, count: int, examples: tuple[str, ...]) -> None:
        self.value, self.declared, self.count, self.examples = value, declared, count, examples
        super().__init__(value, declared, count, examples)

    def __str__(self) -> str:
        values = count(self.count, "value")
        return (
            f"its batch operation would make {self.declared} of {self.value}, and {values} would not survive that "
            f"({'; '.join(self.examples)}): convert them in the revision first, by an UPDATE of its own"
        )


class RowsForbidError(ArchmigError):
    """Rows that break a constraint of the new table; `count` is of rows, None where SQLite does not tell."""

    def __init__(self, table: str, constraint: str, count: int | None, examples: tuple[str, ...]) -> None:
        self.table, self.constraint, self.count, self.examples = table, constraint, count, examples
        super().__init__(table, constraint, count, examples)

    def __str__(self) -> str:
        rows = "rows forbid" if self.count is None else count(self.count, "row forbids", "rows forbid")
        examples = f" ({'; '.join(self.examples)})" if self.examples else ""
        return (
            f"table {self.table!r}: {rows} {self.constraint}{examples}; "
            "nothing was changed: mend the rows, or say in a [[resolve]] entry how to fill them"
        )
