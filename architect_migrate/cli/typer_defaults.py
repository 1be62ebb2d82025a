"""Commands that take the default of an option that was not given as it is declared.

Typer converts every value by pydantic, defaults too, and pydantic takes longer to import than a run without work takes.
A default has its type already. `parse_args` is where Click has commands parse their arguments.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup


class Command(TyperCommand):
    """A command that converts only the values that were given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments into the context's parameters; returns those that are left over."""
        given, left, order = self.make_parser(ctx).parse_args(args=list(args))
        if left and not ctx.allow_extra_args:
            return super().parse_args(ctx, args)  # which says what is wrong
        for parameter in sorted(self.get_params(ctx), key=lambda one: _turn(one, order)):
            if parameter.required or given.get(parameter.name) is not None:
                parameter.handle_parse_result(ctx, given, left)
            elif parameter.expose_value:
                ctx.params[parameter.name] = parameter.default
        ctx.args = left
        return left


class Group(TyperGroup, Command):
    """A group of commands whose own options are parsed as a command's are."""


def _turn(parameter: Any, order: list[Any]) -> tuple[bool, int]:
    """When a parameter is processed: eager ones first, then in the order in which they were given."""
    return not parameter.is_eager, order.index(parameter) if parameter in order else len(order)
