"""Runs PostgreSQL servers that are thrown away: in a private folder, reached by a Unix socket in it, without network.

A server is never left running: it is the child of a shell that reads from a pipe, whose other end this process holds.
When this process ends, even by SIGKILL, the system closes the pipe, and the shell stops the server and removes the
folder. Only a shell that is killed itself, or a machine that stops, leaves something.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote as percent

from architect_migrate.core.server_errors import ServerStartError
from architect_migrate.databases.postgresql.programs import Programs, programs

if TYPE_CHECKING:
    from collections.abc import Iterator

_USER = "archmig"
# Why one megabyte: a cluster begins with one segment of the log, which otherwise would be 16 MB to copy.
_CLUSTER = (
    *("--username", _USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C"),
    *("--wal-segsize", "1", "--no-sync", "--no-instructions"),
)
# What makes a server fast if its data need not survive a crash.
_SETTINGS = (
    *("fsync=off", "full_page_writes=off", "synchronous_commit=off", "wal_level=minimal", "max_wal_senders=0"),
    *("autovacuum=off", "jit=off", "shared_buffers=32MB", "max_connections=20", "max_locks_per_transaction=1024"),
    *("listen_addresses=", "log_min_messages=fatal", "logging_collector=off"),
)
# Why a mark: a server that ended by itself leaves its folder, because its log is read.
_GUARD = """
exec 3<&0
folder=$1
shift
"$@" </dev/null 3<&- &
server=$!
(read -r end <&3; : >"$folder/ended"; kill -QUIT $server) 2>/dev/null &
guard=$!
wait $server
status=$?
kill $guard 2>/dev/null
if [ -e "$folder/ended" ]; then rm -rf "$folder"; fi
exit $status
"""
# The account that servers run as if this process is root's.
_OTHER = "nobody"
# The name of a Unix socket has at most 107 bytes, and ends with this.
_SOCKET, _LONGEST = ".s.PGSQL.5432", 103
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Account:
    """The account that a server runs as: another one for root, as which PostgreSQL refuses to run."""

    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        return None if self.uid is None else []

    def own(self, folder: Path) -> None:
        """Give a folder and all that is in it to the account."""
        if self.uid is not None and self.gid is not None:
            for one in (folder, *folder.rglob("*")):
                os.chown(one, self.uid, self.gid, follow_symlinks=False)

    def reaches(self, path: Path) -> bool:
        """Whether the account may enter every folder on the way to a path."""
        return self.uid is None or all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


@contextmanager
def throwaway(major: int | None = None, cache: Path | None = None) -> Iterator[str]:
    """Run a server of a major version, the newest that is found if none is given; yields the URL of its database.

    `cache` is a folder in which a new cluster is kept: a copy of it is a third of the time that making one takes.
    Raises ServerProgramsMissingError, ServerStartError.
    """
    found, account = programs(major), _account()
    home = _private_folder(account)
    try:
        there = _within_reach(found, account, home)
        _make_cluster(there, account, home, cache)
        with _running(there, account, home):
            yield f"postgresql://{_USER}@/postgres?host={percent(str(home), safe='/')}"
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _account() -> _Account:
    if os.geteuid() != 0:
        return _Account()
    try:
        entry = pwd.getpwnam(_OTHER)
    except KeyError as error:
        raise ServerStartError(f"it does not run as root, and this system has no account {_OTHER!r}") from error
    return _Account(entry.pw_uid, entry.pw_gid)


def _private_folder(account: _Account) -> Path:
    """Make a folder that only the account may enter, with a name that is short enough for a socket."""
    for parent in map(Path, (tempfile.gettempdir(), "/tmp", "/var/tmp")):  # noqa: S108  # mkdtemp makes a folder of its own there
        if not parent.is_dir() or not account.reaches(parent.resolve()):
            continue
        home = Path(tempfile.mkdtemp(prefix="archmig-pg-", dir=parent)).resolve()
        if len(os.fsencode(home / _SOCKET)) <= _LONGEST:
            account.own(home)
            return home
        home.rmdir()
    raise ServerStartError("no folder for temporary files has a short path that its account may enter")


def _within_reach(found: Programs, account: _Account, home: Path) -> Programs:
    """Copy the programs into the private folder if the server's account cannot enter theirs."""
    if account.reaches(found.folder):
        return found
    whole = found.folder.parent
    copy = home / "programs" / whole.parent.name / whole.name
    shutil.copytree(whole, copy, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    # The libraries of a wheel are beside its package.
    libraries = whole.parent.with_name(f"{whole.parent.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy.parent.with_name(libraries.name), symlinks=True)
    account.own(home / "programs")
    return Programs(copy / found.folder.name, found.version, found.text)


def _make_cluster(found: Programs, account: _Account, home: Path, cache: Path | None) -> None:
    """Make the folder of the server's data, as a copy of the cached one if there is one."""
    data = home / "data"
    cached = cache / _cluster_name(found) if cache else None
    if cached and cached.is_dir():
        shutil.copytree(cached, data)
        data.chmod(0o700)
        account.own(data)
        return
    _execute([found.folder / "initdb", "--pgdata", data, *_CLUSTER], account)
    if cached:
        _keep(data, cached)


def _cluster_name(found: Programs) -> str:
    key = hashlib.blake2b(repr((found.text, _CLUSTER)).encode(), digest_size=6).hexdigest()
    return f"postgresql-{found.major}-{key}"


def _keep(data: Path, cached: Path) -> None:
    """Copy a new cluster to the cache; another process may do the same at the same time."""
    with suppress(OSError):
        cached.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy = Path(tempfile.mkdtemp(prefix=f"{cached.name}.", dir=cached.parent))
        try:
            shutil.copytree(data, copy, dirs_exist_ok=True)
            copy.rename(cached)
        finally:
            shutil.rmtree(copy, ignore_errors=True)


def _execute(command: list[Path | str], account: _Account) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        user=account.uid,
        group=account.gid,
        extra_groups=account.groups,
        env=_environment(),
    )
    if done.returncode:
        raise ServerStartError(_last_line(done.stderr))


def _environment() -> dict[str, str]:
    """The environment without the variables that tell PostgreSQL's programs about other servers, and in English."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**others, "LC_ALL": "C"}


@contextmanager
def _running(found: Programs, account: _Account, home: Path) -> Iterator[None]:
    settings = [part for setting in (*_SETTINGS, f"unix_socket_directories={home}") for part in ("-c", setting)]
    log = home / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "sh", home, found.folder / "postgres", "-D", home / "data", *settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=written,
            cwd="/",
            user=account.uid,
            group=account.gid,
            extra_groups=account.groups,
            env=_environment(),
            # Why: Ctrl-C in a terminal is sent to every process of the session.
            start_new_session=True,
        )
    try:
        _wait(process, home / "data" / "postmaster.pid", log)
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


def _wait(process: subprocess.Popen[bytes], file: Path, log: Path) -> None:
    """Wait until the server accepts connections, which it writes to a file."""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise ServerStartError(_last_line(log.read_text(encoding="utf-8", errors="replace")))
        with suppress(FileNotFoundError):
            if file.read_text(encoding="utf-8", errors="replace").splitlines()[-1:] == ["ready   "]:
                return
        time.sleep(0.005)
    raise ServerStartError(f"it does not accept connections after {_SECONDS:g} s")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it ended without a message"
