"""Fork server of the tests: starts sandboxed processes from a Python that has imported Alembic already.

Why: nine tenths of the time of a small replay is the import of Alembic and SQLAlchemy. A fork has modules, audit hooks,
an environment and a folder of its own, as a started process has; `tests/revisions/test_sandbox.py` compares the two.
Commands that a test runs in a process of their own (`support.cli.executable`) do not use it; those of which the chain's
code matters, and not the start, do (`support.cli.forked`, `support.terminal.typed`).

Run as a script, this module is the server: a request is a line of JSON, and the answer is the exit code. Its arguments
are further modules to import.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

# What the processes import before the chain's code runs. Not the modules that are run: those must be imported anew.
IMPORTED = (
    "alembic.command",
    "architect_migrate.alembic_env",
    "architect_migrate.databases.sqlite.reflect",
    "architect_migrate.databases.sqlite.repairer",
    "architect_migrate.databases.sqlite.sample_rows",
    "architect_migrate.databases.sqlite.stops",
    "architect_migrate.databases.sqlite.template",
    "architect_migrate.databases.sqlite.trials",
    "architect_migrate.lint.effects",
    "architect_migrate.lint.files",
    "architect_migrate.lint.try_revision",
    "architect_migrate.planning.row_judgement",
    "architect_migrate.revisions.alembic_runtime",
    "architect_migrate.revisions.autogenerate",
    "architect_migrate.revisions.shadow",
    "architect_migrate.revisions.watch",
    "architect_migrate.runs.trial",
    "sqlalchemy.dialects.sqlite",
    "sqlite3",
)
# As archmig's command has it, for all that runs in this process.
GC_THRESHOLD = 10_000
# The module of archmig's command.
COMMAND = "architect_migrate"
# What most commands import when they are run, with all that it imports.
COMMANDS = (
    "architect_migrate.authoring.adopt.adopt",
    "architect_migrate.cli.app",
    "architect_migrate.cli.change",
    "architect_migrate.cli.init",
    "architect_migrate.cli.lint",
    "architect_migrate.cli.read",
    "architect_migrate.cli.report.check",
    "architect_migrate.cli.report.init",
    "architect_migrate.cli.report.outcome",
    "architect_migrate.cli.report.status",
    "architect_migrate.lint.lint",
    "architect_migrate.planning.both_sides",
    "architect_migrate.planning.halfway",
    "architect_migrate.planning.interruptions",
    "architect_migrate.planning.look",
    "architect_migrate.runs.commit_proof",
    "architect_migrate.runs.execute",
    "architect_migrate.runs.observe",
    "architect_migrate.runs.own_functions",
    "architect_migrate.runs.reconcile",
    "architect_migrate.runs.upgrade",
)
# The server does not write byte code either, and its forks do not import from the working folder.
_SERVED = ({"-P"}, {"-B", "-P"})


class ForkServer:
    """Replacement for `subprocess` in `architect_migrate.revisions.sandbox`; `folder` is its own.

    `server` has a stdin for requests and a stdout for answers.
    """

    DEVNULL = subprocess.DEVNULL

    def __init__(self, server: Any, folder: Path, environ: Mapping[str, str]) -> None:
        self.server, self.out, self.err = server, folder / "out", folder / "err"
        self.environ, self.owner, self.lock = _of_the_start(environ), os.getpid(), Lock()

    def run(
        self, command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str], **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -P -m MODULE ARGUMENT...` as subprocess.run does, in a fork of the server."""
        executable, *flags = command[: command.index("-m")] if "-m" in command else command
        if executable != sys.executable or {*flags} not in _SERVED or not self._may_serve(env):
            return subprocess.run(command, cwd=cwd, env=env, **options)  # noqa: PLW1510  (`check` is in options)
        module, *arguments = command[len(flags) + 2 :]
        terminal = options.get("stdin", subprocess.DEVNULL)
        stdin = os.devnull if terminal == subprocess.DEVNULL else os.ttyname(terminal)
        request = {"module": module, "arguments": arguments, "cwd": str(cwd or Path.cwd()), "environ": dict(env)}
        request |= {"stdin": stdin}
        with self.lock:
            code = self._ask({**request, "out": str(self.out), "err": str(self.err)})
            how = {name: options.get(name) for name in ("encoding", "errors")}
            return subprocess.CompletedProcess(command, code, self.out.read_text(**how), self.err.read_text(**how))

    def _may_serve(self, environ: Mapping[str, str]) -> bool:
        """Return whether the server was started by this process, with what Python reads in `environ` when it starts."""
        return os.getpid() == self.owner and _of_the_start(environ) == self.environ

    def _ask(self, request: Mapping[str, Any]) -> int:
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()
        return int(self.server.stdout.readline())


