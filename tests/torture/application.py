"""An application that reads or writes a database while archmig runs; without archmig's modules it starts soon."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event
    from pathlib import Path


def writer(path: Path, stop: Event, queue: object) -> None:
    """The application writes a row at a time, as long as nobody stops it."""
    _application(path, stop, queue, "INSERT INTO app_log (at) VALUES (datetime('now'))", 1)


def reader(path: Path, stop: Event, queue: object) -> None:
    """The application reads."""
    _application(path, stop, queue, "SELECT count(*), max(code) FROM orders", 0)


def _application(path: Path, stop: Event, queue: object, statement: str, counts: int) -> None:
    done, error = 0, ""
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as connection:
            while not stop.is_set():
                connection.execute(statement).fetchall()
                done += counts
                time.sleep(0.01)
    except sqlite3.Error as found:
        error = f"{statement}: {found}"
    queue.put((done, error))  # type: ignore[attr-defined]  # a queue of the context, which has no type of its own
