"""What the changes of one table come to: statements in phases, and what is in their way."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from architect_migrate.core.names import quote

if TYPE_CHECKING:
    from architect_migrate.databases.postgresql.repair.dependants import Start
    from architect_migrate.diagnosis.findings import Finding


class Phase(IntEnum):
    """The order of a table's statements; those of one phase stay in the order in which they were planned."""

    DROP_FOREIGN_KEY = 0
    DROP_CONSTRAINT = 1
    FREE_COLUMN = 2
    COLUMN = 3
    FILL = 4
    SHAPE = 5
    KEY = 6
    CHECK = 7
    FOREIGN_KEY = 8
    VALIDATE = 9
    RENAME = 10
    SEQUENCE = 11


@dataclass(slots=True)
class Draft:
    """The work on one table so far.

    `columns` are the parts of the one ALTER TABLE that gives columns and types, `starts` what may have dependants in
    the way. `remade` are generated columns that are dropped and added, with their definitions. `beyond` says what does
    more than add something; `needs` are texts that name what has to be there first. `dropped` are the constraints that
    the statements drop, `gone` those that do not come again, `added` those that they add; `again` maps constraints that
    are dropped to those that take their places. `replaced` are indexes whose places the indexes of keys take,
    `taken_over` those that become them.
    """

    table: str
    words: list[str] = field(default_factory=list)
    statements: list[tuple[Phase, str]] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    remade: dict[str, str] = field(default_factory=dict)
    fill: dict[str, str] = field(default_factory=dict)
    converted: list[tuple[str, str]] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    again: dict[str, str] = field(default_factory=dict)
    replaced: list[str] = field(default_factory=list)
    taken_over: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)
    blockers: list[Finding] = field(default_factory=list)
    is_rewritten: bool = False
    is_partitioned: bool = False

    def say(self, words: str, *, adds: bool = False) -> None:
        """Note a change in words; one that adds something is allowed where tables may only be added to."""
        self.words.append(words)
        if not adds:
            self.beyond.append(words)

    def alter(self, phase: Phase, clause: str) -> None:
        """Plan a clause of ALTER TABLE as a statement of its own."""
        self.statements.append((phase, f"ALTER TABLE {quote(self.table)} {clause}"))

    def take_back(self, clause: str) -> None:
        """Leave out the statements with a clause: another statement does more."""
        self.statements = [one for one in self.statements if clause not in one[1]]

    def run(self, phase: Phase, statement: str) -> None:
        """Plan any other statement."""
        self.statements.append((phase, statement))

    def in_order(self) -> list[str]:
        """The statements in their order, the parts of the one ALTER TABLE together."""
        found = list(self.statements)
        if self.columns:
            found.append((Phase.COLUMN, f"ALTER TABLE {quote(self.table)} {', '.join(self.columns)}"))
        return [statement for _, statement in sorted(found, key=lambda one: one[0])]

    @property
    def lock(self) -> str:
        """The strongest lock that the statements take on the table."""
        only_keys = self.statements and all(phase in _WEAK for phase, _ in self.statements)
        if only_keys and not (self.columns or self.starts or self.remade):
            return "SHARE ROW EXCLUSIVE"
        return "ACCESS EXCLUSIVE"


_WEAK = frozenset({Phase.FOREIGN_KEY, Phase.VALIDATE})
