"""What a chain on SQLite says about the values of columns."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from architect_migrate.databases.sqlite.sql.fills import filled
from architect_migrate.diagnosis.from_chain import collected

if TYPE_CHECKING:
    from architect_migrate.diagnosis.suggestions import FromChain
    from architect_migrate.model.history import History


# Asked for every database that is planned for, and the same for all of one chain.
@lru_cache(maxsize=8)
def from_chain(history: History) -> FromChain:
    """Return the values that revisions give the rows of each column; the newest one wins."""
    return collected(history, filled, lambda default: default)
