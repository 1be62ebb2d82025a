"""The command as a process: what it imports, how it asks at a terminal, how it ends when it is interrupted."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.cli import archmig, ask, build, executable, execute, plainly, primed

ARCHMIG = str(Path(sys.executable).with_name("archmig"))
HEAVY = """
import sys
from architect_migrate.cli.app import main
sys.argv = ["archmig", *sys.argv[1:]]
try:
    main()
except SystemExit as stop:
    code = stop.code
heavy = {"sqlalchemy", "alembic", "rich"} & set(sys.modules)
print(f"{code} {sorted(heavy)}", file=sys.stderr)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(primed(build(tmp_path)))
    plainly(monkeypatch)
    return tmp_path


def at_terminal(folder: Path, answers: str, *words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command with somebody at the terminal who types `answers`."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [ARCHMIG, *words], cwd=folder, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            os.write(ours, answers.encode())
            out, err = process.communicate(timeout=60)
            return process.returncode, out, err
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["status", "--grid"],
        ["check", "-e", "home"],
        ["pending"],
        ["history"],
        ["upgrade", "-e", "home", "--yes"],
    ],
)
def test_what_runs_nothing_imports_neither_alembic_nor_sqlalchemy_nor_rich(folder: Path, words: list[str]) -> None:
    archmig("history")
    done = subprocess.run([sys.executable, "-c", HEAVY, *words], capture_output=True, text=True, check=True)
    assert done.stderr == "0 []\n"


@pytest.mark.parametrize(
    ("answer", "code", "stamp"), [("y\n", 0, "003_due"), ("n\n", 1, "002_tags"), ("\n", 1, "002_tags")]
)
def test_at_a_terminal_it_asks_once(folder: Path, answer: str, code: int, stamp: str) -> None:
    ended, _, err = at_terminal(folder, answer, "reconcile", "-e", "behind")
    assert ended == code
    assert err.count("reconcile behind? [y/N] ") == 1
    assert ask(folder / "behind.db", "SELECT version_num FROM alembic_version") == [(stamp,)]


@pytest.mark.parametrize(("answers", "code", "done"), [("y\nlost\n", 0, 2), ("y\nyes\n", 1, 1)])
def test_a_protected_environment_wants_its_name_typed(folder: Path, answers: str, code: int, done: int) -> None:
    ended, out, err = at_terminal(folder, answers, "reconcile", "--all")
    assert (ended, f" {done} done" in out) == (code, True)
    assert "lost is protected: type its name to reconcile it; any other answer leaves it as it is: " in err


def test_at_a_terminal_a_bar_shows_how_far_it_is(folder: Path) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [ARCHMIG, "reconcile", "--all", "--yes"], cwd=folder, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as process:
        os.close(theirs)
        shown = b""
        # A terminal whose other end is gone says so by an error, not by an end of file.
        with contextlib.suppress(OSError):
            while piece := os.read(ours, 65536):
                shown += piece
        out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert (process.returncode, " 2 done" in out) == (0, True)
    assert b"lost: done: at 003_due, 3 steps" in shown


@pytest.mark.parametrize(("more", "code"), [((), 1), (("-e", "gone"), 2)], ids=["alone", "beside one that failed"])
def test_a_restore_that_is_declined_writes_nothing_and_hides_no_failure(
    folder: Path, more: tuple[str, ...], code: int
) -> None:
    assert archmig("backup", "create", "-e", "home").code == 0
    execute(folder / "home.db", "DELETE FROM notes")
    ended, out, err = at_terminal(folder, "n\n", "backup", "restore", "-e", "home", *more)
    assert (ended, out, err.endswith("nothing was changed\n")) == (code, "", True)
    assert ask(folder / "home.db", "SELECT count(*) FROM notes") == [(0,)]
    ended, out, _ = at_terminal(folder, "n\n", "backup", "restore", "-e", "home", *more, "--json")
    assert (ended, json.loads(out)["environments"][0]["outcome"]) == (code, "planned")


