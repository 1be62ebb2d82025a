"""The environments that a command works on: finds environments.toml, selects from it, and makes their contexts."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.cli.by_path import environments_by_path, files_among
from architect_migrate.cli.terminal import say
from architect_migrate.config.chain_choice import project_without_file
from architect_migrate.config.context import chain_alone, context_for, contexts_for
from architect_migrate.config.loader import find_config, read_project
from architect_migrate.config.locate import named_config
from architect_migrate.core.errors import ConfigNotFoundError, UnknownEnvironmentError, UsageError
from architect_migrate.databases.registry import require
from architect_migrate.model.environment import ProjectConfig, distinct, every_environment, select, select_one
from architect_migrate.revisions.replay import cache_folder, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from architect_migrate.cli.context import Options
    from architect_migrate.config.context import EnvironmentContext
    from architect_migrate.databases.capabilities import Capability
    from architect_migrate.model.environment import Environment
    from architect_migrate.model.revision_graph import RevisionGraph
    from architect_migrate.revisions.replay import Source


# Commands that go by no [[resolve]] entry, and need no chain either.
_WITHOUT_ENTRIES = frozenset({"backup", "docs", "history", "undo"})


def project_of(options: Options) -> ProjectConfig:
    """Read environments.toml; where databases are named by path alone, none is needed."""
    try:
        project = read_project(find_config(options.config, os.environ, Path.cwd()), os.environ)
    except ConfigNotFoundError:
        named = options.names or options.tags or options.everything
        if options.config or named_config(os.environ) or named or not options.paths:
            raise
        return project_without_file(Path.cwd())
    for line in project.warnings:
        if line not in options.told:
            options.told.append(line)
            say(f"warning: {line}")
    return project


def to_read(options: Options) -> tuple[EnvironmentContext, ...]:
    """The contexts of the environments that were named, of all where none was."""
    project = project_of(options)
    return _spelt(options, project, contexts_for(project, to_look_at(project, options), cache()))


def to_look_at(project: ProjectConfig, options: Options) -> tuple[Environment, ...]:
    """The environments that were named, all where none was."""
    return _chosen(project, options) if options.chosen else every_environment(project)


def listed(options: Options) -> tuple[ProjectConfig, tuple[Environment, ...]]:
    """The project, and the environments that were named, all where none was; the chain is not read."""
    project = project_of(options)
    return project, _chosen(project, options) if options.chosen else project.environments


def to_change(options: Options, *needs: Capability) -> tuple[EnvironmentContext, ...]:
    """The contexts of the environments that were named.

    Raises UsageError where none was, and UnsupportedError where their kind lacks what the command needs.
    """
    if not options.chosen:
        raise UsageError(f"archmig {options.command} changes databases, and none was named", NAME_THEM)
    project = project_of(options)
    chosen = _chosen(project, options)
    for capability in needs:
        require(capability, *(environment.url for environment in chosen))
    return _spelt(options, project, contexts_for(project, chosen, cache()))


def _spelt(
    options: Options, project: ProjectConfig, contexts: tuple[EnvironmentContext, ...]
) -> tuple[EnvironmentContext, ...]:
    """The same settings, with what is misspelt in their entries, which is said on stderr once."""
    if not project.resolutions or options.command.partition(" ")[0] in _WITHOUT_ENTRIES:
        return contexts
    from architect_migrate.config.misspelt import with_misspelt

    found = with_misspelt(project, contexts)
    for line in dict.fromkeys(line for context in found for line in context.misspelt):
        say(f"warning: {line}")
    return found


NAME_THEM = "name them with -e ENV, --tag TAG or --db PATH, or pass --all"


def split_words(options: Options, words: Sequence[str] | None) -> tuple[Options, str | None]:
    """Tell the words of `[REV] [ENV]...` apart: the options with the environments added, and the revision.

    Raises UsageError for a word that may be either and for two revisions, UnknownEnvironmentError for a word that is
    neither and looks like the name of an environment.
    """
    words, files = files_among(words or (), options.paths)
    options = replace(options, paths=(*options.paths, *files))
    if not words:
        return options, None
    project = project_of(options)
    known = {*project.names}
    names = tuple(word for word in words if word in known or "*" in word)
    others = tuple(word for word in words if word not in names)
    for word in known.intersection(names):
        if _may_be_revision(options, word):
            advice = f"write -e {word} for the environment, the whole id or {word}@head for the revision"
            raise UsageError(f"{word!r} is the name of an environment, and also names a revision or branch", advice)
    for word in others:
        if _close(word, known) and not _may_be_revision(options, word):
            raise UnknownEnvironmentError(str(project.file), "environment", word, tuple(sorted(known)))
    if len(others) > 1:
        raise UsageError(f"{len(others)} revisions were given: {', '.join(others)}", "give one")
    return replace(options, names=(*options.names, *names)), others[0] if others else None


def _may_be_revision(options: Options, word: str) -> bool:
    """Whether a word names a revision or a branch, or begins the ids of several."""
    from architect_migrate.core.chain_errors import UnknownRevisionError
    from architect_migrate.runs.target import require_known

    try:
        require_known(chain_of(options), word)
    except UnknownRevisionError as error:
        return bool(error.candidates)
    return True


def _close(word: str, known: set[str]) -> bool:
    """Whether a word looks like one of the known ones."""
    from difflib import get_close_matches  # only an unknown word pays for the import

    return bool(get_close_matches(word[:80].lower(), known, n=1, cutoff=0.6))


def _chosen(project: ProjectConfig, options: Options) -> tuple[Environment, ...]:
    by_path = environments_by_path(project, options.paths, options.command)
    if not options.everything:
        return select(project, options.names, options.tags, by_path)
    if options.names or options.tags:
        raise UsageError("--all contradicts the name of an environment or a tag", "give one of them")
    all_of_them = every_environment(project)
    return distinct((*all_of_them, *(environment for environment in by_path if environment not in all_of_them)))


def some_unlisted(options: Options) -> bool:
    """Whether there may be databases that were selected and are not known: a folder of theirs could not be listed."""
    return any(
        section.unread and _selects(options, section.name, section.tags) for section in project_of(options).sections
    )


def _selects(options: Options, section: str, tags: frozenset[str]) -> bool:
    if options.everything or not options.chosen:
        return True
    return bool(tags.intersection(options.tags)) or any(word == section or "*" in word for word in options.names)


def context_named(project: ProjectConfig, name: str) -> EnvironmentContext:
    """The context of one environment by its name."""
    return context_for(project, select_one(project, name), cache())


def chain_of(options: Options) -> RevisionGraph:
    """The revision graph, where no database is named."""
    return source_in_use(options).graph


def source_in_use(options: Options) -> Source:
    """The chain, where no database is named."""
    return source_of(chain_alone(project_of(options)), cache())


def cache() -> Path | None:
    """The folder in which replays of the chain are cached."""
    return cache_folder(os.environ)
