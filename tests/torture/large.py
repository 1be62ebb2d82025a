"""Ten million rows, a gigabyte, a rebuild of their table: how much memory, what is shown, how soon Ctrl-C stops it."""

from __future__ import annotations

import os
import pty
import re
import signal
import sys
import threading
import time
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from support.scenarios import ask, script
from torture.cases import drifted_shop

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS = (
    "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < {last})"
    " INSERT INTO orders (id, person_id, code, note) SELECT i, 1, 'c' || i, hex(zeroblob(40)) FROM n"
)
_SUMS = (
    "SELECT count(*), sum(id), sum(length(code)), sum(length(note)), min(code), max(code) FROM orders WHERE id >= 100"
)
_SHOWN = re.compile(rb"it: [^\r\n\x1b]*")


@dataclass(frozen=True, slots=True)
class Ran:
    """How it went on a terminal: `peak` in MB, `shown` the lines of progress that differ."""

    code: int
    seconds: float
    peak: float
    shown: tuple[str, ...]


def _without_repetition(lines: tuple[str, ...]) -> Iterator[str]:
    """The lines, of those that differ in their first figure alone only the first and the last."""
    for _, alike in groupby(lines, lambda line: re.sub(r"[\d,]+", "#", line, count=1)[:40]):
        same = list(alike)
        yield same[0]
        if len(same) > 1:
            yield f"{same[-1]} ({len(same)} such lines)"


def large(folder: Path, rows: int) -> Iterator[str]:
    """Lines that tell what was measured; raises AssertionError where something was lost."""
    folder.mkdir(parents=True)
    drifted_shop(folder)
    script(folder / "it.db", "PRAGMA journal_mode = OFF", _ROWS.format(last=rows + 99), "PRAGMA journal_mode = DELETE")
    size, before = (folder / "it.db").stat().st_size, ask(folder / "it.db", _SUMS)
    yield f"{before[0][0]:,} rows, {size / 1e9:.2f} GB, one rebuild of their table"
    for seconds in (3.0, 30.0, 60.0):
        stopped = ran(folder, seconds)
        assert stopped.code in {0, 130}, stopped
        assert ask(folder / "it.db", _SUMS) == before
        yield f"Ctrl-C after {seconds:.0f} s: ended {stopped.seconds - seconds:.1f} s later with code {stopped.code}"
        if stopped.code == 0:
            return
    whole = ran(folder, None)
    assert whole.code == 0, whole
    assert ask(folder / "it.db", _SUMS) == before
    yield f"whole: {whole.seconds:.0f} s, peak memory {whole.peak:.0f} MB, {len(whole.shown)} lines of progress"
    yield from (f"  {one}" for one in _without_repetition(whole.shown))


def ran(folder: Path, stopped_after: float | None) -> Ran:
    """A reconcile on a terminal of its own, with a Ctrl-C after so many seconds."""
    began = time.monotonic()
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.environ["TERM"] = "xterm"
        # A shell starts what runs in the background with Ctrl-C ignored, and that is inherited.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        program = str(Path(sys.executable).with_name("archmig"))
        os.execv(program, [program, "reconcile", "-e", "it", "--yes"])
    if stopped_after is not None:
        timer = threading.Timer(stopped_after, os.kill, (child, signal.SIGINT))
        timer.start()
    output = b"".join(_read(terminal))
    if stopped_after is not None:
        timer.cancel()
    _, status, usage = os.wait4(child, 0)
    os.close(terminal)
    seconds = time.monotonic() - began
    shown = dict.fromkeys(one.decode(errors="replace").strip()[:90] for one in _SHOWN.findall(output))
    return Ran(os.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss / 1024, tuple(shown))


def _read(terminal: int) -> Iterator[bytes]:
    """What is written to it, until nobody has it open any more."""
    while True:
        try:
            found = os.read(terminal, 65536)
        except OSError:
            return
        if not found:
            return
        yield found
