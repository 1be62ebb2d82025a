"""`check --notify`: sends what changed since the last check. A failure to send never fails the check."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from architect_migrate.cli.present import narrating
from architect_migrate.cli.report.notify import is_news, news_document, news_json, verdict_json
from architect_migrate.cli.selection import project_of, to_look_at
from architect_migrate.cli.terminal import complain, say
from architect_migrate.config.context import state_folder
from architect_migrate.core.errors import ArchmigError, NotifyError, UsageError
from architect_migrate.model.revision_graph import RevisionGraph
from architect_migrate.planning.results import Checked, Outcome, Result
from architect_migrate.runs import notify
from architect_migrate.runs import notify as notified

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from architect_migrate.cli.context import Options
    from architect_migrate.cli.documents.reading import ToldVerdictJson, VerdictJson


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to notify: `kind` is its key in notified.json, `name` is safe to print."""

    kind: str
    name: str
    send: Callable[[str], None]


def channels(options: Options) -> tuple[Channel, ...]:
    """The channels of [notify]. Raises UsageError where there is no [notify]."""
    project = project_of(options)
    its = project.notify
    if its is None:
        advice = 'add [notify] to it, with webhook = "https://..." or command = ["program", "argument"]'
        raise UsageError(f"--notify needs [notify], and {project.file} has none", advice)
    found = []
    if its.webhook:
        found.append(Channel("webhook", notify.webhook_name(its.webhook), partial(notify.post, its.webhook)))
    if its.command:
        send = partial(notify.run, its.command, folder=project.file.absolute().parent)
        found.append(Channel("command", its.command[0], send))
    return tuple(found)


def tell(options: Options, who: tuple[Channel, ...], checked: Checked) -> None:
    """Send each channel what changed since its last notification; what could not be sent is sent the next time."""
    now = {
        result.environment: verdict_json(result, why, checked.graph)
        for result, why in zip(checked.results, checked.words, strict=True)
    }
    for channel in who:
        _tell(options, channel, checked, now)


def tell_that_it_could_not(options: Options, who: tuple[Channel, ...], error: ArchmigError) -> None:
    """Send that a check could not begin, for example because the chain does not run."""
    environments = to_look_at(project_of(options), options)
    results = tuple(
        Result(environment.name, str(environment.url), "check", Outcome.FAILED, str(error), error=error)
        for environment in environments
    )
    tell(options, who, Checked(results, ("",) * len(results), RevisionGraph(()), 2))


def _tell(options: Options, channel: Channel, checked: Checked, now: Mapping[str, VerdictJson]) -> None:
    project = project_of(options)
    file = project.file.absolute()
    memory, at = state_folder(project) / "notified.json", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    last = cast("Mapping[str, ToldVerdictJson]", notified.last_sent(memory, channel.kind))
    new = [result for result in checked.results if is_news(now[result.environment], last.get(result.environment))]
    if not new:
        return
    changes = [news_json(result, now[result.environment], last.get(result.environment)) for result in new]
    host, code = socket.gethostname(), checked.exit_code
    try:
        channel.send(news_document(changes, exit_code=code, config=str(file), at=at, host=host))
    except NotifyError as error:
        complain(str(error))
        return
    _remember(memory, channel, {result.environment: {**now[result.environment], "since": at} for result in new})
    if narrating(options):
        say(f"notified {channel.name} of {', '.join(name.environment for name in new)}")


def _remember(memory: Path, channel: Channel, news: dict[str, dict[str, Any]]) -> None:
    try:
        notified.remember(memory, channel.kind, news)
    except OSError as error:
        complain(f"{memory}: cannot be written ({error.strerror}): the same notification is sent again the next time")
