"""How far interrupted revisions came with rows, by the tables on their way that they left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from architect_migrate.core.errors import ArchmigError
from architect_migrate.core.names import fold
from architect_migrate.core.text import pluralize
from architect_migrate.model.history import WRITING, replays, row_statements
from architect_migrate.planning.row_places import would_alter

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.diagnosis.diagnose import Diagnosis
    from architect_migrate.model.history import History, Replayed
    from architect_migrate.planning.look import Ask, Interruption

    Words = Callable[[str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Cut:
    """How many row statements of a revision come before the table that it left, and after it.

    A statement counts for both where the revision makes such a table more than once. Code that reads tables may write
    rows at any time, so it counts for both too. `is_alone` says that the table which it was to become is not there.
    """

    before: int
    after: int
    is_alone: bool = False


def cuts(history: History, found: tuple[Interruption, ...], words_of: Words) -> dict[str, Cut]:
    """Return for each revision that left a table on its way how far it came with rows.

    `words_of` returns the folded words of a statement.
    """
    known = replays(history)
    return {
        its.revision: replace(_cut(known[its.revision], fold(its.table), words_of), is_alone=bool(its.missing))
        for its in found
        if its.revision in known and any(one.name == fold(its.table) for one in known[its.revision].passing)
    }


def _before_fill(replayed: Replayed, its: Interruption, words_of: Words) -> Cut:
    """The row statements before the one that fills a new place, where that holds nothing: they may have run."""
    rows = set(row_statements(replayed))
    place = {fold(its.table), fold(its.column or its.table)}
    fills = (
        number
        for number, each in enumerate(replayed.statements)
        if each.verb in WRITING and place <= words_of(each.text)
    )
    before = sum(each in rows for each in replayed.statements[: next(fills, None)])
    return Cut(before, len(rows) - before)


def _cut(replayed: Replayed, name: str, words_of: Words) -> Cut:
    rows = set(row_statements(replayed))
    at = [number for number, each in enumerate(replayed.statements) if name in words_of(each.text)]
    if not at or replayed.reads:
        number = len(rows) + bool(replayed.reads)
        return Cut(number, number)
    before = sum(each in rows for each in replayed.statements[: at[-1]])
    return Cut(before, sum(each in rows for each in replayed.statements[at[0] :]))


def repeating(
    history: History, diagnosis: Diagnosis, found: tuple[Interruption, ...], asked: tuple[Ask, Words]
) -> dict[Interruption, Interruption]:
    """Return the interruptions whose revision would write rows again if it was run as a whole, for a person to decide.

    The revision is pending: it stopped after statements that change rows, and Alembic begins with its first one.
    `asked` are the answers about rows, and the words of a statement.
    """
    ask, words_of = asked
    known = replays(history)
    empty = {its.runs: _before_fill(known[its.runs], its, words_of) for its in found if its.runs in known}
    stopped = {**empty, **cuts(history, found, words_of)}
    return {
        its: replace(its, steps=(), found=f"{its.found}; {_again(its.revision, stopped[its.revision])}", by_hand=_HINT)
        for its in found
        if its.steps and its.revision in stopped and its.revision not in diagnosis.position
        if stopped[its.revision].before and not _changes_nothing(history, its.revision, stopped[its.revision], ask)
    }


def would_repeat(history: History, revision: str, until: int, ask: Ask) -> bool:
    """Return whether a revision that stopped after so many statements would write rows again if it was run."""
    replayed = replays(history)[revision]
    rows = set(row_statements(replayed))
    before = sum(each in rows for each in replayed.statements[:until])
    if not before and not replayed.reads:
        return False
    return not _changes_nothing(history, revision, Cut(before, 0), ask)


_HINT = "take back by hand what these changed, or finish the revision by hand; then drop the table"


def _again(revision: str, cut: Cut) -> str:
    return f"{revision} changes rows before that ({pluralize(cut.before, 'statement')}), and would change them again"


def _changes_nothing(history: History, revision: str, cut: Cut, ask: Ask) -> bool:
    """Whether the statements that ran would change no value if they ran again."""
    if replays(history)[revision].reads:
        return False
    try:
        return ask(would_alter(history, revision, slice(cut.before))).count == 0
    except ArchmigError:  # it cannot be asked, or the chain cannot be replayed again: then it is not known
        return False
