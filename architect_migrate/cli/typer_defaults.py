"""Commands whose options, where they are not given, are taken as they are declared.

Typer coerces every value, defaults too, by pydantic, which takes longer to import than a run without work takes.
A default is of its type already; what is given is Typer's to coerce.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

from architect_migrate.core.urls import mask

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def _masked() -> Iterator[None]:
    """What Typer says of words that it cannot use, without the secrets that may be in them."""
    try:
        yield
    except Exception as error:
        if isinstance(said := getattr(error, "message", None), str):
            error.message = mask(said)  # type: ignore[attr-defined]  # of Typer's own errors
        raise


class Command(TyperCommand):
    """A command that leaves defaults alone."""

    def make_context(self, *given: Any, **named: Any) -> Any:
        """The command's words, understood; what cannot be is shown without secrets."""
        with _masked():
            return super().make_context(*given, **named)

    def get_params(self, ctx: Any) -> Any:
        """The parameters, `--help` included."""
        return [_sparing(it) for it in super().get_params(ctx)]


class Group(TyperGroup):
    """A group of commands that leaves the defaults of its own options alone."""

    def make_context(self, *given: Any, **named: Any) -> Any:
        """The group's words, understood; what cannot be is shown without secrets."""
        with _masked():
            return super().make_context(*given, **named)

    def resolve_command(self, *given: Any, **named: Any) -> Any:
        """The command that is meant; what is none is shown without secrets."""
        with _masked():
            return super().resolve_command(*given, **named)

    def get_params(self, ctx: Any) -> Any:
        """The parameters, `--help` included."""
        return [_sparing(it) for it in super().get_params(ctx)]


@dataclass(frozen=True, slots=True)
class _Coercion:
    """A parameter's coercion, for values that somebody gave."""

    parameter: Any
    coerce: Any

    def __call__(self, context: Any, value: Any) -> Any:
        source = context.get_parameter_source(self.parameter.name)
        if source is None or source.name != "DEFAULT":
            return self.coerce(context, value)
        callback = self.parameter.callback
        return callback(context, self.parameter, value) if callback else value


def _sparing(parameter: Any) -> Any:
    """The same parameter, once it spares its default; a required one has none."""
    if not parameter.required and not isinstance(parameter.process_value, _Coercion):
        parameter.process_value = _Coercion(parameter, parameter.process_value)
    return parameter
