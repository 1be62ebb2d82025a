"""Tells others of a change: a webhook that JSON is posted to, a command that reads it. Whatever they do, it ends.

Of a webhook's URL nothing but scheme, host and port is ever told: with many services the path is the secret.
"""

from __future__ import annotations

import base64
import json
import math
import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from architect_migrate.core.atomic_files import write_whole
from architect_migrate.core.errors import NotifyError
from architect_migrate.core.file_lock import alone_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Told = dict[str, Any]
    from collections.abc import Sequence


# Seconds.
WEBHOOK_PATIENCE = 10.0
COMMAND_PATIENCE = 60.0
_LONGEST = 200


def webhook_name(webhook: str) -> str:
    """What may be shown of a webhook."""
    try:
        parts = urlsplit(webhook)
        return f"{parts.scheme}://{_host(parts)}"
    except ValueError:
        return "the webhook"


def post(webhook: str, text: str) -> None:
    """Post JSON to an http or https URL; a login in it is sent as one. Follows no redirect. Raises NotifyError."""
    who, problems = webhook_name(webhook), list[str]()
    # Neither the time of a name's look-up nor that of an answer which comes byte by byte is limited by a socket's.
    work = Thread(target=lambda: problems.append(_posted(webhook, text)), daemon=True)
    work.start()
    work.join(WEBHOOK_PATIENCE)
    if work.is_alive():
        raise NotifyError(who, _late())
    if problem := problems[0]:
        raise NotifyError(who, problem)


def _posted(webhook: str, text: str) -> str:
    """What kept it from being posted; empty if it was. No error's own text is told where it could hold the URL."""
    try:
        with _opener().open(_request(webhook, text), timeout=WEBHOOK_PATIENCE):
            return ""
    except HTTPError as error:
        error.close()
        moved = ", a redirect, which is not followed: write where it leads" if 300 <= error.code < 400 else ""
        return f"it answered {error.code}{moved}"
    except URLError as error:
        return _cause(error.reason)
    except OSError as error:
        return _cause(error)
    except Exception as error:  # noqa: BLE001  (the text of any of them may hold the URL)
        return f"it does not speak HTTP, or its URL is none ({type(error).__name__})"


def _cause(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return _late()
    return (isinstance(reason, OSError) and reason.strerror) or type(reason).__name__


def _late() -> str:
    return f"no answer within {WEBHOOK_PATIENCE:g} s"


def _opener() -> OpenerDirector:
    """HTTP and HTTPS, through the proxy that the environment names, and nothing else: no files, no redirects."""
    opener = OpenerDirector()
    handlers = (ProxyHandler(), UnknownHandler(), HTTPHandler(), HTTPSHandler())
    for handler in (*handlers, HTTPDefaultErrorHandler(), HTTPErrorProcessor()):
        opener.add_handler(handler)
    return opener


def _request(webhook: str, text: str) -> Request:
    parts = urlsplit(webhook)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("scheme")
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "archmig"}
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    url = parts._replace(netloc=_host(parts), fragment="").geturl()
    return Request(url, data=text.encode(), headers=headers, method="POST")  # noqa: S310  (the scheme was looked at)


def _host(parts: SplitResult) -> str:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return host if parts.port is None else f"{host}:{parts.port}"


def run(command: Sequence[str], text: str, folder: Path) -> None:
    """Run a command in a folder with JSON on its stdin, without a shell. Raises NotifyError.

    Its output goes nowhere but into the error: files instead of pipes, so that what it leaves running keeps nobody.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write(text.encode())
        given.seek(0)
        try:
            running = subprocess.Popen(
                [*command], stdin=given, stdout=said, stderr=said, cwd=folder, start_new_session=True
            )
        except (OSError, ValueError) as error:
            raise NotifyError(command[0], getattr(error, "strerror", None) or type(error).__name__) from error
        code = _awaited(running, command[0])
        if code:
            said.seek(0)
            lines = said.read(1 << 16).decode("utf-8", "replace").strip().splitlines()
            last = f": {lines[-1][:_LONGEST]}" if lines else ""
            raise NotifyError(command[0], f"it ended with code {code}{last}")


def _awaited(running: subprocess.Popen[bytes], name: str) -> int:
    """The exit code of a command; one that takes too long is killed, with whatever it started."""
    try:
        return running.wait(COMMAND_PATIENCE)
    except subprocess.TimeoutExpired:
        raise NotifyError(name, f"it took longer than {COMMAND_PATIENCE:g} s, and was stopped") from None
    finally:
        if running.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()


_VERSION = 1
_LARGEST = 16 << 20


def last_told(file: Path, channel: str) -> dict[str, Told]:
    """What a channel was told last of each environment; nothing where no file is there that says so."""
    return dict(_read(file).get(channel, {}))


def remember(file: Path, channel: str, news: Mapping[str, Told]) -> None:
    """Note what a channel was told just now, beside all that was told before. Raises OSError."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Checks of different environments often start in the same minute.
    with alone_in(file.parent, math.inf):
        whole = _read(file)
        whole[channel] = {**whole.get(channel, {}), **news}
        write_whole(file, json.dumps({"version": _VERSION, "told": whole}, ensure_ascii=False, indent=1))


def _read(file: Path) -> dict[str, dict[str, Told]]:
    """By channel and environment; what nobody can read was never told."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as opened:
            whole = json.loads(opened.read(_LARGEST))
        channels = whole["told"].items() if whole["version"] == _VERSION else ()
        return {channel: {name: dict(one) for name, one in item.items()} for channel, item in channels}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
