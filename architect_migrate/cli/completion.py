"""Shell completion of the names in environments.toml. Outside a project it offers nothing, and it never fails."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from architect_migrate.model.environment import ProjectConfig


@dataclass(frozen=True, slots=True)
class Completion:
    """A word that is offered, with the attributes that Click reads."""

    value: str
    type: str = "plain"
    help: str | None = None


def add_completion(parameters: Iterable[Any]) -> None:
    """Give each parameter whose metavar names environments, tags or commands its completion.

    Why not Typer's `autocompletion`: it inspects the function for each parameter at each start, which takes
    milliseconds that only a completion needs to spend.
    """
    for parameter in parameters:
        if words := _WORDS.get(parameter.metavar):
            parameter.shell_complete = partial(_offered, words)


def _offered(words: Callable[[Any], Iterable[str]], context: Any, incomplete: str) -> list[Completion]:
    return [Completion(word) for word in words(context) if word.startswith(incomplete)]


def _environments(context: Any) -> Iterable[str]:
    project = _project(context)
    return list(project.names) if project else []


def _tags(context: Any) -> Iterable[str]:
    project = _project(context)
    return sorted(project.tags) if project else []


def _commands(context: Any) -> Iterable[str]:
    """The commands, or those of the group that the words before name."""
    commands = getattr(context.find_root().command, "commands", {})
    for word in context.params.get("words") or ():
        commands = getattr(commands.get(word), "commands", {})
    return list(commands)


_WORDS: dict[str | None, Callable[[Any], Iterable[str]]] = {
    "ENV": _environments,
    "[ENV]...": _environments,
    "[REV] [ENV]...": _environments,
    "TAG": _tags,
    "[COMMAND]...": _commands,
}


def _project(context: Any) -> ProjectConfig | None:
    """Read environments.toml; None where there is none, or none that can be read."""
    from architect_migrate.config.loader import find_config, read_project

    try:
        return read_project(find_config(_config(context), os.environ, Path.cwd()), os.environ)
    except Exception:  # noqa: BLE001  (a message here would end up in the command line that is being typed)
        return None


def _config(context: Any) -> Path | None:
    """The file that `-c` names, after the command or before it."""
    while context is not None:
        if file := context.params.get("config"):
            return Path(file)
        context = context.parent
    return None
