"""Questions at the terminal, and the consent that a change needs."""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING

from architect_migrate.cli.terminal import on_terminal, say
from architect_migrate.config.policies import may_be_changed
from architect_migrate.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from architect_migrate.cli.context import Options
    from architect_migrate.config.context import EnvironmentContext


def ask(question: str) -> str:
    """Ask on stderr and return the answer from stdin; empty where stdin ends."""
    return answer_to(question) or ""


def answer_to(question: str) -> str | None:
    """Ask on stderr and return the answer from stdin; None where stdin ends, so that this is no default."""
    say(question, end=" ")
    answer = sys.stdin.readline()
    if not answer:
        say("")
        return None
    return answer.strip()


class Consent(Enum):
    """Whether `--yes` was given, or the user has to be asked."""

    GIVEN = "given"
    ASKED_FOR = "asked for"


def consent_of(yes: bool) -> Consent:
    """The consent that the value of `--yes` means."""
    return Consent.GIVEN if yes else Consent.ASKED_FOR


def agreed(
    options: Options,
    contexts: tuple[EnvironmentContext, ...],
    consent: Consent,
    stakes: Callable[[], str] = str,
) -> tuple[EnvironmentContext, ...]:
    """Ask which of the environments may be changed, after printing `stakes`: what a yes would do.

    Raises UsageError where consent has to be asked for and stdin is not a terminal.
    """
    if consent is Consent.GIVEN:
        return contexts
    require_terminal(f"look with archmig {options.command} --dry-run, then pass --yes")
    if told := stakes():
        say(told)
    free = tuple(context for context in contexts if may_be_changed(context.environment))
    names = ", ".join(context.environment.name for context in free)
    allowed = bool(free) and ask(f"{options.command} {names}? [y/N]").lower() in {"y", "yes"}
    return tuple(
        context
        for context in contexts
        if (allowed if may_be_changed(context.environment) else _named(options, context))
    )


def require_terminal(advice: str) -> None:
    """Raise UsageError where stdin is not a terminal; `advice` says what to pass instead of answering."""
    if not on_terminal(sys.stdin):
        raise UsageError("stdin is not a terminal, so nothing can be confirmed. Nothing was changed", advice)


def _named(options: Options, context: EnvironmentContext) -> bool:
    """Ask for a protected environment's name; whether it was typed."""
    name = context.environment.name
    typed = ask(f"{name} is protected: type its name to {options.command} it; any other answer leaves it as it is:")
    if may_be_changed(context.environment, typed):
        return True
    say(f"{name}: left as it is")
    return False
