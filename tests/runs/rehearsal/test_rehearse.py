"""A rehearsal carries the very plan out on a copy, tells what it came to, and leaves the original as it was."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from architect_migrate.databases.sqlite.files import scratch_copy
from support.cli import apart, archmig, ask, executable, execute, primed

SECONDS = re.compile(r"\d+\.\d\d|(?<= )\d+\.\d(?= s)")
BEHIND = """\
behind: upgrade to 003 (head) would go through (rehearsal 1)
  part                      seconds
  planning and checking     S
  backing up                S        29 kB
  run revision 003_due      S        slowest step
  stamp 003_due             S
  proving and committing    S
  the write lock would be held for about S s, and applications wait for it
  size: 29 kB before, 33 kB after; the backup takes 29 kB more
  rows: 4 rows in 3 tables kept; 1 table compared value by value
  roundtrip: back in S s, and again in S s: the same schema both times
"""
SLOW = '''"""Slow."""
import time
from pathlib import Path
from alembic import op
revision = "004_slow"
down_revision = "003_due"
def upgrade():
    op.execute("CREATE TABLE slow (id INTEGER)")
    file = Path(op.get_bind().exec_driver_sql("PRAGMA database_list").fetchone()[2])
    if not file.parent.name.startswith("archmig-copy-"):
        return
    Path(__file__).with_name("running").touch()
    time.sleep(30)
def downgrade():
    op.execute("DROP TABLE slow")
'''
FOURTH = '''"""Fourth."""
from alembic import op
revision = "004_fourth"
down_revision = "003_due"
def upgrade():
    {up}
def downgrade():
    {down}
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return apart(tmp_path, monkeypatch)


def left(folder: Path) -> list[Path]:
    return list((folder.parent / "tmp").iterdir())


def digests(folder: Path) -> dict[str, str]:
    """Every database, with what lies beside it."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.db*"))}


def fourth(folder: Path, up: str, down: str = "pass") -> None:
    (folder / "chain" / "versions" / "004_fourth.py").write_text(FOURTH.format(up=up, down=down))


def facts(folder: Path) -> list[dict[str, str]]:
    return [dict(json.loads(str(one))) for (one,) in ask(folder / ".archmig" / "ledger.db", "SELECT facts FROM entry")]


def test_what_upgrade_would_do_is_rehearsed_on_a_database_that_is_where_it_claims(folder: Path) -> None:
    before = digests(folder)
    done = archmig("rehearse", "-e", "behind", "--roundtrip")
    assert (done.code, squeezed(done.out)) == (0, squeezed(BEHIND))
    assert digests(folder) == before
    assert left(folder) == []


def squeezed(text: str) -> list[str]:
    """Lines without the times and the width that these give a column; which step was slowest varies."""
    words = (" ".join(SECONDS.sub("S", line).replace("slowest step", "").split()) for line in text.splitlines())
    return [re.sub(r"(stamp 003_due|run revision 003_due) S.*", r"\1 S", line) for line in words]


def test_what_reconcile_would_do_is_rehearsed_on_a_drifted_database(folder: Path) -> None:
    before = digests(folder)
    done = archmig("rehearse", "-e", "lost", "--roundtrip", "--json")
    (told,) = json.loads(done.out)["environments"]
    assert (done.code, told["rehearsed"], told["outcome"], told["rehearsal"]) == (0, "reconcile", "done", 1)
    assert [one["headline"] for one in told["plan"]["steps"]] == [
        "run revision 002_tags",
        "create index ix_notes_due",
        "stamp 003_due",
    ]
    assert [one["step"] for one in told["timings"]] == [None, None, 1, 2, 3, None]
    assert told["lock_seconds"] > 0
    assert told["size"]["backup"] > 0
    assert (told["roundtrip"]["nothing"], told["roundtrip"]["same"]) == (True, True)
    assert "backup" not in told["receipt"]
    assert "archmig-copy" not in done.out
    assert digests(folder) == before
    assert left(folder) == []


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_the_original_is_only_read_while_others_use_it(folder: Path, journal: str) -> None:
    with closing(sqlite3.connect(folder / "behind.db", isolation_level=None)) as application:
        application.execute(f"PRAGMA journal_mode = {journal}")
        application.execute("INSERT INTO notes VALUES (9, 'not yet checkpointed')")
        before = {path: path.read_bytes() for path in folder.glob("behind.db*") if not path.name.endswith("-shm")}
        done = archmig("rehearse", "-e", "behind", "--json")
        (told,) = json.loads(done.out)["environments"]
        assert (done.code, told["receipt"]["rows"]) == (0, 5)
        assert {path: path.read_bytes() for path in before} == before
        application.execute("INSERT INTO notes VALUES (10, 'goes on')")
    assert left(folder) == []


