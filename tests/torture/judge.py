"""What a database holds, read by other means than archmig's own: on a copy, so that the file stays as it fell."""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from support.scenarios import moment

if TYPE_CHECKING:
    from pathlib import Path

_TIME = re.compile(rb"text(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)")
_BESIDE = ("", "-journal", "-wal")


@dataclass(frozen=True, slots=True)
class State:
    """`digest` of schema and rows (empty: there is nothing at all), and what integrity_check says."""

    digest: str
    sound: bool


def state(path: Path, room: Path) -> State:
    """What the next program to open the database will find in it, found on a copy in the folder `room`."""
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(parents=True)
    for ending in _BESIDE:
        if path.with_name(path.name + ending).exists():
            shutil.copyfile(path.with_name(path.name + ending), room / f"copy.db{ending}")
    copy = room / "copy.db"
    if not copy.exists():
        return State("", sound=True)
    try:
        return _of(copy)
    except sqlite3.DatabaseError:
        return State("unreadable", sound=False)


def _of(copy: Path) -> State:
    with closing(sqlite3.connect(copy)) as connection:
        sound = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        others: list[object] = [connection.execute(f"PRAGMA {one}").fetchone() for one in ("user_version", "encoding")]
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            return State("", sound)
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
            others.append(sorted(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall()))
    found = moment(copy)
    since = (datetime.now(UTC) - timedelta(hours=12)).strftime("%Y-%m-%d %H:%M:%S").encode()
    rows = {
        table: sorted((repr(key), [_timeless(one, since) for one in row]) for key, row in held.items())
        for table, held in found.rows.items()
    }
    text = repr([sorted(found.objects.items()), sorted(found.columns.items()), sorted(rows.items()), others])
    return State(hashlib.sha256(text.encode()).hexdigest(), sound)


def _timeless(value: bytes, since: bytes) -> bytes:
    """The same, but for a time of which only the run that wrote it knows."""
    told = _TIME.match(value)
    return b"now" if told and b" ".join(told.groups()) >= since else value
