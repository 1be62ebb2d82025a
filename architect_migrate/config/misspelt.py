"""Finds misspelt names in [[resolve]] entries: neither the chain, at any revision, nor any database has them.

Databases are read only if an entry names something that the chain never makes. If a database cannot be read, no entry
is reported: that database may have the object.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architect_migrate.core.errors import ArchmigError, meant, shortened
from architect_migrate.core.names import fold
from architect_migrate.databases.registry import marks
from architect_migrate.model.environment import Fill, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.model.environment import ProjectConfig, Resolution, Subject
    from architect_migrate.model.names import Names


def with_misspelt(project: ProjectConfig, contexts: tuple[EnvironmentContext, ...]) -> tuple[EnvironmentContext, ...]:
    """Return the settings with a line for every misspelt entry that applies; none if the chain cannot be read."""
    entries = tuple(dict.fromkeys(entry for each in contexts for entry in each.resolutions))
    try:
        found = misspelt(project, entries, contexts[0].source.whole.names) if entries else {}
    except ArchmigError:  # the chain cannot be read: a command that needs it reports that
        return contexts
    return tuple(
        replace(context, misspelt=tuple(found[entry] for entry in context.resolutions if entry in found))
        for context in contexts
    )


def misspelt(project: ProjectConfig, entries: Iterable[Resolution], chain: Names) -> dict[Resolution, str]:
    """Return the entries that name an object which neither the chain nor any database has, each with a warning."""
    left = {entry: word for entry in entries if (word := _unknown(entry, chain))}
    known = chain
    for environment in project.environments if left else ():
        try:
            known |= marks.names_in(environment.url, environment.policies.lock_timeout)
        except ArchmigError:
            return {}
        left = {entry: word for entry in left if (word := _unknown(entry, known))}
        if not left:
            return {}
    return {entry: _line(entry, word, known) for entry, word in left.items()}


def _line(entry: Resolution, word: tuple[str, str, str], known: Names) -> str:
    kind, table, name = word
    of = f" of {shortened(table)}" if table else ""
    hint = meant(name, _rivals(kind, table, known)) or "correct the entry, or take it out"
    return f"{entry.origin}: neither the chain nor any database has a {kind} {shortened(name)}{of}: {hint}"


def _rivals(kind: str, table: str, known: Names) -> Iterable[str]:
    """Return every known name of a kind."""
    match kind:
        case "column":
            return [name for of, name in known.columns if of == table]
        case "constraint":
            return [name for of, name in known.constraints if of == table]
        case "index":
            return known.indexes
        case "trigger":
            return known.triggers
        case "view":
            return known.views
        case "revision":
            return known.revisions
        case "table":
            return known.tables
        case _:
            return [name for of, name in known.objects if of == kind]


def _unknown(entry: Resolution, known: Names) -> tuple[str, str, str] | None:
    """Return kind, table and name of the first unknown name in an entry."""
    for kind, table, name in _words(entry.subject):
        if name not in _rivals(kind, table, known):
            return kind, table, name
    copied = entry.copy_from if isinstance(entry, Fill) else None
    # Why also folded: a statement has this name as the entry has it, so that the entry keeps it.
    if copied and not {copied, fold(copied)} & {*_rivals("column", entry.subject.table or "", known)}:
        return "column", entry.subject.table or "", copied
    return None


def _words(subject: Subject) -> Iterator[tuple[str, str, str]]:
    """Yield the names in a subject as (kind, table, name), its table first."""
    table = subject.table or ""
    if table:
        yield "table", "", table
    match subject.kind:
        case Kind.COLUMN:
            yield "column", table, subject.name
        case Kind.CONSTRAINT if subject.columns:
            yield from (("column", table, column) for column in subject.columns)
        case Kind.REVISION:
            yield "revision", "", fold(subject.name)
        # Why not a stamp: the entry is about one that the chain does not have.
        case Kind.NAMES | Kind.STAMP:
            return
        case _:
            yield subject.kind.value, table if subject.kind is Kind.CONSTRAINT else "", subject.name
