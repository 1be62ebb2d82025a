"""A chain or an environments.toml that cannot be followed: one line, exit code 2, and no file touched."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from support.cli import archmig, build, executable, forked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = '"""Fourth."""\nfrom alembic import op\ndef upgrade(): pass\ndef downgrade(): pass\n'
RUNS = "{ini}: the chain does not run on an empty database: {cause} ({advice}; no database was touched)"
ADVICE = {"syntax": "correct that line", "exit": "correct that line", "env.py exits": "correct that line"}
ADVICE["import"] = "install the module, or correct the import"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(build(tmp_path))
    return tmp_path


def contents(place: Path) -> dict[str, bytes]:
    files = [path for path in place.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(file): file.read_bytes() for file in files}


def fourth(text: str) -> Callable[[Path], object]:
    return lambda place: (place / "chain" / "versions" / "004.py").write_text(text)


def edited(file: str, old: str, new: str) -> Callable[[Path], object]:
    return lambda place: (place / file).write_text((place / file).read_text().replace(old, new))


FIRST = "chain/versions/001_notes.py"
CHAINS: dict[str, tuple[Callable[[Path], object], str]] = {
    "syntax": (fourth("def x(:\n"), "chain/versions/004.py, line 1: invalid syntax"),
    "no down_revision": (
        fourth(HEAD + 'revision = "004"\n'),
        "AttributeError: module '004_py' has no attribute 'down_revision'",
    ),
    "unknown down_revision": (
        fourth(HEAD + 'revision = "004"\ndown_revision = "nope"\n'),
        "a revision comes after 'nope', which no file defines",
    ),
    "cycle": (
        edited(FIRST, "down_revision = None", 'down_revision = "003_due"'),
        "CycleDetected: Cycle is detected in revisions (001_notes, 002_tags, 003_due)",
    ),
    "a file with a NUL": (fourth("a\0b"), "one of its files: source code string cannot contain null bytes"),
    "an id that is no text": (
        fourth(HEAD + 'revision = 4\ndown_revision = "003_due"\n'),
        "a revision id or down_revision is not a string: 'int' object is not iterable",
    ),
    "one id twice": (
        fourth(HEAD + 'revision = "003_due"\ndown_revision = "002_tags"\n'),
        "Revision 003_due is present more than once",
    ),
    "import": (
        fourth("import nosuchmodule\n"),
        "chain/versions/004.py, line 1: ModuleNotFoundError: No module named 'nosuchmodule'",
    ),
    "exit": (fourth("import sys\nsys.exit(0)\n"), "chain/versions/004.py, line 2: SystemExit: 0"),
    "env.py exits": (
        edited("chain/env.py", "run(context)", "raise SystemExit(0)"),
        "chain/env.py, line 4: SystemExit: 0",
    ),
}


@pytest.mark.parametrize("words", [("status",), ("reconcile", "-e", "home", "--yes")], ids=lambda one: one[0])
@pytest.mark.parametrize("case", CHAINS)
def test_a_chain_that_cannot_be_followed_is_one_line(place: Path, case: str, words: tuple[str, ...]) -> None:
    spoil, cause = CHAINS[case]
    spoil(place)
    before = contents(place)
    done = archmig(*words)
    said = RUNS.format(ini=place / "alembic.ini", cause=cause, advice=ADVICE.get(case, "correct the chain"))
    assert (done.code, done.out, done.err) == (2, "", f"archmig: {said}\n")
    assert contents(place) == before


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("cycle", CHAINS["cycle"][1]),
        ("unknown down_revision", CHAINS["unknown down_revision"][1]),
        ("a file with a NUL", CHAINS["a file with a NUL"][1]),
        ("an id that is no text", CHAINS["an id that is no text"][1]),
        ("exit", CHAINS["exit"][1]),
    ],
)
def test_no_new_revision_is_made_in_a_chain_that_cannot_be_followed(place: Path, case: str, said: str) -> None:
    CHAINS[case][0](place)
    before = contents(place)
    done = forked("new", "title", cwd=place)
    advice = "(correct the chain; no database was touched)"
    where = place if said.startswith("chain/") else f"{place}/alembic.ini:"
    assert (done.code, done.out, done.err) == (
        2,
        "",
        f"archmig: {where}{'/' if where == place else ' '}{said} {advice}\n",
    )
    assert contents(place) == before


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda one: (one / "alembic.ini").unlink(),
            "No such file or directory (name the chain's alembic.ini in [alembic] config)",
        ),
        (
            lambda one: ((one / "alembic.ini").unlink(), os.mkfifo(one / "alembic.ini")),
            "is not a file (name the chain's alembic.ini in [alembic] config)",
        ),
        (
            lambda one: shutil.rmtree(one / "chain"),
            "script_location {place}/chain is not a folder (correct the chain; no database was touched)",
        ),
    ],
)
def test_a_chain_that_is_not_there_is_one_line(place: Path, spoil: Callable[[Path], object], said: str) -> None:
    spoil(place)
    done = archmig("status")
    assert (done.code, done.err) == (2, f"archmig: {place}/alembic.ini: {said.format(place=place)}\n")


def test_two_heads_are_both_reached(place: Path) -> None:
    fourth(HEAD + 'revision = "004"\ndown_revision = "002_tags"\n')(place)
    done = archmig("upgrade", "-e", "home", "--yes")
    assert done.code == 0, done.err
    assert archmig("check", "-e", "home").code == 0


@pytest.mark.parametrize("words", [("upgrade", "zzz"), ("downgrade", "zzz"), ("diagnose", "--revision", "zzz")])
def test_a_revision_that_the_chain_lacks_is_said_once_with_those_it_has(place: Path, words: tuple[str, ...]) -> None:
    before = contents(place)
    done = archmig(*words, "-e", "home", "-e", "behind", *(["--yes"] if words[0] != "diagnose" else []))
    said = "archmig: the chain has no revision 'zzz' (known: 001_notes, 002_tags, 003_due)\n"
    assert (done.code, done.err) == (2, said)
    assert contents(place) == before


CONFIGS: list[tuple[str | bytes, str]] = [
    ("a = = 1", ": line 1, column 5: not TOML: Invalid value"),
    ('[env.a]\npth = "x"\n', ": env.a.pth: unknown key (did you mean 'path'?)"),
    ("x = " + "[" * 100_000, ": nested too deeply (no value here needs more than three levels)"),
    ("x = " + "{a = " * 5000 + "1" + "}" * 5000, ": nested too deeply (no value here needs more than three levels)"),
    ("a." * 50_000 + "b = 1", ": line 1: nested too deeply (no value here needs more than three levels)"),
    (
        "\n[" + ".".join(["a"] * 20_000) + "]\n",
        ": line 2: nested too deeply (no value here needs more than three levels)",
    ),
    ("#" * 10_000_001, ": is larger than 10 MB (check the path)"),
    (
        "k" * 40_000 + " = 1",
        (
            f": '{'k' * 40}…': unknown key "
            "(known: alembic, backup, defaults, env, ledger, notify, postgresql, resolve, tracker)"
        ),
    ),
    ('[env.a]\npath = "a.db"\nlock_timeout = nan\n', ": env.a.lock_timeout: must be from 0 to 86400"),
    (b"\xef\xbb\xbf[env]", ": line 1: begins with a byte order mark (save it as UTF-8 without BOM)"),
    (b"[env]\n#\xff", ": line 2: byte 0xff is not UTF-8 (save the file as UTF-8)"),
    (
        '[env.a]\npath = "home.db"\n[env.b]\npath = "./home.db"\n',
        ": env.b: is the same database as env.a: {place}/home.db (give each environment its own)",
    ),
]


@pytest.mark.parametrize(("text", "said"), CONFIGS, ids=range(len(CONFIGS)))
def test_a_configuration_that_cannot_be_followed_is_one_line_at_once(place: Path, text: str | bytes, said: str) -> None:
    (place / "environments.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    before, start = contents(place), time.monotonic()
    done = archmig("reconcile", "--all", "--yes")
    assert time.monotonic() - start < 5
    assert (done.code, done.err) == (2, f"archmig: {place}/environments.toml{said.replace('{place}', str(place))}\n")
    assert contents(place) == before


def test_three_thousand_environments_are_read_in_seconds(place: Path) -> None:
    many = (f'[env.e{number}]\npath = "n{number}.db"\nuninitialised = "skip"\n' for number in range(3000))
    (place / "environments.toml").write_text("".join(many))
    start = time.monotonic()
    assert archmig("check").code == 0
    assert time.monotonic() - start < 15


def test_an_error_in_ten_thousand_environments_is_found_in_seconds(place: Path) -> None:
    many = (f'[env.e{number}]\npath = "n{number}.db"\n' for number in range(10_000))
    (place / "environments.toml").write_text("".join(many))
    start = time.monotonic()
    done = archmig("status", "-e", "nosuch")
    assert (done.code, "no environment 'nosuch'" in done.err) == (2, True)
    assert time.monotonic() - start < 15


def test_the_installed_command_says_the_same_without_a_traceback(place: Path) -> None:
    fourth("def x(:\n")(place)
    done = executable("status", cwd=place)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
