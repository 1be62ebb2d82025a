"""Ctrl-C at any moment: the database is as it was or wholly at its new version, and archmig says which."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.cli import ask, build, forked, primed

BIN = Path(sys.executable).parent
SLOW = '''"""Slow."""
import time
from pathlib import Path
from alembic import op
revision = "004_slow"
down_revision = "003_due"
def upgrade():
    op.execute("CREATE TABLE slow (id INTEGER)")
    file = Path(op.get_bind().exec_driver_sql("PRAGMA database_list").fetchone()[2])
    if not file.name.startswith("home"):
        return
    (file.parent / "running").touch()
    {body}
def downgrade():
    pass
'''
PYTHON = "time.sleep(30)"
SWALLOWED = """try: time.sleep(30)
    except BaseException: pass"""
ONE_STATEMENT = (
    'op.execute("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) INSERT INTO slow SELECT x FROM n '
    'WHERE x < 0")'
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return build(tmp_path)


def slow(place: Path, body: str) -> None:
    """A fourth revision that takes long on home.db and no time in replay."""
    (place / "chain" / "versions" / "004_slow.py").write_text(SLOW.format(body=body))
    primed(place)


def started(place: Path, *words: str) -> subprocess.Popen[str]:
    command = [f"{BIN}/{words[0]}", *words[1:]]
    return subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def begun(place: Path, running: subprocess.Popen[str]) -> None:
    """Wait until the slow revision says that it runs."""
    end = time.monotonic() + 20
    while not (place / "running").exists():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def interrupted(place: Path, running: subprocess.Popen[str]) -> tuple[int, str, str]:
    """What the process says after a Ctrl-C that comes while the slow revision runs."""
    with running:
        begun(place, running)
        time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=20)
        return running.returncode, out, err


@pytest.mark.parametrize("body", [PYTHON, SWALLOWED, ONE_STATEMENT])
def test_ctrl_c_in_a_revision_leaves_the_database_as_it_was_and_says_so(place: Path, body: str) -> None:
    slow(place, body)
    before = (place / "home.db").read_bytes()
    code, out, err = interrupted(place, started(place, "archmig", "upgrade", "-e", "home", "--yes"))
    assert code == 130, err
    assert "Traceback" not in out + err
    assert "home: was interrupted and is as it was before: run it again" in err
    assert (place / "home.db").read_bytes() == before
    slow(place, "pass")
    done = forked("upgrade", "-e", "home", "--yes", cwd=place)
    assert done.code == 0, done.err


def test_ctrl_c_says_what_was_done_and_what_was_not_begun(place: Path) -> None:
    slow(place, PYTHON)
    toml = place / "environments.toml"
    toml.write_text(toml.read_text().replace("[env.home]", '[env.aft]\npath = "aft.db"\n[env.home]'))
    (place / "aft.db").write_bytes((place / "home.db").read_bytes())
    words = ("upgrade", "-e", "behind", "-e", "home", "-e", "aft", "--yes")
    code, out, err = interrupted(place, started(place, "archmig", *words))
    assert code == 130
    told = out + err
    assert "Traceback" not in told
    assert "home: was interrupted and is as it was before: run it again" in err
    assert "behind: was not started and is as it was before: run it again" in err
    versions = [ask(place / f"{one}.db", "SELECT * FROM alembic_version") for one in ("aft", "home", "behind")]
    assert versions == [[("004_slow",)], [("003_due",)], [("002_tags",)]]


@pytest.mark.parametrize("body", [PYTHON, SWALLOWED, ONE_STATEMENT])
def test_ctrl_c_in_plain_alembic_is_one_line_and_leaves_the_database_as_it_was(place: Path, body: str) -> None:
    slow(place, body)
    before = (place / "home.db").read_bytes()
    words = ("alembic", "-x", "env=home", "upgrade", "head")
    code, out, err = interrupted(place, started(place, *words))
    assert (code, out) == (130, "FAILED: interrupted, and nothing was changed\n"), err
    assert "Traceback" not in err
    assert (place / "home.db").read_bytes() == before


def of_two_at_once(place: Path) -> subprocess.Popen[str]:
    """Three environments in two workers, of which the slow ones come first; in a session of its own."""
    toml = place / "environments.toml"
    toml.write_text(toml.read_text().replace("[env.home]", '[env.home2]\npath = "home2.db"\n[env.home]'))
    (place / "home2.db").write_bytes((place / "home.db").read_bytes())
    words = ("upgrade", "-e", "home", "-e", "home2", "-e", "behind", "--yes", "--jobs", "2")
    command = [f"{BIN}/archmig", *words]
    return subprocess.Popen(
        command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def versions(place: Path, *names: str) -> list[str]:
    return [ask(place / f"{name}.db", "SELECT * FROM alembic_version")[0][0] for name in names]


def test_ctrl_c_stops_the_workers_of_several_jobs(place: Path) -> None:
    slow(place, PYTHON)
    with of_two_at_once(place) as running:
        begun(place, running)
        time.sleep(0.5)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: the whole group
        out, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert "Traceback" not in out + err
    assert versions(place, "home", "home2", "behind") == ["003_due", "003_due", "002_tags"]


def test_a_stop_that_reaches_only_the_command_lets_its_workers_finish_and_tells_what_they_did(place: Path) -> None:
    slow(place, "time.sleep(1.5)")
    with of_two_at_once(place) as running:
        begun(place, running)
        running.send_signal(signal.SIGINT)  # as `kill -INT` does
        out, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert "Traceback" not in out + err
    assert "home: done: at 004_slow" in err
    assert "behind: was not started and is as it was before: run it again" in err
    assert versions(place, "home", "home2", "behind") == ["004_slow", "004_slow", "002_tags"]


def test_the_workers_of_a_killed_run_die_with_it_and_leave_everything_as_it_was(place: Path) -> None:
    slow(place, PYTHON)
    with of_two_at_once(place) as running:
        begun(place, running)
        time.sleep(0.5)
        running.kill()
        # The workers hold its pipes open as long as they live.
        running.communicate(timeout=10)
    assert versions(place, "home", "home2", "behind") == ["003_due", "003_due", "002_tags"]
    slow(place, "pass")
    done = forked("upgrade", "-e", "home", "-e", "home2", "--yes", cwd=place)
    assert done.code == 0, done.err