class ForkServers:
    """Replacement for `subprocess` as `ForkServer`: one server for what Python reads in the environment when it starts.

    Why only for what is asked for again: a server takes longer to start than one process, and squash, which starts
    processes with two seeds for Python's hashes, starts many.
    """

    DEVNULL = subprocess.DEVNULL

    def __init__(self, stack: ExitStack, folder: str) -> None:
        self.stack, self.folder, self.owner = stack, folder, os.getpid()
        self.servers: dict[tuple[frozenset[tuple[str, str]], tuple[str, ...]], ForkServer | None] = {}

    def run(
        self, command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str], **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as `ForkServer.run` does."""
        modules = (*_of_the_application(cwd or Path.cwd()), *(COMMANDS if COMMAND in command else ()))
        server = self._server(env, modules) if os.getpid() == self.owner else None
        run = server.run if server else subprocess.run
        return run(command, cwd=cwd, env=env, **options)

    def _server(self, environ: Mapping[str, str], modules: tuple[str, ...]) -> ForkServer | None:
        start = frozenset(_of_the_start(environ).items()), modules
        if start not in self.servers and _of_the_start(os.environ) != dict(start[0]):
            self.servers[start] = None
        elif not self.servers.get(start):
            self.servers[start] = self.stack.enter_context(_started(environ, self.folder, modules))
        return self.servers[start]


@contextmanager
def fork_server() -> Iterator[ForkServers]:
    """Serve forks; the servers end with the context.

    Why the folder is made here: a test that starts the first server may have a TMPDIR that ends with the test.
    """
    with tempfile.TemporaryDirectory(prefix="fork-server-") as folder, ExitStack() as stack:
        yield ForkServers(stack, folder)


@contextmanager
def _started(environ: Mapping[str, str], base: str, modules: Iterable[str]) -> Iterator[ForkServer]:
    command, of_the_start = [sys.executable, "-B", __file__, *modules], {**os.environ, **_of_the_start(environ)}
    with (
        tempfile.TemporaryDirectory(dir=base) as folder,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=of_the_start) as server,
    ):
        yield ForkServer(server, Path(folder), environ)


def _of_the_application(folder: Path) -> tuple[str, ...]:
    """Return what the sources in a folder import that takes twice as long as Alembic: Flask with its extensions."""
    uses_flask = any(b"from flask_" in file.read_bytes() for file in folder.glob("*.py"))
    return ("flask_migrate", "flask_sqlalchemy") if uses_flask else ()


def _of_the_start(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what Python reads when it starts."""
    return {name: value for name, value in environ.items() if name.startswith(("PYTHON", "LC_", "LANG", "TZ"))}


def serve(*modules: str) -> None:
    """Answer requests until stdin ends. In the fork that a request asks for, run its module and exit as it does."""
    for module in (*IMPORTED, *modules):
        __import__(module)
    from architect_migrate.databases.registry import LOCAL, preload

    # Why: it takes as long as the replay of a small chain, and each process does it.
    preload(LOCAL)
    _warm_up()
    # Why: a collection would copy the pages that a fork shares with the server.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    while line := sys.stdin.readline():
        child = os.fork()
        if not child:
            return _run(**json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    return None


def _warm_up() -> None:
    """Do once what each process does when it first reads SQL, connects and runs an operation."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from sqlalchemy import create_engine

    from architect_migrate.databases.sqlite.sql.lexer import tokenize

    tokenize("SELECT 1")
    with create_engine("sqlite://").connect() as connection:
        Operations(MigrationContext.configure(connection)).execute("SELECT 1")


def _keep_forking(folder: Path) -> None:
    """Fork the sandboxed processes of the command that is about to run from a second server, which ends with it."""
    from architect_migrate.revisions import sandbox

    (asked, ask), (answered, answer) = os.pipe(), os.pipe()
    if not os.fork():
        os.close(ask)
        os.dup2(asked, 0)
        os.dup2(answer, 1)
        sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
        serve()
        os._exit(0)
    os.close(asked)
    os.close(answer)
    second = folder / "second"
    second.mkdir(exist_ok=True)
    server = SimpleNamespace(stdin=os.fdopen(ask, "w"), stdout=os.fdopen(answered))
    vars(sandbox)["subprocess"] = ForkServer(server, second, os.environ)


def _run(module: str, arguments: list[str], cwd: str, environ: dict[str, str], **streams: str) -> None:
    written, out = os.O_WRONLY | os.O_CREAT | os.O_TRUNC, streams["out"]
    opened_as = ((streams["stdin"], os.O_RDONLY | os.O_NOCTTY), (out, written), (streams["err"], written))
    for descriptor, (name, flags) in enumerate(opened_as):
        opened = os.open(name, flags)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    del sys.path[0]
    sys.argv[1:] = arguments
    if module == COMMAND:
        _keep_forking(Path(out).parent)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        # Why not return: Python would take down all modules, which takes as long as a small replay.
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code)


if __name__ == "__main__":
    serve(*sys.argv[1:])
