"""What a revision did when it was tried on a scratch database, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from architect_migrate.databases.statement import Object, Statement
    from architect_migrate.lint.rules import Violation
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.model.schema import Schema, Table
    from architect_migrate.revisions.source_file import RevisionFile


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be tried: the chain of `ini`, its files, and the ids of those that are judged."""

    ini: str
    files: tuple[RevisionFile, ...]
    graph: RevisionGraph
    judged: frozenset[str]


@dataclass(frozen=True, slots=True)
class Trial:
    """One call of one function; `asked` are (kind, name) that batch operations were told to drop or alter.

    `raised` is what the code raised, or empty; `refused` what it tried that no revision may do.
    """

    function: str
    statements: tuple[Statement, ...] = ()
    raised: str = ""
    raised_line: int = 0
    refused: str = ""
    asked: frozenset[Object] = field(default_factory=frozenset)

    @property
    def failed(self) -> tuple[Statement, ...]:
        """The statements that SQLite did not take."""
        return tuple(statement for statement in self.statements if statement.error)

    @property
    def sound(self) -> bool:
        """Whether all of it ran."""
        return not self.raised and not self.failed and not self.refused


@dataclass(frozen=True, slots=True)
class Tried:
    """A revision as it was tried: on what the revisions before it leave, and on the same with rows in every table.

    `ways` are the schemas before upgrade(), after it, and after downgrade(). `broken` are (kind, name, SQLite's words)
    of views and triggers that do not work any more, `mismatched` (table, SQLite's words) of foreign keys, `again` says
    what the data step does when it runs once more, `overwritten` are tables whose edited rows it then sets back, and
    `filled` those that held rows.
    """

    file: RevisionFile
    up: Trial
    ways: tuple[Schema, Schema, Schema | None]
    down: Trial | None = None
    up_with_rows: Trial | None = None
    down_with_rows: Trial | None = None
    again: str = ""
    overwritten: tuple[str, ...] = ()
    filled: frozenset[str] = frozenset()
    broken: tuple[tuple[str, str, str], ...] = ()
    mismatched: tuple[tuple[str, str], ...] = ()

    @property
    def before(self) -> dict[str, Table]:
        """The tables before upgrade(), by name."""
        return {table.name: table for table in self.ways[0].tables}

    @property
    def after(self) -> dict[str, Table]:
        """The tables after it."""
        return {table.name: table for table in self.ways[1].tables}


@dataclass(frozen=True, slots=True)
class Found:
    """What trying a revision showed: its flaws, what it lacks (names by the flaw's place among them) and what it makes.

    `makes` are columns with their tables, and tables with an empty name. `halted`: its code failed, and nothing that
    comes after it can be tried.
    """

    revision: str
    violations: tuple[Violation, ...] = ()
    lacks: tuple[tuple[int, str], ...] = ()
    makes: tuple[tuple[str, str], ...] = ()
    halted: bool = False
