"""A fork of the tests' server answers as the process does that users start, and may do as little."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core import codec
from architect_migrate.model.chain_config import beside
from architect_migrate.revisions import sandbox
from architect_migrate.revisions.sandbox import run_sandboxed
from support.paths import PROJECT
from support.scenarios import code, own_chain

if TYPE_CHECKING:
    from pathlib import Path

STARTS = ("forked", "started")
# What the process has of its own. Of archmig, env.py imports nothing that only plain Alembic commands use.
TELLS = (
    "import os, sys, tempfile",
    "print(os.getcwd(), os.environ['ARCHMIG_REPLAY'], tempfile.gettempdir(), sys.path[-1], *sys.argv[1:])",
    "print(__name__, sys.modules['__main__'].__name__, sys.dont_write_bytecode, file=sys.stderr)",
    "elsewhere = {'pytest', 'support', 'architect_migrate.integrations'} & sys.modules.keys()",
    "print(sorted(elsewhere), file=sys.stderr)",
)


@pytest.fixture(params=STARTS)
def start(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the process begins; the tests fork it elsewhere."""
    if request.param == "started":
        monkeypatch.setattr(sandbox, "subprocess", subprocess)
    return str(request.param)


def replayed(folder: Path, *lines: str) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A replay of a chain whose only upgrade() has these lines, and the folder of its files."""
    (folder / "chain").mkdir()
    (folder / "scratch").mkdir()
    ini, scratch = own_chain(folder / "chain", {"001": code(None, *lines)}).ini, folder / "scratch"
    (scratch / "chain").write_text(codec.dump(beside(ini)), encoding="utf-8")
    return run_sandboxed("revisions.replay_process", ini.parent, scratch, str(scratch)), scratch


def test_the_process_has_its_own_folder_environment_and_output(tmp_path: Path, start: str) -> None:
    done, scratch = replayed(tmp_path, *TELLS)
    written = {"chain", "current", "outline", "reads", "rows", "scratch.db", "steps"}
    assert (done.returncode, {path.name for path in scratch.iterdir()}) == (0, written)
    chain = tmp_path / "chain"
    assert done.stdout == f"{chain} 1 {scratch} {chain} {scratch}\n"
    assert done.stderr == "001_py __main__ True\n[]\n"


def test_the_process_ends_as_the_revision_ends_it(tmp_path: Path, start: str) -> None:
    done, _ = replayed(tmp_path, "import os, signal", "os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == -9


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("open('/etc/hostname', 'r+')", "write the file /etc/hostname"),
        ("__import__('sqlite3').connect('app.db')", "open the database app.db"),
        ("__import__('os').rename('alembic.ini', 'old.ini')", "change the file alembic.ini (os.rename)"),
        ("__import__('os').system('true')", "use the network or another program (os.system (b'true',))"),
        ("__import__('os').fork()", "use the network or another program (os.fork ())"),
        ("__import__('socket').create_connection(('localhost', 9))", "use the network or another program (socket."),
    ],
)
def test_the_process_writes_nothing_outside_of_its_folder(tmp_path: Path, start: str, line: str, problem: str) -> None:
    done, scratch = replayed(tmp_path, line)
    assert done.returncode == 1
    assert f"the chain's code tried to {problem}" in (scratch / "failed").read_text()


WRITES = (
    "import io, logging, os, pathlib, tempfile",
    "os.makedirs('logs/of', exist_ok=True)",
    "os.makedirs('logs/of', exist_ok=True)",
    "logging.FileHandler('logs/of/it.log').emit(logging.makeLogRecord({'msg': 'one'}))",
    "pathlib.Path('logs', 'two').write_text('two')",
    "os.close(os.open('three', os.O_CREAT | os.O_WRONLY))",
    "assert os.path.isdir('logs/of') and sorted(os.listdir('logs')) == ['of', 'two']",
    "assert open('logs/of/it.log').read() + pathlib.Path('logs/two').read_text() == 'one\\ntwo'",
    "open('alembic/env.py', mode='a').write('more')",
    "tempfile.TemporaryFile('w').write('')",
    "try: os.mkdir('logs')",
    "except FileExistsError: pass",
    "try: open('nowhere/it.log', 'w')",
    "except FileNotFoundError: pass",
)


def test_files_that_the_chains_code_writes_are_there_for_it_and_in_its_own_folder(tmp_path: Path, start: str) -> None:
    done, _ = replayed(tmp_path, *WRITES)
    there = sorted(path.name for path in (tmp_path / "chain").iterdir())
    assert (done.returncode, there) == (0, ["alembic", "alembic.ini"]), done.stderr
    assert "more" not in (tmp_path / "chain" / "alembic" / "env.py").read_text()


def test_both_starts_replay_the_same_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def parts(name: str) -> list[str]:
        ini, folder = PROJECT / "alembic.ini", tmp_path / name
        folder.mkdir()
        (folder / "chain").write_text(codec.dump(beside(ini)), encoding="utf-8")
        assert run_sandboxed("revisions.replay_process", ini.parent, folder, str(folder)).returncode == 0
        return [(folder / part).read_text() for part in ("outline", "steps", "rows")]

    forked = parts("forked")
    monkeypatch.setattr(sandbox, "subprocess", subprocess)
    assert parts("started") == forked
