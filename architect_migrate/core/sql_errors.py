"""What can go wrong with SQL texts, edits of them, and the rebuild of a table."""

from __future__ import annotations

from architect_migrate.core.errors import ArchmigError, derived
from architect_migrate.core.text import pluralize


class UnreadableSqlError(ArchmigError, layout="{problem}; {advice}"):
    """An SQL text that is not what SQLite's grammar has there; `position` is an offset into `sql`."""

    subject: str = derived("")
    sql: str
    position: int
    expected: str

    def _said(self) -> tuple[str, str]:
        statement = " ".join(self.sql.split())[:60]
        found = " ".join(self.sql[self.position : self.position + 30].split()) or "the end"
        return (
            f"cannot read {statement!r}: expected {self.expected} at offset {self.position}, found {found!r}",
            "no edit of this statement is safe, change it by hand or report it",
        )


class EditImpossibleError(ArchmigError, layout="table {subject!r}: {problem}; {advice}"):
    """An edit of a CREATE TABLE text that does not fit the table; `edit` is the edit's repr."""

    edit: str
    reason: str
    problem: str = derived("{edit} cannot be made: {reason}")
    advice: str = derived("change the table by hand")


class RebuildRefusedError(ArchmigError, layout="table {subject!r} {problem}"):
    """A table that is not rebuilt, left as it was; `reason` says why and what would help."""

    reason: str
    problem: str = derived("is not rebuilt: {reason}")


class ValuesWouldChangeError(ArchmigError, layout="table {subject!r}: {problem}; {advice}"):
    """A rebuild would alter values of a column that is to stay; `examples` are short and `count` is of rows."""

    column: str
    count: int
    examples: tuple[str, ...]

    def _said(self) -> tuple[str, str]:
        values = f"{pluralize(self.count, 'value')} of column {self.column!r} would change ({'; '.join(self.examples)})"
        return values, "nothing was changed: say how to convert them in a [[resolve]] entry"


class CastLosesError(ArchmigError, layout="{problem}: {advice}"):
    """A batch operation would cast values that do not survive it; `value` is what it casts, as its SQL has it."""

    subject: str = derived("")
    value: str
    declared: str
    count: int
    examples: tuple[str, ...]

    def _said(self) -> tuple[str, str]:
        lost = f"{pluralize(self.count, 'value')} would not survive that ({'; '.join(self.examples)})"
        problem = f"its batch operation would make {self.declared} of {self.value}, and {lost}"
        return problem, "convert them in the revision first, by an UPDATE of its own"


class RowsForbidError(ArchmigError, layout="table {subject!r}: {problem}; {advice}"):
    """Rows that break a constraint of the new table; `count` is of rows, None where SQLite does not tell."""

    constraint: str
    count: int | None
    examples: tuple[str, ...]

    def _said(self) -> tuple[str, str]:
        rows = "rows forbid" if self.count is None else pluralize(self.count, "row forbids", "rows forbid")
        examples = f" ({'; '.join(self.examples)})" if self.examples else ""
        advice = "nothing was changed: mend the rows, or say in a [[resolve]] entry how to fill them"
        return f"{rows} {self.constraint}{examples}", advice
