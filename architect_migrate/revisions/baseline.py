"""The baseline of a chain: what is in a database before its first revision, or instead of the first ones."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic.util import CommandError

from architect_migrate.core.chain_errors import ChainError
from architect_migrate.core.database_errors import DatabaseError
from architect_migrate.databases.registry import lender
from architect_migrate.model.history import Replayed
from architect_migrate.model.revision_graph import BASE, Revision, RevisionGraph, ancestry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from alembic.script import ScriptDirectory

    from architect_migrate.databases.base import Connection
    from architect_migrate.model.chain_config import ChainConfig


@dataclass(frozen=True, slots=True)
class Baseline:
    """The baseline of a chain: the revision that stands for it, and the revisions whose place it takes.

    `carrier` is `base` for what is there before the first revision, and empty for a chain without a baseline. None of
    the revisions in `replaced` is run.
    """

    carrier: str = ""
    replaced: frozenset[str] = frozenset()

    def contains(self, revision: str) -> bool:
        """Whether a revision is not run, because the baseline stands for it."""
        return revision in self.replaced or (revision == BASE and bool(self.carrier))

    def revisions(self, own: tuple[Revision, ...], title: str) -> tuple[Revision, ...]:
        """Return the chain's own revisions and the one that stands for the baseline, those of the baseline first."""
        if self.carrier == BASE:
            first = Revision(BASE, (), title, baseline=True)
            return (first, *(replace(each, parents=each.parents or (BASE,)) for each in own))
        marked = (replace(each, data_step=False, baseline=True) if each.id in self.replaced else each for each in own)
        return tuple(sorted(marked, key=lambda revision: not revision.baseline))


def baseline_of(chain: ChainConfig, script: ScriptDirectory, revisions: tuple[Revision, ...]) -> Baseline:
    """Return the baseline of a chain with these revisions. Raises ChainError for one at an unknown revision."""
    if not chain.baseline:
        return Baseline()
    if chain.baseline_at == BASE:
        return Baseline(BASE)
    try:
        found = script.get_revision(chain.baseline_at)
    except CommandError:
        found = None
    if found is None:
        problem, advice = f"the chain has no revision {chain.baseline_at}", "correct [alembic] baseline_at"
        raise ChainError(str(chain.ini), problem, advice)
    return Baseline(found.revision, ancestry(RevisionGraph(revisions), [found.revision]))


def title_of(chain: ChainConfig) -> str:
    """Return what the history says of the baseline."""
    return f"baseline: {chain.baseline if chain.is_function else Path(chain.baseline).name}"


def lay_baseline(chain: ChainConfig, lent: sa.Connection | None, connection: Connection, version_table: str) -> None:
    """Make a chain's baseline in a database, without Alembic's version table. Raises ChainError.

    `lent` is SQLAlchemy's connection on the same database, for a function of the chain's code. What
    that raises is raised as it is.
    """
    if chain.is_function:
        _call(chain.baseline, lent)
        return
    path = Path(chain.baseline)
    try:
        lender.lay_file(connection, path, [version_table])
    except DatabaseError as error:
        advice = "correct it, or let archmig baseline write it"
        raise ChainError(str(path), f"the baseline cannot be made of it: {error.problem}", advice) from error


def _call(name: str, lent: sa.Connection | None) -> None:
    module, _, function = name.partition(":")
    made: Any = import_module(module)
    for attribute in function.split("."):
        made = getattr(made, attribute)
    made(lent)


def schema_alone(replayed: Replayed) -> Replayed:
    """Return the replay of a baseline without its statements on rows.

    Why: the rows of a baseline are what a new database begins with. What other databases have of them is theirs.
    """
    made = tuple(statement for statement in replayed.statements if not statement.writes)
    return Replayed(replayed.delta, made, replayed.writes)


# How SQLite and SQLAlchemy say that a table or column is lacking, and SQLite that there is one of the name already.
_LACKING = ("no such table", "NoSuchTableError")
_TAKEN = ("already exists", "duplicate column name")


def begun_otherwise(chain: ChainConfig, cause: str, creator: str) -> str:
    """Return what to do about a failed replay of a chain that does not begin at nothing; empty for other failures.

    `creator` is an earlier revision that called create_all(); empty if none did.
    """
    lacks, has = (any(words in cause for words in said) for said in (_LACKING, _TAKEN))
    begins = bool(creator or chain.baseline)
    lacks |= begins and "no such column" in cause
    if not lacks and not (has and begins):
        return ""
    if chain.baseline:
        wrong = "lacks that" if lacks else "has that already"
        again = "write it anew: archmig baseline --env NAME --force"
        return f"the {title_of(chain)} {wrong}: correct it, or {again}"
    if creator:
        made = "which need not be what it made in its day"
        advice = "archmig baseline --env NAME writes that down"
        return f"{creator} calls create_all() of today's models, {made}: {advice}"
    return (
        "nothing before it makes that: if the application did before the chain began, archmig baseline --env NAME "
        "writes it down"
    )


@contextmanager
def noting_create_all(note: Callable[[], None]) -> Iterator[None]:
    """Call `note` whenever all tables of some models are to be created."""
    usual = sa.MetaData.create_all

    @wraps(usual)
    def noted(self: sa.MetaData, *arguments: Any, **named: Any) -> None:
        if named.get("tables") is None and len(arguments) < 2:
            note()
        usual(self, *arguments, **named)

    setattr(sa.MetaData, "create_all", noted)  # noqa: B010  (a method, for as long as the replay takes)
    try:
        yield
    finally:
        setattr(sa.MetaData, "create_all", usual)  # noqa: B010  (as it was)