def test_all_are_rehearsed_and_those_with_nothing_to_do_say_so(folder: Path) -> None:
    done = archmig("rehearse", "--all", "--jobs", "2")
    assert done.code == 0
    said = [line.rpartition(" (rehearsal ")[0] for line in done.out.splitlines() if line[:1] not in {"", " "}]
    assert said == [
        "home: upgrade would do nothing: at its target",
        "behind: upgrade to 003 (head) would go through",
        "lost: reconcile to 003 (head) would go through",
        "empty: upgrade would do nothing: nothing of the chain is in it; its policy is to skip it",
        "gone: upgrade would do nothing: no file there; its policy is to skip it",
    ]
    assert left(folder) == []


def test_a_database_that_is_yet_to_be_built_is_built_elsewhere(folder: Path) -> None:
    text = (folder / "environments.toml").read_text()
    (folder / "environments.toml").write_text(
        text.replace('"gone.db"\nuninitialised = "skip"', '"gone.db"\nuninitialised = "create"')
    )
    done = archmig("rehearse", "-e", "gone", "--roundtrip")
    assert (done.code, done.out.splitlines()[0]) == (0, "gone: upgrade to 003 (head) would go through (rehearsal 1)")
    assert "the same schema both times" in done.out
    assert not (folder / "gone.db").exists()


def test_what_stands_in_the_way_is_told_as_the_dry_run_tells_it(folder: Path) -> None:
    execute(
        folder / "lost.db",
        "CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO tags VALUES (1, 'same'), (2, 'same');",
    )
    shown = archmig("reconcile", "-e", "lost", "--dry-run")
    done = archmig("rehearse", "-e", "lost")
    assert (shown.code, done.code) == (1, 1)
    assert done.out == f"{shown.out}  archmig reconcile would change nothing\n"


def test_a_revision_that_fails_on_these_rows_fails_on_the_copy_alone(folder: Path) -> None:
    fourth(folder, """op.execute("CREATE UNIQUE INDEX u ON notes (length(title))")""", """op.execute("DROP INDEX u")""")
    before = digests(folder)
    done = archmig("rehearse", "-e", "home")
    assert (done.code, done.out.splitlines()[0]) == (2, "home: upgrade would fail (rehearsal 1)")
    assert done.err == (
        "archmig: home: the rehearsal of upgrade failed: revision 004_fourth failed in upgrade(): "
        "IntegrityError: UNIQUE constraint failed: index 'u' (correct the rows or the revision: AM302, see archmig "
        "lint 004_fourth) (on a copy)\n"
    )
    assert digests(folder) == before
    assert left(folder) == []
    told = archmig("rehearse", "-e", "home", "--json")
    (one,) = json.loads(told.out)["environments"]
    assert (one["outcome"], one["error"]["type"]) == ("failed", "RehearsalFailedError")


ROUNDTRIPS = {
    "a downgrade that leaves an index": ("CREATE INDEX more ON notes (title)", "SELECT 1", "back: index more"),
    "a downgrade that does not run": (
        "CREATE TABLE more (id)",
        "DROP TABLE less",
        "it does not go back and up again: downgrade",
    ),
}


@pytest.mark.parametrize("name", ROUNDTRIPS)
def test_a_way_back_that_is_not_one_is_told_and_the_exit_code_is_1(folder: Path, name: str) -> None:
    up, down, said = ROUNDTRIPS[name]
    fourth(folder, f'op.execute("{up}")', f'op.execute("{down}")')
    done = archmig("rehearse", "-e", "home", "--roundtrip")
    assert "home: upgrade to 004 (head) would go through" in done.out
    assert (done.code, said in done.out) == (1, True), done.out


def test_what_becomes_of_rows_is_told(folder: Path) -> None:
    fourth(
        folder,
        """op.execute("DELETE FROM notes WHERE id = 1")
    op.execute("UPDATE tags SET name = 'done'")""",
    )
    done = archmig("rehearse", "-e", "home")
    assert "  1 row of notes goes\n  1 row of tags gets other values\n" in done.out
    back = archmig("rehearse", "001", "-e", "behind", "--command", "downgrade")
    assert "  table tags goes, with 1 row\n" in back.out
    assert back.code == 0


