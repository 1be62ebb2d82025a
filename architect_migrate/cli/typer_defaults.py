"""Command classes for Typer: fast defaults, words like `-1` as arguments, and plain help in sections.

Typer converts every value with pydantic, defaults too, and importing pydantic takes longer than a run without work.
Defaults have their type already, and words and paths are what was given, so these classes have it convert the rest.
`parse_args` is where Click has commands parse their arguments.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# The sections of a group's help, in order; a command without one is in the last.
SECTIONS = ("Look", "Change", "Go back", "Develop", "Administer", "Commands")
_BACK = re.compile(r"-[0-9]+")


class Command(TyperCommand):
    """A command that converts only the values that were given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments into the context's parameters; returns those that are left over."""
        if ctx.resilient_parsing:  # for completion, which needs what Click notes on the context besides
            from architect_migrate.cli.completion import add_completion

            add_completion(self.get_params(ctx))
            ctx.ignore_unknown_options = True
            return super().parse_args(ctx, args)
        given, left, order = self.parsed(ctx, args)
        if left and not ctx.allow_extra_args:
            return super().parse_args(ctx, args)  # which says what is wrong
        for parameter in sorted(self.get_params(ctx), key=lambda one: _turn(one, order)):
            if (value := _as_given(parameter, given.get(parameter.name))) is not None:
                ctx.params[parameter.name] = value
            elif parameter.required or given.get(parameter.name) is not None:
                parameter.handle_parse_result(ctx, given, left)
            elif parameter.expose_value:
                ctx.params[parameter.name] = parameter.default
        ctx.args = left
        return left

    def parsed(self, ctx: Any, args: Sequence[str]) -> tuple[dict[str, Any], list[str], list[Any]]:
        """Parse the arguments: values by parameter, words left over, parameters in the order given."""
        result: tuple[dict[str, Any], list[str], list[Any]] = self.make_parser(ctx).parse_args(args=list(args))
        return result

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words after the command's name in its usage; arguments are shown as they are declared."""
        return ["[OPTIONS]", *(metavar for metavar, _ in _arguments(self.get_params(ctx)))]

    def get_short_help_str(self, limit: int = 45) -> str:  # noqa: ARG002  (Click passes it)
        """The whole first line of the help, for shell completion."""
        return first_line(self)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the options, without the types that Typer adds to arguments."""
        parameters = self.get_params(ctx)
        options = [one.get_help_record(ctx) for one in parameters if one.param_type_name == "option"]
        sections = (("Arguments", _arguments(parameters)), ("Options", [row for row in options if row]))
        for section, rows in sections:
            if rows:
                with formatter.section(section):
                    formatter.write_dl(rows)


class RevisionCommand(Command):
    """A command that takes relative revisions: `-1` is an argument of it, not an option."""

    def parsed(self, ctx: Any, args: Sequence[str]) -> tuple[dict[str, Any], list[str], list[Any]]:
        """Parse the arguments, words such as `-1` among them; all other unknown options are refused."""
        if not any(_BACK.fullmatch(word) for word in args):
            return super().parsed(ctx, args)
        # Why twice: the parser has no setting for some unknown options. The first pass refuses all others.
        super().parsed(ctx, [word for word in args if not _BACK.fullmatch(word)])
        parser = self.make_parser(ctx)
        parser.ignore_unknown_options = True
        result: tuple[dict[str, Any], list[str], list[Any]] = parser.parse_args(args=list(args))
        return result


class Group(TyperGroup, Command):
    """A group of commands whose options are parsed like a command's, and whose help has sections."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options and then the commands."""
        Command.format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  (Click passes it)
        """Write the commands by section, each with the whole first line of its help."""
        shown = [(name, command) for name, command in self.commands.items() if not command.hidden]
        shown.sort(key=lambda one: one[0] == "help")  # Typer lists commands before groups, and help comes last
        column = max(len(name) for name, _ in shown)
        sections: dict[str, list[tuple[str, str]]] = {section: [] for section in SECTIONS}
        for name, command in shown:
            section = getattr(command, "rich_help_panel", None) or SECTIONS[-1]
            sections[section].append((name.ljust(column), first_line(command)))
        for section, rows in sections.items():
            if rows:
                with formatter.section(section):
                    formatter.write_dl(rows)


def _arguments(parameters: Iterable[Any]) -> list[tuple[str, str]]:
    """The arguments as they are declared, with their help."""
    return [(one.metavar, one.help or "") for one in parameters if one.param_type_name == "argument"]


def first_line(command: Any) -> str:
    """The first paragraph of a command's help, as one line."""
    return " ".join((command.help or "").partition("\n\n")[0].split())


def _as_given(parameter: Any, value: Any) -> Any:
    """The value of a parameter for words or paths; None if Typer has to convert it, or say what is wrong with it.

    Typers before pydantic convert by themselves, and have no descriptor of the type.
    """
    declared = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    if get_origin(declared) is list and value is not None:
        found = [_one_as_given(get_args(declared)[0], each) for each in value]
        return None if None in found else found
    return _one_as_given(declared, value)


def _one_as_given(declared: object, value: Any) -> str | Path | None:
    if not isinstance(value, str):
        return None
    if declared is Path:
        refused = os.path.exists(value) and not os.access(value, os.R_OK)  # noqa: PTH110  (false for a NUL, as Typer has it)
        return None if refused else Path(value)
    return value if declared is str else None


def _turn(parameter: Any, order: list[Any]) -> tuple[bool, int]:
    """When a parameter is processed: eager ones first, then in the order in which they were given."""
    return not parameter.is_eager, order.index(parameter) if parameter in order else len(order)
