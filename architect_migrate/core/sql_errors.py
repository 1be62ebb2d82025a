"""Errors of SQL texts, of edits to them, and of the rebuild of a table."""

from __future__ import annotations

from architect_migrate.core.errors import ArchmigError, derived
from architect_migrate.core.secrets import mask
from architect_migrate.core.text import pluralize


class UnreadableSqlError(ArchmigError, layout="{problem}; {advice}"):
    """An SQL text that does not follow SQLite's grammar; `position` is an offset into `sql` in characters."""

    subject: str = derived("")
    sql: str
    position: int
    expected: str

    def _problem_and_advice(self) -> tuple[str, str]:
        statement = mask(" ".join(self.sql.split()))[:60]
        found = " ".join(self.sql[self.position : self.position + 30].split()) or "the end"
        return (
            f"cannot read {statement!r}: expected {self.expected} at offset {self.position}, found {found!r}",
            "archmig cannot edit this statement safely: change it by hand, or report a bug",
        )


class EditImpossibleError(ArchmigError, layout="table {subject!r}: {problem}; {advice}"):
    """An edit that cannot be applied to a CREATE TABLE text; `edit` is the edit's repr."""

    edit: str
    reason: str
    problem: str = derived("{edit} cannot be made: {reason}")
    advice: str = derived("change the table by hand")


class RebuildRefusedError(ArchmigError, layout="table {subject!r} {problem}"):
    """A table whose rebuild was refused and that was left as it was; `reason` says why and what would help."""

    reason: str
    problem: str = derived("is not rebuilt: {reason}")


class ValuesWouldChangeError(ArchmigError, layout="table {subject!r}: {problem}; {advice}"):
    """A rebuild that would change values of a column; `count` is the number of rows, `examples` are short."""

    column: str
    count: int
    examples: tuple[str, ...]

    def _problem_and_advice(self) -> tuple[str, str]:
        values = f"{pluralize(self.count, 'value')} of column {self.column!r} would change ({'; '.join(self.examples)})"
        return values, "nothing was changed: say how to convert them in a [[resolve]] entry"


class CastLosesError(ArchmigError, layout="{problem}: {advice}"):
    """A batch operation whose cast would lose values; `value` is the expression that it casts, as SQL."""

    subject: str = derived("")
    value: str
    declared: str
    count: int
    examples: tuple[str, ...]

    def _problem_and_advice(self) -> tuple[str, str]:
        lost = f"{pluralize(self.count, 'value')} would not survive that ({'; '.join(self.examples)})"
        problem = f"its batch operation casts {self.value} to {self.declared}, and {lost}"
        return problem, "convert them in the revision first, with an UPDATE"


class RowsForbidError(ArchmigError, layout="table {subject!r}: {problem}; {advice}"):
    """Rows that violate a constraint of the new table; `count` is their number, None if SQLite does not report it."""

    constraint: str
    count: int | None
    examples: tuple[str, ...]

    def _problem_and_advice(self) -> tuple[str, str]:
        # Without a count, `constraint` is SQLite's message or an index, not a clause of the new table.
        rows = (
            "rows do not fit the new table:"
            if self.count is None
            else pluralize(self.count, "row violates", "rows violate")
        )
        examples = f" ({'; '.join(self.examples)})" if self.examples else ""
        advice = "nothing was changed: correct the rows, or say in a [[resolve]] entry how to fill them"
        return f"{rows} {self.constraint}{examples}", advice
