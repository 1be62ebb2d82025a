"""Replay process of a chain: `python -m architect_migrate.revisions.replay_process FOLDER [DRAFT] [--image]`.

FOLDER holds `chain`, its configuration. DRAFT is a folder with one more revision, which is upgraded and downgraded.
With --image the database that the chain leaves is written to FOLDER/image.db.

Why an audit hook: revision files import applications, and applications open their own databases. The hook stops the
replay if it changes a file outside of the scratch folder, uses the network or starts another program.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from architect_migrate.core import codec
from architect_migrate.core.chain_errors import ReplayError
from architect_migrate.core.errors import ArchmigError, derived
from architect_migrate.model.chain_config import ChainConfig
from architect_migrate.revisions.shadow import shadow
from architect_migrate.revisions.streams import refuse_input
from architect_migrate.revisions.watch import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# The argument that asks for the database itself.
IMAGE = "--image"
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
    """An access of the chain's code to something outside of the scratch folder; `attempt` describes it.

    Why also a PermissionError: applications that can do without the access (a cache folder, `uname`) handle OSError.
    """

    subject: str = derived("")
    attempt: str
    problem: str = derived("the chain's code tried to {attempt}, and a replay may only use its scratch database")


def main(arguments: list[str]) -> int:
    """Replay into FOLDER: the files outline, steps, rows (steps with the values of rows) and reads, or failed.

    `failed` holds the revision, the cause and the place. Return the exit code.
    """
    folder = Path(arguments[0]).resolve()
    draft = next((Path(word) for word in arguments[1:] if word != IMAGE), None)
    image = folder / "image.db" if IMAGE in arguments else None
    chain = read_chain(folder)
    from architect_migrate.databases.registry import dialect, preload
    from architect_migrate.revisions.alembic_runtime import replay
    from architect_migrate.revisions.configuration import chain_folders

    _redirect_home(folder)
    refuse_input()
    preload(chain.kind)
    watching = watch(folder)
    confine(folder)
    try:
        # Why the revision goes to a file: its code may end the process.
        history = replay(chain, folder / "scratch.db", draft, lambda revision: _note(folder, revision), image)
    except ReplayError as error:
        wanted = error.want.value if error.want else ""
        (folder / "failed").write_text(
            codec.dump((error.revision, error.cause, error.place, error.fix, wanted, error.named)), encoding="utf-8"
        )
        return 1
    (folder / "outline").write_text(codec.dump(history.graph), encoding="utf-8")
    watching.hold(chain_folders(chain))
    watching.write(folder / "reads")
    source = "\n".join(_source_texts(chain_folders(chain)))
    kept = tuple(dialect.without_rows(replayed, source) for replayed in history.replayed)
    (folder / "steps").write_text(codec.dump(kept), encoding="utf-8")
    # Why apart: values of rows never leave this folder, which only its user can read and which is deleted.
    (folder / "rows").write_text(codec.dump(history.replayed), encoding="utf-8")
    return 0


def read_chain(folder: Path) -> ChainConfig:
    """Read the configuration of the chain that a process is to run."""
    chain: ChainConfig = codec.load((folder / "chain").read_text(encoding="utf-8"), (ChainConfig,))
    return chain


def _note(folder: Path, revision: str) -> None:
    (folder / "current").write_text(revision, encoding="utf-8")


def _source_texts(folders: Iterable[str]) -> Iterator[str]:
    """The texts of the chain's revisions and of the SQL files beside them."""
    for folder in folders:
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix in {".py", ".sql"} and path.is_file():
                yield path.read_text(encoding="utf-8", errors="replace")


def _redirect_home(folder: Path) -> None:
    """Point the HOME directory to `folder`, so that applications create their own folders there instead of failing."""
    for name in [word for word in os.environ if word.startswith("XDG_")]:
        del os.environ[name]
    os.environ["HOME"] = str(folder)


def answer(folder: Path, work: Callable[[], object]) -> int:
    """Write what `work` returns to FOLDER as `answer`, or why it failed as `failed`; return the exit code."""
    from architect_migrate.revisions.failures import words_of

    try:
        found = work()
    except ArchmigError as error:
        (folder / "failed").write_text(str(error), encoding="utf-8")
        return 1
    except (Exception, SystemExit) as error:  # noqa: BLE001  (the models' code may raise anything)
        (folder / "failed").write_text(words_of(error), encoding="utf-8")
        return 1
    (folder / "answer").write_text(codec.dump(found), encoding="utf-8")
    return 0


def confine(folder: Path) -> None:
    """Restrict this process to writing below `folder`, without network and other programs.

    What it writes elsewhere lands there too (see `shadow`). The restriction is permanent: Python cannot remove an audit
    hook.
    """
    shadow(folder)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if attempt := _escape(event, arguments, folder):
            raise EscapeError(attempt)

    sys.addaudithook(audit)


def _escape(event: str, arguments: tuple[Any, ...], folder: Path) -> str:
    if event in _REACHES_OUT:
        return f"use the network or another program ({event} {arguments[:2]})"
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
    """Return whether a path is below the scratch folder; open descriptors and /dev/null count as inside."""
    if isinstance(name, int) or name == os.devnull:
        return True
    return isinstance(name, str | bytes | os.PathLike) and Path(os.fsdecode(name)).resolve().is_relative_to(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
