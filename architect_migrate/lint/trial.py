"""Results of trying a revision on a scratch database, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from architect_migrate.databases.statement import Object, Statement
    from architect_migrate.lint.rules import Violation
    from architect_migrate.model.chain_config import ChainConfig
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.model.schema import Schema, Table
    from architect_migrate.revisions.source_file import RevisionFile


@dataclass(frozen=True, slots=True)
class Job:
    """Job of the trial process: the chain of `chain`, its files, and the ids of the revisions to check.

    `replaced` are those that the chain's baseline stands for, which are not run.
    """

    chain: ChainConfig
    files: tuple[RevisionFile, ...]
    graph: RevisionGraph
    judged: frozenset[str]
    replaced: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Trial:
    """One call of one function; `asked` are (kind, name) of objects that batch operations were to drop or alter.

    `raised` is the exception of the code, or empty; `refused` is a forbidden attempt, or empty.
    """

    function: str
    statements: tuple[Statement, ...] = ()
    raised: str = ""
    raised_line: int = 0
    refused: str = ""
    asked: frozenset[Object] = field(default_factory=frozenset)

    @property
    def failed(self) -> tuple[Statement, ...]:
        """The statements that SQLite refused."""
        return tuple(statement for statement in self.statements if statement.error)

    @property
    def sound(self) -> bool:
        """Whether everything ran."""
        return not self.raised and not self.failed and not self.refused


@dataclass(frozen=True, slots=True)
class TriedRevision:
    """Trials of one revision: on the schema that its ancestors leave, and on the same with rows in every table.

    `ways` are the schemas before upgrade(), after it, and after downgrade(). `broken` are (kind, name, SQLite's
    message) of views and triggers that do not work any more, `mismatched` (table, SQLite's message) of foreign keys.
    `again` describes what the data step changes when it runs again, `overwritten` are tables whose edited rows it then
    overwrites, `filled` are the tables that held rows.
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
        """The tables after upgrade(), by name."""
        return {table.name: table for table in self.ways[1].tables}


@dataclass(frozen=True, slots=True)
class TrialResult:
    """Result of trying a revision: its violations, and (index of the violation, name) of missing objects in `lacks`.

    `makes` are (table, column) of new columns and (table, "") of new tables. `halted`: its code failed, so that its
    descendants cannot be tried.
    """

    revision: str
    violations: tuple[Violation, ...] = ()
    lacks: tuple[tuple[int, str], ...] = ()
    makes: tuple[tuple[str, str], ...] = ()
    halted: bool = False
