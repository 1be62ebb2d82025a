"""What models have beyond a chain, as Alembic's autogenerate writes it; no database of the project is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from architect_migrate.core import codec
from architect_migrate.core.chain_errors import NewRevisionError
from architect_migrate.revisions.sandbox import ask

if TYPE_CHECKING:
    from architect_migrate.model.chain_config import ChainConfig


@dataclass(frozen=True, slots=True)
class Compared:
    """The code of a revision that makes the chain's schema that of the models; empty `verbs`: it is that already."""

    upgrade: str
    downgrade: str
    imports: str
    verbs: tuple[str, ...]


def compared(chain: ChainConfig, models: str) -> Compared:
    """Compare models with the replayed chain, in a process of its own. Raises NewRevisionError."""
    text, failure = ask("autogenerate_process", chain, "comparison", models)
    if failure:
        # Why without: most errors of a replay begin with this file.
        problem = failure.removeprefix(f"{chain.ini}: ")
        raise NewRevisionError(str(chain.ini), problem, "nothing was written")
    found: Compared = codec.load(text, (Compared,))
    return found
