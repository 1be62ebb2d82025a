"""Runs in segments: what one transaction cannot hold is divided, and each part is proven and stamped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.database_errors import CommitFailedError, LockedByRunError
from architect_migrate.core.urls import parse_url
from architect_migrate.databases.postgresql import held
from architect_migrate.databases.registry import access
from architect_migrate.databases.values import CommitOutcome
from architect_migrate.runs import execute
from support.cli import archmig
from support.postgresql import run
from support.segments import A1, upgraded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

B2 = "def upgrade():\n    op.execute(\"ALTER TYPE mood ADD VALUE 'ok'\")\n"
C3 = "def upgrade():\n    op.execute(\"ALTER TABLE t ALTER m SET DEFAULT 'ok'; UPDATE t SET m = 'ok' WHERE id = 1\")\n"
D4 = "def upgrade():\n    op.execute('ALTER TABLE t ADD COLUMN more int')\n"
FAILS = "def upgrade():\n    op.execute('SELECT 1 / (SELECT count(*) - 3 FROM t)')\n"


PLANNED = """\
app: behind, 5 steps
  run revision r2
  stamp r2
  prove and commit, at r2: PostgreSQL lets new labels of mood be used after a commit
  run revision r3
  stamp r3
"""


def test_a_label_is_used_in_the_transaction_after_the_one_that_adds_it(segmented: Callable[..., str]) -> None:
    database = segmented(A1, B2, C3)
    assert archmig("upgrade", "-e", "app", "--dry-run").out == PLANNED
    code, said = upgraded()
    assert (code, "4 rows in 2 tables kept" in said) == (0, True), said
    assert run(database, "SELECT id, m FROM t ORDER BY id") == [(1, "ok"), (2, "sad"), (3, "sad")]
    assert archmig("check").code == 0


STOPPED = (
    "at r2, proven and committed. In the transaction after it: revision r3 failed in upgrade(): DataError: "
    "division by zero"
)


def test_a_run_that_fails_between_says_where_it_is_and_the_next_one_goes_on(
    segmented: Callable[..., str], tmp_path: Path
) -> None:
    database = segmented(A1, B2, FAILS, D4)
    done = archmig("upgrade", "-e", "app", "--yes", "--json")
    (its,) = json.loads(done.out)["environments"]
    assert (done.code, its["outcome"], its["error"]["type"]) == (2, "failed", "StoppedAtError"), done.err
    assert its["detail"].startswith(STOPPED)
    assert (its["to"], its["receipt"]["stamp_before"], its["receipt"]["stamp_after"]) == (["r2"], ["r1"], ["r2"])
    assert run(database, "TABLE alembic_version") == [("r2",)]
    (archive,) = (tmp_path / ".archmig" / "backups").glob("*.dump")
    assert its["receipt"]["backup"] == str(archive)
    told = archmig("show", str(its["receipt"]["number"])).out
    assert "division" not in told, "no text of an error that may quote rows"
    assert ("r1 before, r2 after" in told, "at r2, proven and committed" in told) == (True, True), told
    assert "behind  r2  r2     2" in archmig("status").out
    run(database, "DELETE FROM t WHERE id = 3")
    assert upgraded()[0] == 0
    assert run(database, "TABLE alembic_version") == [("r4",)]
    assert archmig("check").code == 0


def test_a_run_that_fails_first_changes_nothing(segmented: Callable[..., str]) -> None:
    database = segmented(A1, FAILS, B2, D4)
    code, said = upgraded()
    assert (code, "revision r2 failed in upgrade()" in said, "proven and committed" in said) == (2, True, False), said
    assert run(database, "TABLE alembic_version") == [("r1",)]


def test_one_transaction_is_what_an_environment_may_insist_on(segmented: Callable[..., str]) -> None:
    database = segmented(A1, B2, C3, policies='transaction = "one"')
    code, said = upgraded()
    assert (code, "unsafe use of new value" in said) == (2, True), said
    assert run(database, "TABLE alembic_version") == [("r1",)]
    assert "prove and commit" not in archmig("upgrade", "-e", "app", "--dry-run").out


def test_an_empty_database_is_built_in_segments(segmented: Callable[..., str]) -> None:
    database = segmented(A1, B2, C3, D4)
    run(database, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    code, said = upgraded()
    assert (code, "at r4, 7 steps, built from nothing" in said) == (0, True), said
    assert archmig("check").code == 0


def test_what_changes_between_two_segments_is_noticed(
    segmented: Callable[..., str], between: Callable[[Callable[[], object]], None]
) -> None:
    database = segmented(A1, B2, C3)
    between(lambda: run(database, "CREATE TABLE other (id int)"))
    code, said = upgraded()
    assert (code, "at r2, proven and committed" in said) == (2, True), said
    assert "the database changed after it was planned" in said
    assert run(database, "TABLE alembic_version") == [("r2",)]
    assert upgraded()[0] == 0


def test_the_lock_of_runs_is_held_between_two_segments(
    segmented: Callable[..., str], between: Callable[[Callable[[], object]], None]
) -> None:
    database, seen = segmented(A1, B2, C3), []

    def another() -> None:
        with pytest.raises(LockedByRunError) as refused, access.transaction(parse_url(database), 0.1):
            pass
        seen.append(refused.value.holder.process)

    between(another)
    assert upgraded()[0] == 0
    assert len(seen) == 1
    assert seen[0].isdigit()
    with access.transaction(parse_url(database), 0.1):
        pass


def test_ctrl_c_between_two_segments_says_what_is_committed(
    segmented: Callable[..., str], between: Callable[[Callable[[], object]], None]
) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    database = segmented(A1, B2, C3)
    between(stop)
    code, said = upgraded()
    assert (code, "at r2, proven and committed. In the transaction after it: Ctrl-C: run it again" in said) == (
        130,
        True,
    )
    assert run(database, "TABLE alembic_version") == [("r2",)]
    assert "interrupted" not in archmig("log").out
    assert upgraded()[0] == 0


def test_a_commit_without_an_answer_is_said_to_be_unknown(
    segmented: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, commit, calls = segmented(A1, B2, C3), held._commit, list[object]()

    def lost(connection: held.HeldConnection) -> None:
        calls.append(connection)
        if len(calls) == 2:
            raise CommitFailedError("the server", "gone")
        commit(connection)

    monkeypatch.setattr(held, "_commit", lost)
    monkeypatch.setattr(execute, "_commit_outcome", lambda _: CommitOutcome.UNKNOWN)
    code, said = upgraded()
    told = " ".join(said.split())
    assert (code, "the server: gone at the commit; whether that is committed is not known" in told) == (2, True), said
    assert "the whole run" not in told
    assert run(database, "TABLE alembic_version") == [("r2",)]


KILLS = """def upgrade():
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM t WHERE note = 'n3'")):
        import os
        os.kill(os.getpid(), 9)
    op.execute("UPDATE t SET m = 'ok' WHERE id = 1")
"""


def test_a_run_that_is_killed_in_the_second_segment_is_at_the_first(segmented: Callable[..., str]) -> None:
    database = segmented(A1, B2, KILLS)
    command = [sys.executable, "-m", "architect_migrate", "upgrade", "-e", "app", "--yes"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGKILL
    assert run(database, "TABLE alembic_version") == [("r2",)]
    run(database, "UPDATE t SET note = 'n4' WHERE id = 3")
    assert upgraded()[0] == 0
    assert run(database, "SELECT id FROM t WHERE m = 'ok'") == [(1,)]
    assert archmig("check").code == 0


def test_the_sql_of_a_plan_commits_where_the_run_does(segmented: Callable[..., str]) -> None:
    segmented(A1, B2, C3)
    said = archmig("upgrade", "-e", "app", "--dry-run", "--json").out
    assert [step["kind"] for step in json.loads(said)["environments"][0]["plan"]["steps"]] == [
        "RunRevision",
        "Stamp",
        "Checkpoint",
        "RunRevision",
        "Stamp",
    ]
    script = archmig("reconcile", "-e", "app", "--dry-run", "--sql").out
    assert "COMMIT;\nBEGIN;" in script
    assert script.count("COMMIT;") == script.count("BEGIN;") == 2
