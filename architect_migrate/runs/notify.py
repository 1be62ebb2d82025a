"""Sends news of changes: posts JSON to a webhook, or runs a command that reads it; both within a time limit.

Of a webhook's URL only scheme, host and port are shown, because in the URLs of many services the path is the secret.
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

from architect_migrate.core.atomic_files import write_atomically
from architect_migrate.core.errors import NotifyError
from architect_migrate.core.file_lock import folder_lock
from architect_migrate.core.secrets import mask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Message = dict[str, Any]
    from collections.abc import Sequence


# Time limits in seconds.
WEBHOOK_PATIENCE = 10.0
COMMAND_PATIENCE = 60.0
_LONGEST = 200


def webhook_name(webhook: str) -> str:
    """The part of a webhook's URL that may be shown: scheme, host and port."""
    try:
        parts = urlsplit(webhook)
        return f"{parts.scheme}://{_host(parts)}"
    except ValueError:
        return "the webhook"


def post(webhook: str, text: str) -> None:
    """Post JSON to an http or https URL. Raises NotifyError.

    A login in the URL is sent as basic authentication. Redirects are not followed.
    """
    name, problems = webhook_name(webhook), list[str]()
    # Why a thread: a socket's timeout limits neither the look-up of a name nor an answer that comes byte by byte.
    work = Thread(target=lambda: problems.append(_posted(webhook, text)), daemon=True)
    work.start()
    work.join(WEBHOOK_PATIENCE)
    if work.is_alive():
        raise NotifyError(name, _late())
    if problem := problems[0]:
        raise NotifyError(name, problem)


def _posted(webhook: str, text: str) -> str:
    """Why the text could not be posted; empty if it was posted.

    Why few errors' own texts are used: they may contain the URL.
    """
    try:
        with _opener().open(_request(webhook, text), timeout=WEBHOOK_PATIENCE):
            return ""
    except HTTPError as error:
        error.close()
        moved = ", a redirect, which is not followed: use the URL that it leads to" if 300 <= error.code < 400 else ""
        return f"it answered {error.code}{moved}"
    except URLError as error:
        return _cause(error.reason)
    except OSError as error:
        return _cause(error)
    except Exception as error:  # noqa: BLE001  (the text of any of them may hold the URL)
        return f"it does not answer in HTTP, or its URL is not valid ({type(error).__name__})"


def _cause(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return _late()
    return (isinstance(reason, OSError) and reason.strerror) or type(reason).__name__


def _late() -> str:
    return f"no answer within {WEBHOOK_PATIENCE:g} s"


def _opener() -> OpenerDirector:
    """An opener for HTTP and HTTPS through the environment's proxy: no files, no redirects."""
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

    Its output appears only in the error. Why files instead of pipes: a process that the command leaves running would
    keep a pipe open, and archmig would wait for it.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output:
        given.write(text.encode())
        given.seek(0)
        try:
            running = subprocess.Popen(
                [*command], stdin=given, stdout=output, stderr=output, cwd=folder, start_new_session=True
            )
        except (OSError, ValueError) as error:
            raise NotifyError(command[0], getattr(error, "strerror", None) or type(error).__name__) from error
        code = _awaited(running, command[0])
        if code:
            output.seek(0)
            lines = output.read(1 << 16).decode("utf-8", "replace").strip().splitlines()
            last = f": {mask(lines[-1])[:_LONGEST]}" if lines else ""
            raise NotifyError(command[0], f"it ended with code {code}{last}")


def _awaited(running: subprocess.Popen[bytes], name: str) -> int:
    """The exit code of a command; after the time limit it is killed, with all processes of its session."""
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


def last_sent(file: Path, channel: str) -> dict[str, Message]:
    """The last message that a channel got about each environment; empty if the file has none."""
    return dict(_read(file).get(channel, {}))


def remember(file: Path, channel: str, news: Mapping[str, Message]) -> None:
    """Record what a channel was sent, and keep the records of other environments. Raises OSError."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Why a lock: checks of different environments often start in the same minute.
    with folder_lock(file.parent, math.inf):
        whole = _read(file)
        whole[channel] = {**whole.get(channel, {}), **news}
        write_atomically(file, json.dumps({"version": _VERSION, "told": whole}, ensure_ascii=False, indent=1))


def _read(file: Path) -> dict[str, dict[str, Message]]:
    """The messages by channel and environment; empty if the file cannot be read."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as opened:
            whole = json.loads(opened.read(_LARGEST))
        channels = whole["told"].items() if whole["version"] == _VERSION else ()
        return {channel: {name: dict(one) for name, one in item.items()} for channel, item in channels}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
