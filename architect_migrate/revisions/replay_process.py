"""The process that replays a chain: `python -m architect_migrate.revisions.replay_process ALEMBIC_INI FOLDER [DRAFT]`.

DRAFT is a folder with one revision more, which is run up and taken back.

Revision files import applications, and applications open their own databases: an audit hook ends the replay when
anything but the scratch folder is written, or the network or another program is reached for.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from architect_migrate.core import codec
from architect_migrate.core.chain_errors import ReplayError
from architect_migrate.core.errors import ArchmigError, derived

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES_FILES = {
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "shutil.rmtree",
}
_REACHES_OUT = {"socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen", "os.system", "os.exec"}
_REACHES_OUT |= {"os.posix_spawn", "os.fork", "os.forkpty", "ftplib.connect", "webbrowser.open"}


class EscapeError(ArchmigError, PermissionError, layout="{problem}"):
    """The chain's code reached for something outside of the scratch folder; `deed` says for what.

    Applications that can do without (a cache folder, `uname`) expect a refusal to be an OSError, and go on.
    """

    subject: str = derived("")
    deed: str
    problem: str = derived("the chain's code tried to {deed}, and a replay may touch nothing but its scratch database")


def main(arguments: list[str]) -> int:
    """Replay into FOLDER: `graph` and `steps`, or `failed` (revision, newline, cause)."""
    ini, folder = Path(arguments[0]), Path(arguments[1]).resolve()
    draft = Path(arguments[2]) if len(arguments) > 2 else None
    from architect_migrate.revisions.alembic_runtime import replay

    _move_in(folder)
    confine(folder)
    try:
        found = replay(ini, folder / "scratch.db", draft)
    except ReplayError as error:
        (folder / "failed").write_text(f"{error.revision}\n{error.cause}", encoding="utf-8")
        return 1
    (folder / "outline").write_text(codec.dump(found.graph), encoding="utf-8")
    (folder / "steps").write_text(codec.dump(found.replayed), encoding="utf-8")
    return 0


def _move_in(folder: Path) -> None:
    """Applications that make a folder of their own in the user's home make it below `folder`."""
    for name in [word for word in os.environ if word.startswith("XDG_")]:
        del os.environ[name]
    os.environ["HOME"] = str(folder)


def confine(folder: Path) -> None:
    """From now on this process can write below `folder` only, and reach nothing else. It cannot be undone."""

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if deed := _escape(event, arguments, folder):
            raise EscapeError(deed)

    sys.addaudithook(audit)


def _escape(event: str, arguments: tuple[Any, ...], folder: Path) -> str:
    if event in _REACHES_OUT:
        return f"reach out ({event} {arguments[:2]})"
    if event == "sqlite3.connect":
        name = os.fsdecode(arguments[0])
        return "" if name in {":memory:", ""} or _inside(name, folder) else f"open the database {name}"
    if event == "open" and _writes(arguments):
        return "" if _inside(arguments[0], folder) else f"write the file {arguments[0]}"
    if event in _CHANGES_FILES and not _inside(arguments[0], folder):
        return f"change the file {arguments[0]} ({event})"
    return ""


def _writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    return any(name in mode for name in "wax+") if isinstance(mode, str) else bool((flags or 0) & _WRITING)


def _inside(name: object, folder: Path) -> bool:
    """Whether a path is below the scratch folder; descriptors that are open already and /dev/null are harmless."""
    if isinstance(name, int) or name == os.devnull:
        return True
    return isinstance(name, str | bytes | os.PathLike) and Path(os.fsdecode(name)).resolve().is_relative_to(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
