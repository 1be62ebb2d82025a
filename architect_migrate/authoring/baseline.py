"""Writes down with what a chain begins, and proves that the chain runs on it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.core import codec
from architect_migrate.core.atomic_files import write_atomically
from architect_migrate.core.chain_errors import BaselineError, ChainError
from architect_migrate.databases.registry import access, reader
from architect_migrate.model.revision_graph import BASE
from architect_migrate.planning.results import DEPARTED, State
from architect_migrate.revisions.baseline_search import JOB_CLASSES, Job
from architect_migrate.revisions.replay import source_of
from architect_migrate.revisions.sandbox import ask
from architect_migrate.revisions.static_graph import graph_as_written
from architect_migrate.runs.survey import survey

if TYPE_CHECKING:
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.values import StoredObject
    from architect_migrate.model.chain_config import ChainConfig
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.planning.results import Survey
    from architect_migrate.revisions.baseline_search import Found

_NOTHING = "nothing was written"


@dataclass(frozen=True, slots=True)
class Wish:
    """Which baseline is wanted: at which revision (empty: where it is needed), and with which tables of the database.

    `models` ("module:metadata") take the place of the database.
    """

    at: str = ""
    models: str = ""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class NewBaseline:
    """A baseline, as text for its file, on which the chain was replayed.

    `survey` is how the environment's database is by it, None without one. `graph` is the chain with the baseline.
    """

    path: Path
    text: str
    found: Found
    source: str
    graph: RevisionGraph
    survey: Survey | None = None

    @property
    def exit_code(self) -> int:
        """1 if the database that it was worked out from differs from the chain all the same, else 0."""
        return int(self.survey is not None and self.survey.state in DEPARTED - {State.UNSTAMPED})


def baseline_for(chain: ChainConfig, context: EnvironmentContext | None, path: Path, wish: Wish) -> NewBaseline:
    """Work out the baseline of a chain from an environment's database or from models. Writes nothing.

    Raises BaselineError if it cannot be worked out, ChainError, ReplayError, and as `reading`.
    """
    objects = _objects(context) if context and not wish.models else ()
    found = _searched(chain, objects, wish)
    named = wish.models or (context.environment.name if context else "")
    if found.lacks:
        revision, cause = found.lacks
        problem = f"the chain does not run on what {named} has: at revision {revision}, {cause}"
        advice = f"{_NOTHING}: name a database that is at an earlier revision, or write the baseline by hand"
        raise BaselineError(str(path), problem, advice)
    text = _text(found, named)
    with tempfile.TemporaryDirectory(prefix="archmig-baseline-") as name:
        draft = Path(name) / "baseline.sql"
        draft.write_text(text, encoding="utf-8")
        source = source_of(chain.made_by(str(draft), found.at), Path(name))
        graph = source.history.graph
        if context:
            source = source.without(context.source.excluded, context.source.reserved)
        seen = survey(replace(context, source=source)) if context else None
    return NewBaseline(path, text, found, named, graph, seen)


def write_baseline(new: NewBaseline, *, force: bool) -> None:
    """Write a baseline to its file. Raises BaselineError if there is one and it is not to be replaced."""
    if new.path.exists() and not force:
        raise BaselineError(str(new.path), "is there already", f"{_NOTHING}: --force replaces it, --out names another")
    try:
        write_atomically(new.path, new.text)
    except OSError as error:
        raise BaselineError(str(new.path), f"cannot be written: {error.strerror or error}", _NOTHING) from error


def _objects(context: EnvironmentContext) -> tuple[StoredObject, ...]:
    environment = context.environment
    table = graph_as_written(context.source.chain).version_table
    with access.reading(environment.url, environment.policies.lock_timeout) as connection:
        return reader.stored_objects(connection, context.hidden(table))


def _searched(chain: ChainConfig, objects: tuple[StoredObject, ...], wish: Wish) -> Found:
    """Search in a process that reaches only its own folder, as a replay does. Raises ChainError."""
    job = Job(objects, wish.models, wish.at, wish.whole)
    text, failure = ask("baseline_process", chain, "search", codec.dump(job))
    if failure:
        raise ChainError(str(chain.ini), failure, _NOTHING)
    found: Found = codec.load(text, JOB_CLASSES)
    return found


def _text(found: Found, named: str) -> str:
    """Return the file: what it assumes in comments, then its statements."""
    where = "before the first revision" if found.at == BASE else f"at revision {found.at}"
    first = f"What was there {where}, worked out by archmig baseline from {' '.join(named.split())}."
    return "".join(f"-- {line}\n" for line in (first, *assumptions(found))) + found.script


def assumptions(found: Found) -> tuple[str, ...]:
    """Return what a baseline assumes, one line each."""
    shape = "Assumed: what no revision makes was there from the beginning, in the shape that it has now."
    return (shape, *(f"Left out: {name}, which revision {revision} makes." for name, revision in found.made))
