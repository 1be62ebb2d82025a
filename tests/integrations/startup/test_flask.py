"""The Flask application of docs/flask_app, started as a person starts it, and asked over HTTP."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

from support.cli import archmig, build
from support.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP = PROJECT / "docs" / "flask_app" / "app.py"
VARIABLES = {"ARCHMIG_ENV", "ARCHITECT_ENV", "ARCHMIG_SKIP", "ARCHITECT_SKIP_MIGRATIONS"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = build(tmp_path_factory.mktemp("flask"))
    assert archmig("history", "-c", str(folder / "environments.toml")).code == 0
    return folder


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def served(place: Path, *words: str, **environ: str) -> Iterator[tuple[str, Path]]:
    """`python app.py` in the folder of environments.toml: its address, and the file that its log goes to."""
    port, log = free_port(), place / "log"
    command = [sys.executable, str(APP), "--port", str(port), *words]
    clean = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    with log.open("w") as file:
        running = subprocess.Popen(
            command, cwd=place, env={**clean, **environ}, stdout=file, stderr=file, start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}"
        await_answer(address, running, log)
        yield address, log
    finally:
        # The reloader's child is of the same session.
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGTERM)
        running.wait(20)


def await_answer(address: str, running: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while True:
        assert running.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        with suppress(OSError):
            fetch(f"{address}/health")
            return
        time.sleep(0.05)


def fetch(url: str) -> str:
    with urlopen(url, timeout=20) as answer:
        assert answer.status == 200
        return str(answer.read().decode())


def told(log: Path) -> list[str]:
    return re.findall(r"^(?:INFO|WARNING|ERROR) app: .*$", log.read_text(), re.MULTILINE)


CASES: dict[str, tuple[list[str], dict[str, Any], str]] = {
    "home": ([], {"database": "up_to_date", "database_ok": True}, "INFO app: home: at 003_due, as the chain makes it"),
    "behind": ([], {"database": "behind", "database_ok": False}, "WARNING app: behind: revision 003_due is pending"),
    "lost": ([], {"database": "drifted", "database_ok": False}, "WARNING app: lost: drifted: 5 breaking"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_application_starts_and_shows_how_its_database_is(place: Path, name: str) -> None:
    words, health, line = CASES[name]
    before = (place / f"{name}.db").read_bytes()
    with served(place, *words, ARCHITECT_ENV=name) as (address, log):
        assert told(log)[0].startswith(line)
        assert json.loads(fetch(f"{address}/health")) == {"status": "ok", **health}
        page = fetch(f"{address}/admin/database")
        assert f"<h1>{name}: {health['database'].replace('_', ' ')}</h1>" in page
        shown = json.loads(fetch(f"{address}/admin/database.json"))
        assert shown["at_start"]["state"] == shown["now"]["state"] == health["database"]
    assert (place / f"{name}.db").read_bytes() == before


def test_skip_migrations_starts_it_without_a_look_and_says_so(place: Path) -> None:
    with served(place, "--skip-migrations", "--env", "lost") as (address, log):
        assert json.loads(fetch(f"{address}/health"))["database"] == "skipped"
        assert told(log) == [
            "WARNING app: lost: skipped, since the application asked for it: its database was not checked"
        ]


def test_the_reloader_of_debug_starts_it_twice_as_the_document_says(place: Path) -> None:
    with served(place, "--debug", "--env", "home") as (_, log):
        assert told(log) == ["INFO app: home: at 003_due, as the chain makes it"] * 2


def test_it_does_not_start_where_the_environment_refuses(place: Path) -> None:
    text = (place / "environments.toml").read_text().replace("[env.behind]", '[env.behind]\non_pending = "refuse"')
    (place / "refusing.toml").write_text(text)
    environ = {**os.environ, "ARCHMIG_CONFIG": "refusing.toml"}
    command = [sys.executable, str(APP), "--env", "behind", "--port", str(free_port())]
    done = subprocess.run(command, cwd=place, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith("app.py: behind: revision 003_due is pending after 002_tags (archmig upgrade -e behind -c ")
    assert line.endswith('refusing.toml); on_pending = "refuse", so the application does not start')
