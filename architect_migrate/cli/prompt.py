"""Questions to the person at the terminal, and the consent that a change needs."""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING

from architect_migrate.cli.terminal import on_terminal, say
from architect_migrate.config.policies import may_be_changed
from architect_migrate.core.errors import UsageError

if TYPE_CHECKING:
    from architect_migrate.cli.context import Options
    from architect_migrate.config.context import EnvironmentContext


def ask(question: str) -> str:
    """What is answered to a question on stderr; empty when the input ends."""
    say(question, end=" ")
    answer = sys.stdin.readline()
    if not answer:
        say("")
    return answer.strip()


class Consent(Enum):
    """Whether `--yes` was said, or somebody has to be asked."""

    GIVEN = "given"
    ASKED_FOR = "asked for"


def consent_of(yes: bool) -> Consent:
    """Whether `--yes` was said."""
    return Consent.GIVEN if yes else Consent.ASKED_FOR


def agreed(
    options: Options, contexts: tuple[EnvironmentContext, ...], consent: Consent
) -> tuple[EnvironmentContext, ...]:
    """Those of the environments that may be changed. Raises UsageError where nobody is there to ask."""
    if consent is Consent.GIVEN:
        return contexts
    require_somebody(f"look with archmig {options.command} --dry-run, then add --yes")
    free = tuple(context for context in contexts if may_be_changed(context.environment))
    names = ", ".join(context.environment.name for context in free)
    allowed = bool(free) and ask(f"{options.command} {names}? [y/N]").lower() in {"y", "yes"}
    return tuple(
        context
        for context in contexts
        if (allowed if may_be_changed(context.environment) else _named(options, context))
    )


def require_somebody(advice: str) -> None:
    """Raise UsageError where nobody is there to ask; `advice` is what to write instead."""
    if not on_terminal(sys.stdin):
        raise UsageError("nobody is there to ask, and nothing was changed", advice)


def _named(options: Options, context: EnvironmentContext) -> bool:
    """Whether a protected environment's name was typed."""
    name = context.environment.name
    typed = ask(f"{name} is protected: type its name to {options.command} it, anything else leaves it:")
    if may_be_changed(context.environment, typed):
        return True
    say(f"{name}: left as it is")
    return False
