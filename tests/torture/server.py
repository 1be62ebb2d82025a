"""Runs archmig and alembic in children of a process that has imported everything; orders, answers are lines of JSON.

An order: folder, words (the program first), and what befalls the run: deadly (a point, see `points`), after + signal
(seconds until the signal comes), fault (call, number, errno, lasting), limit (bytes that a file may have).
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torture.points import count_in

if TYPE_CHECKING:
    from collections.abc import Callable


def serve() -> None:
    import_everything()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_carried_out(json.loads(line))) + "\n")
        sys.stdout.flush()


def import_everything() -> None:
    """What the commands import when they run is imported once, here."""
    import importlib
    import pkgutil

    import alembic.command
    import alembic.operations.batch
    import rich.table
    import sqlalchemy.dialects.sqlite

    import architect_migrate

    del alembic, rich, sqlalchemy
    for module in pkgutil.walk_packages(architect_migrate.__path__, "architect_migrate."):
        importlib.import_module(module.name)


def _carried_out(order: dict[str, Any]) -> dict[str, Any]:
    told = Path(order["told"])
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _run(order, told)
    if order.get("after") is not None and signal.sigtimedwait([signal.SIGCHLD], order["after"]) is None:
        os.kill(child, order["signal"])
    _, status, usage = os.wait4(child, 0)
    # What came for this child must not end the wait for the next.
    while signal.sigtimedwait([signal.SIGCHLD], 0):
        pass
    points = told / "points"  # empty where the kill came while it was written
    return {
        "code": os.waitstatus_to_exitcode(status),
        "out": (told / "out").read_text(),
        "err": (told / "err").read_text(),
        "points": int(points.read_text() or 0) if points.exists() else 0,
        "seconds": time.monotonic() - began,
        "peak": usage.ru_maxrss,
    }


def _run(order: dict[str, Any], told: Path) -> None:
    """The child: never returns."""
    code = 3
    try:
        (told / "points").unlink(missing_ok=True)
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(told / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        os.chdir(order["folder"])
        sys.argv = order["words"]
        code = _befallen(order, told)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _program(name: str) -> Callable[[], Any]:
    import alembic.config

    from architect_migrate.cli.app import main

    return {"archmig": main, "alembic": alembic.config.main}[name]


def _befallen(order: dict[str, Any], told: Path) -> int:
    main = _program(order["words"][0])
    fault = order.get("fault")
    shim = ctypes.CDLL(None) if fault else None
    points = count_in(order["folder"], order.get("deadly", 0)) if not fault else None
    if limit := order.get("limit"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    if fault and shim:
        call, number, error, lasting = fault
        shim.fault_arm(call.encode(), ctypes.c_long(number), error, int(lasting), order["folder"].encode())
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code % 256 if isinstance(end.code, int) else int(bool(end.code))
    if not limit:
        (told / "points").write_text(str(points.reached if points else shim.fault_seen() if shim else 0))
    return code


if __name__ == "__main__":
    serve()
