"""What was told last of each environment, and to whom: a file beside the ledger that `check --notify` alone writes."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from architect_migrate.core.atomic_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    Told = dict[str, Any]

_VERSION = 1
_LARGEST = 16 << 20


def told(file: Path, channel: str) -> dict[str, Told]:
    """What a channel was told last of each environment; nothing where no file is there that says so."""
    return dict(_read(file).get(channel, {}))


def remember(file: Path, channel: str, news: Mapping[str, Told]) -> None:
    """Note what a channel was told just now, beside all that was told before. Raises OSError."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(file.parent):
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
        return {channel: {name: dict(it) for name, it in its.items()} for channel, its in channels}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer at a time: checks of different environments often start in the same minute."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
