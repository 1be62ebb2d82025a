"""The command `archmig help`: the same text as `--help` prints."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from architect_migrate.cli.terminal import write

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="[COMMAND]...", help="A command, or a group and its command."),
]


def help_(context: typer.Context, words: Words = None) -> None:
    """Show the help of archmig or of one command."""
    shown: Any = context.find_root()
    for word in words or ():
        if not hasattr(shown.command, "resolve_command"):
            shown.fail(f"{shown.command_path} has no command {word!r}.")
        name, command, _ = shown.command.resolve_command(shown, [word])
        shown = command.context_class(command, info_name=name, parent=shown)
    write(shown.get_help())
