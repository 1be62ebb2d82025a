"""Revision graph from the text of the chain's files, without importing or running them.

A computed value (a revision id, a down_revision) cannot be read this way and raises ChainError.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from architect_migrate.core.chain_errors import ChainError
from architect_migrate.model.revision_graph import Revision, RevisionGraph
from architect_migrate.revisions.files import chain_option, script_folder
from architect_migrate.revisions.source_file import VARIABLES, read_declarations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from architect_migrate.model.chain_config import ChainConfig

_SEPARATORS = {"space": " ", "newline": "\n", "os": ":", ":": ":", ";": ";"}
_TRUE = frozenset({"true", "1", "yes", "on"})
_ADVICE = "run `archmig history`, which replays the chain"


def graph_as_written(chain: ChainConfig) -> RevisionGraph:
    """Return the revisions that the chain's files declare, parents before children, without digests.

    Raises ChainError.
    """
    by_id: dict[str, Revision] = {}
    for file in _files(chain):
        declared = _declared(file)
        if declared is None:
            continue
        if declared.id in by_id:
            raise ChainError(str(file), f"is the second file of revision {declared.id}")
        by_id[declared.id] = declared
    whole = [_resolved(revision, by_id, chain) for revision in by_id.values()]
    try:
        order = TopologicalSorter({revision.id: revision.parents for revision in whole}).static_order()
        places = {name: place for place, name in enumerate(order)}
    except CycleError as error:
        raise ChainError(str(chain.ini), f"its revisions form a cycle: {error.args[1]}") from error
    return RevisionGraph(tuple(sorted(whole, key=lambda revision: places[revision.id])))


def files_of(chain: ChainConfig) -> dict[str, Path]:
    """Return the file of each revision that the chain's files declare. Raises ChainError."""
    declared = ((_declared(file), file) for file in _files(chain))
    return {revision.id: file for revision, file in declared if revision is not None}


def _files(chain: ChainConfig) -> Iterator[Path]:
    recursive = (chain_option(chain, "recursive_version_locations") or "").lower() in _TRUE
    for folder in folders_of(chain):
        yield from sorted(folder.rglob("*.py") if recursive else folder.glob("*.py"))


def folders_of(chain: ChainConfig) -> list[Path]:
    """Return the folders of a chain's revisions. Raises ChainError."""
    locations = chain_option(chain, "version_locations")
    if not locations:
        return [script_folder(chain) / "versions"]
    word = chain_option(chain, "path_separator") or chain_option(chain, "version_path_separator") or ""
    if word not in _SEPARATORS:
        raise ChainError(str(chain.ini), "version_locations without a path_separator", _ADVICE)
    folders = [chain.root / each.strip() for each in locations.split(_SEPARATORS[word]) if each.strip()]
    if strange := [folder for folder in folders if not folder.is_dir()]:
        raise ChainError(str(chain.ini), f"version_locations: {strange[0]} is not a folder", _ADVICE)
    return list(dict.fromkeys(folders))


def _declared(file: Path) -> Revision | None:
    """Return the revision of a file, its parents as written; None for a file that declares none."""
    declarations = read_declarations(file)
    if "revision" not in declarations:
        return None
    for name in VARIABLES:
        if name in declarations and declarations[name].problem:
            raise ChainError(str(file), f"its {name} {declarations[name].problem}", _ADVICE)
    words = {name: declaration.words for name, declaration in declarations.items()}
    if len(words["revision"]) != 1:
        raise ChainError(str(file), "its revision is not a single string", _ADVICE)
    down = words.get("down_revision", ())
    parents = (*down, *words.get("depends_on", ()))
    return Revision(words["revision"][0], parents, labels=words.get("branch_labels", ()), down=down)


def _resolved(revision: Revision, by_id: dict[str, Revision], chain: ChainConfig) -> Revision:
    """Return the revision with full ids of its parents, which may be written as a label or the beginning of an id."""
    down = tuple(_id(name, by_id, chain) for name in revision.down)
    parents = (_id(parent, by_id, chain) for parent in revision.parents)
    return replace(revision, parents=tuple(sorted(set(parents))), down=down)


def _id(word: str, by_id: dict[str, Revision], chain: ChainConfig) -> str:
    if word in by_id:
        return word
    match = _unique(
        revision.id for revision in by_id.values() if word in revision.labels or revision.id.startswith(word)
    )
    if match is None:
        raise missing(chain, word)
    return match


def missing(chain: ChainConfig, word: str) -> ChainError:
    """Return the error for a revision that no file defines; a squash that was killed has kept its file elsewhere."""
    problem = f"a revision comes after {word!r}, which no file defines"
    kept = (*(script_folder(chain) / "squashed").rglob("*.py"), *_renamed(folders_of(chain)))
    if file := next((file for file in kept if _is_of(file, word)), None):
        advice = f"its file is {file}: if archmig squash was killed, move the old files back from there"
        return ChainError(str(chain.ini), problem, advice)
    return ChainError(str(chain.ini), problem)


def _renamed(folders: Iterable[Path]) -> Iterator[Path]:
    return (file for folder in folders for file in folder.rglob("*.squashed"))


def _is_of(file: Path, revision: str) -> bool:
    with suppress(ChainError):
        declarations = read_declarations(file)
        return "revision" in declarations and declarations["revision"].words == (revision,)
    return False


def _unique(ids: Iterable[str]) -> str | None:
    several = [*ids]
    return several[0] if len(several) == 1 else None
