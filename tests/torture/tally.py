"""What was counted: how runs that something befell left the database, and how the same command went afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torture.cases import TrialEnvironment
    from torture.client import End

# How the line begins by which a program says that it failed.
_BEGINS = {"archmig": "archmig: ", "alembic": "FAILED: "}
_LEDGER = "cannot use the ledger"
_HEAD = ("befallen", "before", "after", "half", "damaged", "rerun failed", "not told")


@dataclass(slots=True)
class Tally:
    """Counts of one row of the table; `told` are the first things that went wrong, to look into."""

    befallen: int = 0
    before: int = 0
    after: int = 0
    half: int = 0
    damaged: int = 0
    rerun: int = 0
    untold: int = 0
    told: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        return self.half + self.damaged + self.rerun + self.untold

    def row(self) -> tuple[int, ...]:
        return (self.befallen, self.before, self.after, self.half, self.damaged, self.rerun, self.untold)

    def judge(self, stage: TrialEnvironment, what: str) -> None:
        """Count what is there now, and whether the same command goes through from there."""
        self.befallen += 1
        found = stage.state()
        if not found.sound:
            self.damaged += 1
            self.told.append(f"{what}: damaged")
        match found.digest:
            case stage.before.digest:
                self.before += 1
            case stage.after.digest:
                self.after += 1
            case _:
                self.half += 1
                self.told.append(f"{what}: half")
        again = stage.run()
        if again.code != 0 or stage.state() != stage.case.home(stage, found):
            self.rerun += 1
            self.told.append(f"{what}: again: {again.code} {again.err[-300:]}")

    def told_in_one_line(self, stage: TrialEnvironment, end: End, what: str) -> None:
        """A run that failed says so with its code and one line; one that says that it is done has done it.

        A disk that refuses the database may refuse the ledger's entry of it too, which is said in a line of its own.
        """
        lines = [line for line in end.lines if line.startswith(_BEGINS[stage.case.words[0]]) and _LEDGER not in line]
        good = end.code == 0 or (end.code == stage.case.failed and len(lines) == 1 and "unexpected" not in lines[0])
        if not good or "Traceback" in end.err:
            self.untold += 1
            self.told.append(f"{what}: code {end.code}: {end.err[-400:]}{end.out[-400:]}")

    def told_truly(self, stage: TrialEnvironment, end: End, what: str) -> None:
        """What a run said of the database before anybody opened it again: done, as it was, or committed but unsure."""
        found = stage.state().digest
        text = " ".join(end.lines)
        unsure = "is committed, but could not be read back" in text or "the whole run is there or none of it" in text
        good = found == stage.after.digest if end.code == 0 else found == stage.before.digest or unsure
        if not good or (found != stage.before.digest and "nothing was changed" in text):
            self.untold += 1
            self.told.append(f"{what}: code {end.code}, but {found[:8]} is there: {end.err[-400:]}{end.out[-200:]}")


def table(rows: dict[tuple[str, str, str], Tally]) -> str:
    """The counts as a Markdown table, with a sum."""
    lines = [f"| case | journal | what befell it | {' | '.join(_HEAD)} |", f"|{' --- |' * 3}{' ---: |' * len(_HEAD)}"]
    for names, tally in rows.items():
        lines.append(f"| {' | '.join(names)} | {' | '.join(f'{one:,}' for one in tally.row())} |")
    sums = [sum(column) for column in zip(*(row.row() for row in rows.values()), strict=True)]
    lines.append(f"| **all** | | | {' | '.join(f'**{each:,}**' for each in sums)} |")
    return "\n".join(lines)
