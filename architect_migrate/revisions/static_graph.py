"""A chain in outline from its files as they are written: nothing is imported or run, so it says less than replay.

What a file computes (a revision id, what it comes after) cannot be read so, and then nothing is said at all.
"""

from __future__ import annotations

from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import ChainError
from architect_migrate.model.revision_graph import Revision, RevisionGraph
from architect_migrate.revisions.files import alembic_option, script_folder
from architect_migrate.revisions.source_file import VARIABLES, read_declarations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_SEPARATORS = {"space": " ", "newline": "\n", "os": ":", ":": ":", ";": ";"}
_TRUE = frozenset({"true", "1", "yes", "on"})
_ADVICE = "`archmig history` runs the chain to learn it"


def graph_as_written(ini: Path) -> RevisionGraph:
    """The revisions that the chain's files declare, parents before children, without digests. Raises ChainError."""
    found: dict[str, Revision] = {}
    for file in _files(ini):
        declared = _declared(file)
        if declared is None:
            continue
        if declared.id in found:
            raise ChainError(str(file), f"is the second file of revision {declared.id}")
        found[declared.id] = declared
    whole = [_resolved(revision, found, ini) for revision in found.values()]
    try:
        order = TopologicalSorter({revision.id: revision.parents for revision in whole}).static_order()
        places = {name: place for place, name in enumerate(order)}
    except CycleError as error:
        raise ChainError(str(ini), f"its revisions come after each other in a circle: {error.args[1]}") from error
    return RevisionGraph(tuple(sorted(whole, key=lambda revision: places[revision.id])))


def _files(ini: Path) -> Iterator[Path]:
    recursive = (alembic_option(ini, "recursive_version_locations") or "").lower() in _TRUE
    for folder in _folders(ini):
        yield from sorted(folder.rglob("*.py") if recursive else folder.glob("*.py"))


def _folders(ini: Path) -> list[Path]:
    said = alembic_option(ini, "version_locations")
    if not said:
        return [script_folder(ini) / "versions"]
    word = alembic_option(ini, "path_separator") or alembic_option(ini, "version_path_separator") or ""
    if word not in _SEPARATORS:
        raise ChainError(str(ini), "version_locations without a path_separator", _ADVICE)
    folders = [ini.parent / each.strip() for each in said.split(_SEPARATORS[word]) if each.strip()]
    if strange := [folder for folder in folders if not folder.is_dir()]:
        raise ChainError(str(ini), f"version_locations: {strange[0]} is no folder", _ADVICE)
    return list(dict.fromkeys(folders))


def _declared(file: Path) -> Revision | None:
    """The revision of a file, its parents as they are written; None for a file that declares none."""
    said = read_declarations(file)
    if "revision" not in said:
        return None
    for name in VARIABLES:
        if name in said and said[name].problem:
            raise ChainError(str(file), f"its {name} {said[name].problem}", _ADVICE)
    words = {name: declaration.words for name, declaration in said.items()}
    if len(words["revision"]) != 1:
        raise ChainError(str(file), "its revision is not one text", _ADVICE)
    down = words.get("down_revision", ())
    parents = (*down, *words.get("depends_on", ()))
    return Revision(words["revision"][0], parents, labels=words.get("branch_labels", ()), down=down)


def _resolved(revision: Revision, found: dict[str, Revision], ini: Path) -> Revision:
    """The same, with the ids of what it comes after: a label or the beginning of an id may stand for one."""
    down = tuple(_id(name, found, ini) for name in revision.down)
    parents = (_id(parent, found, ini) for parent in revision.parents)
    return replace(revision, parents=tuple(sorted(set(parents))), down=down)


def _id(word: str, found: dict[str, Revision], ini: Path) -> str:
    if word in found:
        return word
    meant = _unique(
        revision.id for revision in found.values() if word in revision.labels or revision.id.startswith(word)
    )
    if meant is None:
        raise ChainError(str(ini), f"a revision names {word!r} as one before it, and there is no such file")
    return meant


def _unique(ids: Iterable[str]) -> str | None:
    several = [*ids]
    return several[0] if len(several) == 1 else None
