"""The rows of constants that revisions insert, as questions about a database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.core.database_errors import QuestionError
from architect_migrate.core.text import pluralize
from architect_migrate.planning.row_questions import RowsLike

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.model.history import Replayed
    from architect_migrate.model.schema import Key
    from architect_migrate.planning.row_questions import Answer, Question

    Ask = Callable[[Question], Answer]


def counted(ask: Ask, question: Question) -> int | None:
    """How many rows an answer counts; None where the question cannot be asked."""
    try:
        return ask(question).count
    except QuestionError:
        return None


@dataclass(frozen=True, slots=True)
class Seeds:
    """The rows of constants that a revision inserts, and that last to a position, as questions about them."""

    questions: tuple[RowsLike, ...]

    @staticmethod
    def of(position: frozenset[str], replayed: Replayed) -> Seeds:
        """The rows that a revision inserts, without those that a later one of the position takes away."""
        rows: dict[tuple[str, Key, str], set[tuple[str, ...]]] = {}
        for seed in replayed.seeds:
            if seed.until not in position:
                rows.setdefault((seed.table, seed.columns, seed.key), set()).add(seed.digests)
        return Seeds(tuple(RowsLike(table, cols, tuple(sorted(its)), key) for (table, cols, key), its in rows.items()))

    @property
    def number(self) -> int:
        """How many they are."""
        return sum(len(question.rows) for question in self.questions)

    def there(self, ask: Ask) -> int | None:
        """How many of them a database has; None where it cannot be asked."""
        counts = [counted(ask, question) for question in self.questions]
        return None if None in counts else sum(count or 0 for count in counts)

    def words(self, there: int) -> str:
        """How many of them are there, in words."""
        return f"{there:,} of the {pluralize(self.number, 'row')} that it inserts"