REFUSED = {
    "a downgrade to nowhere": (("--command", "downgrade"), "a downgrade needs a revision, and none was given"),
    "a promotion to somewhere": (("003", "--command", "promote"), "a promotion takes no revision"),
    "a revision that is none": (("009",), "the chain has no revision '009'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_rehearsed_is_said(folder: Path, name: str) -> None:
    words, said = REFUSED[name]
    done = archmig("rehearse", "-e", "behind", *words)
    assert (done.code, done.out, said in done.err) == (2, "", True), done.err
    assert left(folder) == []


def test_a_copy_is_not_begun_where_there_is_no_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch_copy.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1000))
    done = archmig("rehearse", "-e", "behind")
    assert (done.code, done.out) == (2, "")
    assert "no private copy: it takes 0.1 MB and 0.0 MB are free; the database was only read: free some" in done.err
    assert left(folder) == []


def test_who_would_wait_is_named(folder: Path) -> None:
    """The application has the database open in another process than the rehearsal's."""
    with closing(sqlite3.connect(folder / "behind.db")) as application:
        application.execute("SELECT count(*) FROM notes").fetchone()
        done = executable("rehearse", "-e", "behind", cwd=primed(folder))
    assert re.search(rf"wait for it; open just now in \S.* \(process {os.getpid()}\)", done.out), done.out


def test_where_nothing_would_be_done_no_copy_is_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch_copy.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=0))
    assert archmig("rehearse", "-e", "home").out == "home: upgrade would do nothing: at its target (rehearsal 1)\n"


def test_a_drifted_database_that_has_revisions_to_come_goes_back_and_up_again(folder: Path) -> None:
    """What the repair brought is no difference: the way back leads to the chain's schema, not to the drift."""
    fourth(folder, """op.execute("CREATE TABLE more (id INTEGER)")""", """op.execute("DROP TABLE more")""")
    done = archmig("rehearse", "-e", "lost", "--roundtrip", "--json")
    (told,) = json.loads(done.out)["environments"]
    assert (done.code, told["rehearsed"]) == (0, "reconcile"), told
    roundtrip = told["roundtrip"]
    assert (roundtrip["same"], roundtrip["nothing"], roundtrip["differences"]) == (True, False, [])


def test_ctrl_c_ends_a_rehearsal_and_nothing_of_it_stays(folder: Path) -> None:
    (folder / "chain" / "versions" / "004_slow.py").write_text(SLOW)
    before = digests(folder)
    command = [str(Path(sys.executable).with_name("archmig")), "rehearse", "-e", "home"]
    with subprocess.Popen(command, cwd=primed(folder), stdout=-1, stderr=-1, text=True) as running:
        end = time.monotonic() + 20
        while not (folder / "chain" / "versions" / "running").exists():
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < end
            time.sleep(0.02)
        (copy,) = left(folder)
        assert copy.stat().st_mode & 0o777 == 0o700
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=20)
    assert (running.returncode, left(folder)) == (130, []), err
    assert digests(folder) == before


def test_what_a_killed_rehearsal_left_is_removed_by_the_next(folder: Path) -> None:
    killed, young = folder.parent / "tmp" / "archmig-copy-killed", folder.parent / "tmp" / "archmig-copy-young"
    for one in (killed, young):
        one.mkdir()
        (one / "held").touch()
    long_ago = time.time() - 3600
    os.utime(killed, (long_ago, long_ago))
    assert executable("rehearse", "-e", "behind", cwd=primed(folder)).code == 0
    assert left(folder) == [young]


def test_a_rehearsal_is_in_the_ledger_with_what_it_was_of(folder: Path) -> None:
    archmig("rehearse", "-e", "behind", "--roundtrip")
    (told,) = facts(folder)
    assert (told["command"], told["target"], told["roundtrip"]) == ("upgrade", "003_due", "same")
    assert {len(told["plan"]), len(told["schema"])} == {32}
    entry = ask(folder / ".archmig" / "ledger.db", "SELECT action, result, environment, backup FROM entry")
    assert entry == [("rehearse", "done", "behind", "")]
