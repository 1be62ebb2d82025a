"""What a chain on PostgreSQL says about the values of columns."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from architect_migrate.databases.postgresql.repair.context import is_constant
from architect_migrate.databases.postgresql.repair.fills import filled
from architect_migrate.databases.postgresql.statements import significant
from architect_migrate.diagnosis.from_chain import collected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from architect_migrate.diagnosis.suggestions import FromChain
    from architect_migrate.model.history import History


# Asked for every database that is planned for, and the same for all of one chain.
@lru_cache(maxsize=8)
def from_chain(history: History) -> FromChain:
    """Return the values that revisions give the rows of each column, without their casts; the newest one wins."""
    return collected(history, _plainly, lambda default: plain(default) if is_constant(default) else None)


def _plainly(updates: Iterable[str]) -> dict[tuple[str, str], tuple[str, str]]:
    return {key: (source, plain(literal)) for key, (source, literal) in filled(updates).items()}


def plain(default: str) -> str:
    """A literal without its cast."""
    cast = next((token.start for token in significant(default) if token.text == ":"), len(default))
    return default[:cast]
