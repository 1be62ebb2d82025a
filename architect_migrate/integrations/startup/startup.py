"""The function that applications call when they start: it returns and logs the state of their database.

Why few imports: most starts find everything as before, and need only what is imported here.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from architect_migrate.config.locate import config_place, named_environment
from architect_migrate.core.errors import ArchmigError, UsageError, nearest, shortened
from architect_migrate.core.secrets import mask
from architect_migrate.integrations.startup.memo import from_values, memo_file, now, recall
from architect_migrate.integrations.startup.status import Call, Start, StartRefusedError, StartState
from architect_migrate.revisions.replay import cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architect_migrate.model.choices import OnPending

_POLICIES = ("refuse", "upgrade", "warn")
_YES, _NO = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off", ""})
# Why two: start scripts that set the second name, which is the older one, go on working.
_SKIPS = ("ARCHMIG_SKIP", "ARCHITECT_SKIP_MIGRATIONS")
# Logged as a warning, so that every log shows that the start changed the database.
_NOTEWORTHY = frozenset({StartState.UPGRADED})
_GRAVE = frozenset({StartState.UNKNOWN_STAMP})


def startup(
    env: str | None = None,
    config: str | Path | None = None,
    *,
    on_pending: str | OnPending | None = None,
    skip: bool = False,
    logger: logging.Logger | None = None,
) -> Start:
    """Check the application's database at its start; log the result in one line and return it.

    `env` is its name in environments.toml (else ARCHMIG_ENV, else ARCHITECT_ENV, else the default there), `config`
    that file (else ARCHMIG_CONFIG, else it is searched from the current folder upwards). `on_pending` (else the
    environment's policy) is "warn": nothing is changed; "upgrade": pending revisions are run, and the application
    goes on if that fails; or "refuse": StartRefusedError is raised if anything is pending or drifted. No other
    exception is raised: a check that fails returns a Start as well. With `skip`, ARCHMIG_SKIP=true or
    ARCHITECT_SKIP_MIGRATIONS=true nothing is checked. `logger` defaults to the logger "architect_migrate".
    """
    start, policy = _found(env, config, on_pending, os.environ, skip=skip)
    start = _without_secrets(start)
    refused = policy == "refuse" and not start.fit
    _log(logger, start, _level(start, refused=refused))
    if refused:
        raise StartRefusedError(start)
    return start


def _found(
    env: str | None,
    config: str | Path | None,
    on_pending: str | OnPending | None,
    environ: Mapping[str, str],
    *,
    skip: bool,
) -> tuple[Start, str]:
    """The result and the policy; any exception becomes a result."""
    word = ""
    try:
        word = env or named_environment(environ)
        if why := _bypass(environ, skip=skip):
            return Start(StartState.SKIPPED, why, word), "warn"
        place = None if config is None else Path(config)
        call = Call(word, place, _policy(on_pending), environ, cache_folder(environ), Path.cwd())
        start, policy = _remembered(call) or _examined(call)
        return _and_unclear_bypass(start, environ), policy
    except ArchmigError as error:
        return Start(StartState.COULD_NOT_TELL, str(error), word, error=type(error).__name__), "warn"
    except Exception as error:  # noqa: BLE001  (an application is not to fail for what watches over its database)
        cause = f"unexpected {type(error).__name__}: {error}"
        return Start(StartState.COULD_NOT_TELL, cause, word, error=type(error).__name__), "warn"


def _remembered(call: Call) -> tuple[Start, str] | None:
    """The remembered result, unless its policy has something to do."""
    place = config_place(call.config, call.environ, call.cwd)
    if place is None or call.cache is None:
        return None
    stored = recall(memo_file(call.cache, place, call.word), place, call.environ)
    if stored is None:
        return None
    start, policy = from_values(stored["start"]), call.policy or str(stored["on_pending"])
    return (start, policy) if start.ok or policy != "upgrade" else None


def _examined(call: Call) -> tuple[Start, str]:
    from architect_migrate.integrations.startup.policy import examined

    start, policy = examined(call)
    return replace(start, checked_at=now()), policy


def _bypass(environ: Mapping[str, str], *, skip: bool) -> str:
    """Why the check is skipped; empty if it is not."""
    if skip:
        return "skipped, since the application asked for it: its database was not checked"
    for variable in _SKIPS:
        if environ.get(variable, "").strip().lower() in _YES:
            return f"skipped, since {variable}={shortened(environ[variable])}: the database was not checked"
    # Why: the chain's env.py may import the application, whose start must not check the database while Alembic changes
    # it.
    if getattr(sys.modules.get("alembic.context"), "_proxy", None) is not None:
        return "skipped, since Alembic imported the application during a run of its own"
    return ""


def _and_unclear_bypass(start: Start, environ: Mapping[str, str]) -> Start:
    for variable in _SKIPS:
        value = environ.get(variable, "")
        if value.strip().lower() not in _NO:
            unclear = f"{variable}={shortened(value)} is neither true nor false, so it was not skipped"
            start = replace(start, message=f"{start.message}; {unclear}")
    return start


def _policy(on_pending: str | OnPending | None) -> str:
    """The policy given in the call as a word; empty if none was given. Raises UsageError."""
    word = "" if on_pending is None else str(getattr(on_pending, "value", on_pending))
    if word and word not in _POLICIES:
        raise UsageError(f"startup(on_pending={shortened(word)}) is not a policy", nearest(word, _POLICIES))
    return word


def _without_secrets(start: Start) -> Start:
    """The same result without secrets, each text on one line, because logs are read line by line."""
    return replace(
        start,
        message=_clean(start.message),
        environment=_clean(start.environment),
        database=_clean(start.database),
        advice=_clean(start.advice),
        backup=_clean(start.backup),
        checked_at=start.checked_at or now(),
    )


def _clean(text: str) -> str:
    words = mask(" ".join(text.split()) if "\n" in text else text)
    return words if words.isprintable() else "".join(word if word.isprintable() else repr(word)[1:-1] for word in words)


def _level(start: Start, *, refused: bool) -> int:
    if refused or start.state in _GRAVE or (start.error and start.state is not StartState.COULD_NOT_TELL):
        return logging.ERROR
    return logging.INFO if start.ok and start.state not in _NOTEWORTHY else logging.WARNING


def _log(logger: logging.Logger | None, start: Start, level: int) -> None:
    """Log the result; a logger that fails is ignored."""
    with suppress(Exception):
        (logger or logging.getLogger("architect_migrate")).log(level, "%s", start.line)