def test_nobody_answering_is_no(folder: Path) -> None:
    ended, out, err = at_terminal(folder, "\x04", "reconcile", "-e", "behind")
    assert (ended, out) == (1, "")
    assert err.endswith("nothing was changed\n")


def test_an_interrupt_ends_with_130_and_leaves_the_database_as_it_was(folder: Path) -> None:
    file = folder / "chain" / "versions" / "003_due.py"
    slow = (
        "    if os.environ.get('ARCHMIG_REPLAY') is None:\n        open('began', 'w').close()\n        time.sleep(60)\n"
    )
    file.write_text(f"{file.read_text()}\n\nimport os, time\n\n_up = upgrade\n\n\ndef upgrade():\n    _up()\n{slow}")
    before = (folder / "behind.db").read_bytes()
    with subprocess.Popen(
        [ARCHMIG, "upgrade", "-e", "behind", "--yes"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for _ in range(600):
            if (folder / "began").exists():
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.splitlines()[1].split()[:3] == ["behind", "behind", "failed"]
    assert "archmig: behind: was interrupted and is as it was before" in err
    assert (folder / "behind.db").read_bytes() == before


def test_a_reader_who_has_seen_enough_is_no_error(folder: Path) -> None:
    done = subprocess.run(
        f"{ARCHMIG} history | true; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_a_defect_is_one_line_and_its_trace_only_with_debug(folder: Path) -> None:
    (folder / "sitecustomize.py").write_text(
        "import architect_migrate.cli.read as it\n\n\n"
        "def broken(*_):\n    raise ZeroDivisionError('oh')\n\n\nit.to_read = broken\n"
    )
    environ = {"PYTHONPATH": str(folder)}
    done = executable("status", cwd=folder, environ=environ)
    assert (done.out, done.code) == ("", 2)
    assert done.err == (
        "archmig: unexpected ZeroDivisionError: oh (this is a defect of archmig; --debug shows where)\n"
    )
    assert "Traceback" in executable("--debug", "status", cwd=folder, environ=environ).err


def test_the_demo_is_built_in_any_folder_and_left_alone_the_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = "main, prod, qa, dev, test, test_suite, env1, env2, env3, feature1, feature2, feature3"
    done = archmig("demo", "fresh")
    assert (done.out, done.code) == (f"12 environments in fresh/environments.toml: {names}\n", 0)
    assert done.err == "look at them: archmig -c fresh/environments.toml status\n"
    assert archmig("-c", "fresh/environments.toml", "check").code == 1
    again = archmig("demo", "fresh")
    problem = "fresh/environments.toml exists: choose another directory, or remove it first"
    assert (again.err, again.code) == (f"archmig: fresh: no demo: {problem} (nothing was written)\n", 2)


def test_an_interrupt_while_archmig_itself_is_loaded_is_one_line_too(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "architect_migrate", "status"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted; nothing was changed\n")


@pytest.mark.parametrize(
    ("before", "ended"),
    [
        (
            "def stop(*_):\n    raise KeyboardInterrupt\ntyper_defaults.Command.get_params = stop",
            (130, "interrupted; nothing was changed, except for what is reported above\n"),
        ),
        ("atexit.register(os.kill, os.getpid(), signal.SIGINT)", (0, "")),
    ],
    ids=["before the command begins", "after all is said"],
)
def test_an_interrupt_outside_of_a_command_is_one_line_or_nothing_any_more(
    folder: Path, before: str, ended: tuple[int, str]
) -> None:
    imports = "import atexit, os, signal, sys\nfrom architect_migrate.cli import app, typer_defaults"
    words = f"{imports}\n{before}\nsys.argv = ['archmig', 'history']\napp.main()"
    done = subprocess.run([sys.executable, "-c", words], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == ended


def test_what_the_system_refuses_outside_of_an_environment_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "locked/home.db")

    monkeypatch.setattr("architect_migrate.cli.log.known", forbidden)
    monkeypatch.setattr("architect_migrate.cli.read.known", forbidden)
    done = archmig("status")
    assert (done.code, done.err) == (2, "archmig: locked/home.db: Permission denied; fix this, then run it again\n")
