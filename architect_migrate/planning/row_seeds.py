"""The rows of constants that revisions insert, as questions about a database."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import ForbiddenQuestionError, QuestionError
from architect_migrate.core.text import pluralize
from architect_migrate.model.history import replays
from architect_migrate.model.seed_rows import Clash
from architect_migrate.planning.row_questions import RowsLike

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from architect_migrate.model.history import History, Replayed
    from architect_migrate.model.schema import Key
    from architect_migrate.model.seed_rows import SeedRow
    from architect_migrate.planning.row_questions import Answer, Question

    Ask = Callable[[Question], Answer]


def counted(ask: Ask, question: Question) -> int | None:
    """How many rows an answer counts; None where the question cannot be asked."""
    try:
        return ask(question).count
    except QuestionError:
        return None


@dataclass(frozen=True, slots=True)
class Found:
    """What a database has of the rows that a revision inserts.

    Of `number` rows `exact` have all the values, `keyed` the key that names them, and `elsewhere` all values but a
    number that SQLite gives rows, and not that. `ran` says that each statement shows that it ran: all of its rows are
    there, or one of them while other values have the keys of the rest, as where a person edited them. `unread` says
    that the rows could not be looked for: any of them may be there.
    """

    number: int
    exact: int = 0
    keyed: int = 0
    elsewhere: int = 0
    ran: bool = False
    unread: bool = False

    @property
    def any(self) -> bool:
        """Whether there is, or may be, something of them."""
        return bool(self.exact or self.keyed or self.elsewhere or self.unread)

    @property
    def lacking(self) -> bool:
        """Whether some of them have gone, and were not edited or numbered anew."""
        return not self.unread and self.keyed + self.elsewhere < self.number

    @property
    def words(self) -> str:
        """How many of them are there, in words."""
        if self.unread:
            return "the rows that it inserts could not be read"
        words = [f"{self.exact:,} of the {pluralize(self.number, 'row')} that it inserts are there"]
        words += [f"{self.keyed - self.exact:,} with other values"] if self.keyed > self.exact else []
        words += [f"{self.elsewhere:,} under another number"] if self.elsewhere else []
        return ", ".join(words)


def seeds_found(position: frozenset[str], replayed: Replayed, ask: Ask) -> Found:
    """What a database has of the rows of constants that a revision inserts and no later one of a position removes."""
    groups: dict[tuple[int, str], list[SeedRow]] = {}
    for seed in replayed.seeds:
        if seed.until not in position:
            groups.setdefault((seed.statement, seed.table), []).append(seed)
    # Rows that are alike are as many rows: each one that is there counts for one statement.
    alike: Counter[frozenset[tuple[str, Key, tuple[str, ...]]]] = Counter()
    found: list[Found] = []
    for group in groups.values():
        named = frozenset((seed.table, seed.columns, seed.digests) for seed in group)
        try:
            found.append(_found(group, position, ask, alike[named]))
        except ForbiddenQuestionError:
            found.append(Found(len(named), unread=True))
        alike[named] += len(named)
    return Found(
        sum(each.number for each in found),
        sum(each.exact for each in found),
        sum(each.keyed for each in found),
        sum(each.elsewhere for each in found),
        bool(found) and all(each.ran for each in found),
        any(each.unread for each in found),
    )


def undeleted(history: History, position: frozenset[str], revision: str, ask: Ask) -> str:
    """How many rows of constants are there that a revision of a position takes away, in words; empty for none."""
    before, number = position - {revision}, 0
    for earlier, replayed in replays(history).items():
        taken = tuple(seed for seed in replayed.seeds if seed.until == revision)
        if taken and earlier in before:
            number += seeds_found(before, replace(replayed, seeds=taken), ask).exact
    return f"{pluralize(number, 'row is', 'rows are')} there that it takes away" if number else ""


def missing_seeds(position: frozenset[str], replayed: Replayed, ask: Ask) -> str:
    """How many rows of constants are there, if not all of those that a revision inserts and no later one removes."""
    seeds = seeds_found(position, replayed, ask)
    return seeds.words if seeds.lacking else ""


def is_taken(replayed: Replayed, ask: Ask) -> bool:
    """Whether rows of a database have a key of those that a revision inserts."""
    keys = {(seed.table, columns, seed.key, digests) for seed in replayed.seeds for columns, digests in seed.keys}
    return any(counted(ask, RowsLike(table, columns, (digests,), key)) for table, columns, key, digests in keys)


def _found(seeds: list[SeedRow], position: frozenset[str], ask: Ask, others: int) -> Found:
    """What a database has of the rows of one statement; nothing where it cannot be asked.

    `others` of those that are like them are the rows of other statements.
    """
    named = {(seed.columns, seed.digests) for seed in seeds}
    number = len(named)
    exact = _number(seeds, (each for seed in seeds for each in seed.at(position)), ask)
    exact = min(max(exact - others, 0), number)
    keyed = max(_number(seeds, named, ask) - others, exact)
    elsewhere = 0
    if keyed < number and all(seed.numbered for seed in seeds):
        unnumbered = {_without(each, seed.columns) for seed in seeds for each in seed.at(position)}
        elsewhere = min(max(_number(seeds, (each for each in unnumbered if each[0]), ask) - exact, 0), number - keyed)
    edited = keyed == number and exact > 0 and seeds[0].clash != Clash.REPLACES
    return Found(number, exact, keyed, elsewhere, exact == number or edited)


def _without(values: tuple[Key, tuple[str, ...]], key: Key) -> tuple[Key, tuple[str, ...]]:
    left = [(column, digest) for column, digest in zip(*values, strict=True) if column not in key]
    return tuple(column for column, _ in left), tuple(digest for _, digest in left)


def _number(seeds: list[SeedRow], rows: Iterable[tuple[Key, tuple[str, ...]]], ask: Ask) -> int:
    """How many of some rows of one table, each by its columns, a database has."""
    by_columns: dict[Key, set[tuple[str, ...]]] = {}
    for columns, digests in rows:
        by_columns.setdefault(columns, set()).add(digests)
    table, key = seeds[0].table, seeds[0].key
    questions = (RowsLike(table, columns, tuple(sorted(of)), key) for columns, of in by_columns.items())
    return sum(_count(ask, question) for question in questions)


def _count(ask: Ask, question: Question) -> int:
    """How many rows an answer counts; none where the question cannot be asked. Raises ForbiddenQuestionError."""
    try:
        return ask(question).count
    except ForbiddenQuestionError:
        raise
    except QuestionError:
        return 0
