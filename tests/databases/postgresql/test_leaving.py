"""Revisions that leave the transaction of a run: what they do outside, and what is left if they fail there."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from argparse import Namespace
from typing import TYPE_CHECKING

import psycopg
import pytest
from alembic.config import Config
from alembic.util import CommandError

from alembic import command
from architect_migrate.databases.postgresql.statements import words_outside
from support.cli import archmig
from support.postgresql import run
from support.segments import A1, ROWS, upgraded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

# How many runs are killed: a sample, of which `make torture` takes more.
KILLS = int(os.environ.get("ARCHMIG_EXAMPLES", "6"))
B2 = "def upgrade():\n    op.execute('ALTER TABLE t ADD COLUMN more int')\n"
BLOCK = "    with op.get_context().autocommit_block():\n        "
INDEX = f"""def upgrade():
{BLOCK}op.create_index("t_note", "t", ["note"], unique=True, postgresql_concurrently=True)
"""
MIXED = f"""def upgrade():
    op.execute("ALTER TABLE t ADD COLUMN n int")
    op.execute("UPDATE t SET n = id")
{BLOCK}op.execute("CREATE INDEX CONCURRENTLY t_n ON t (n)")
    op.execute("UPDATE t SET n = 10 / (n - 1 + (SELECT count(*) FROM t))")
"""
D4 = "def upgrade():\n    op.execute('ALTER TABLE t ADD COLUMN last int')\n"
INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 't'::regclass AND NOT indisvalid"
VALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 't'::regclass AND indisvalid ORDER BY 1"

PLANNED = """\
app: behind, 8 steps
  run revision r2
  stamp r2
  prove and commit, at r2: r3 leaves the transaction
  run revision r3, outside of a transaction: CREATE INDEX CONCURRENTLY
  stamp r3
  prove and commit, at r3: r3 has left the transaction
  run revision r4
  stamp r4
"""


def test_the_plan_says_what_runs_outside(segmented: Callable[..., str], url: str) -> None:
    segmented(A1, B2, INDEX, D4, server=url)
    assert archmig("upgrade", "-e", "app", "--dry-run").out == PLANNED
    assert upgraded()[0] == 0
    assert archmig("check").code == 0


def until(database: str, asked: str) -> None:
    """Wait until a number is no longer 0."""
    for _ in range(400):
        if run(database, asked) != [(0,)]:
            return
        time.sleep(0.02)
    pytest.fail(f"still 0: {asked}")


def test_an_index_that_fails_leaves_nothing_and_the_next_run_makes_it(segmented: Callable[..., str]) -> None:
    database = segmented(A1, B2, INDEX, D4)
    run(database, "UPDATE t SET note = 'secret'")
    code, said = upgraded()
    assert (code, "at r2, proven and committed. In the transaction after it: revision r3 failed" in said) == (2, True)
    assert 'could not create unique index "t_note"' in said
    assert "secret" not in archmig("show").out
    assert (run(database, INVALID), run(database, "TABLE alembic_version")) == ([], [("r2",)])
    assert "behind" in archmig("status").out
    run(database, "UPDATE t SET note = id")
    assert upgraded()[0] == 0
    assert run(database, VALID) == [("t_note",), ("t_pkey",)]
    assert archmig("check").code == 0


def test_a_first_revision_that_leaves_the_transaction_in_vain_changes_nothing(segmented: Callable[..., str]) -> None:
    database = segmented(A1, INDEX)
    run(database, "UPDATE t SET note = 'x'")
    code, said = upgraded()
    assert (code, "revision r2 failed in upgrade()" in said, "commit" in said) == (2, True, False), said
    assert (run(database, INVALID), run(database, "TABLE alembic_version")) == ([], [("r1",)])
    assert "*" not in archmig("status").out, "nothing was changed from outside"


@pytest.fixture
def building() -> Callable[[str], AbstractContextManager[subprocess.Popen[str]]]:
    """Runs an upgrade in a process, up to where its index waits for a transaction that is open in the block."""
    from contextlib import contextmanager

    @contextmanager
    def begun(database: str) -> Iterator[subprocess.Popen[str]]:
        words = [sys.executable, "-m", "architect_migrate", "upgrade", "-e", "app", "--yes"]
        with psycopg.connect(database) as writer:
            writer.execute("INSERT INTO t VALUES (9, 'sad', 'n9')")
            process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            until(database, "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('t_note')")
            yield process

    return begun


RELEASED = """SELECT count(*) FROM pg_database d WHERE d.datname = 'segments'
              AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.database = d.oid)"""


def test_an_index_is_built_while_others_write(
    segmented: Callable[..., str], building: Callable[[str], AbstractContextManager[subprocess.Popen[str]]]
) -> None:
    database = segmented(A1, INDEX, D4, policies="lock_timeout = 0.5")
    with building(database) as process:
        # The index waits for the open transaction longer than `lock_timeout`, and this one does not wait for it.
        time.sleep(1)
        assert run(database, "UPDATE t SET note = 'n0' WHERE id = 2 RETURNING id") == [(2,)]
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert run(database, VALID) == [("t_note",), ("t_pkey",)]
    assert run(database, "SELECT count(*) FROM t") == [(4,)]
    assert archmig("check").code == 0


def test_a_server_that_ends_the_connection_leaves_an_index_that_reconcile_makes_anew(
    segmented: Callable[..., str], building: Callable[[str], AbstractContextManager[subprocess.Popen[str]]]
) -> None:
    database = segmented(A1, INDEX, D4)
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE UNIQUE INDEX CONC%'"
    with building(database) as process:
        run(database, ends)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "at r1, and r2 is committed in part, since it left the transaction. What came" in said
    assert "run `archmig reconcile`" in said.replace("\n", " ").replace("  ", " ")
    assert run(database, INVALID) == [("t_note",)]
    assert "t_note on t: valid is no" in archmig("diagnose").out
    assert archmig("reconcile", "-e", "app", "--yes").code == 0
    assert (run(database, INVALID), run(database, "TABLE alembic_version")) == ([], [("r3",)])
    assert archmig("check").code == 0


def test_a_run_that_is_killed_outside_holds_the_lock_until_the_server_has_ended_it(
    segmented: Callable[..., str], building: Callable[[str], AbstractContextManager[subprocess.Popen[str]]]
) -> None:
    database = segmented(A1, INDEX, D4, policies="lock_timeout = 0.3")
    with building(database) as process:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        code, said = (done := archmig("reconcile", "-e", "app", "--yes")).code, done.err
        assert (code, "locked by another run, process" in said) == (2, True), said
    until(database, RELEASED)
    assert archmig("reconcile", "-e", "app", "--yes").code == 0
    assert (run(database, INVALID), run(database, "TABLE alembic_version")) == ([], [("r3",)])
    assert archmig("check").code == 0


STATES = """SELECT array_to_string(ARRAY(SELECT version_num FROM alembic_version), ''),
            (SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname IN ('more', 'last')),
            (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('t_note'))"""
# Where a kill may leave the database: the stamp, the columns that r2 and r4 add, and the index of r3.
LEFT = {("r1", 0, None), ("r2", 1, None), ("r2", 1, False), ("r2", 1, True), ("r3", 1, True), ("r4", 2, True)}


@pytest.mark.parametrize("victim", ["client", "server's process"])
def test_a_killed_run_is_between_two_segments_or_says_what_is_there_in_part(
    segmented: Callable[..., str], victim: str
) -> None:
    database, chance = segmented(A1, B2, INDEX, D4), random.Random(victim)
    words = [sys.executable, "-m", "architect_migrate", "upgrade", "-e", "app", "--yes"]
    began = time.monotonic()
    subprocess.run(words, check=True, capture_output=True)
    whole = time.monotonic() - began
    for _ in range(KILLS):
        run(database, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        assert archmig("upgrade", "r1", "-e", "app", "--yes").code == 0
        run(database, ROWS)
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(chance.uniform(0.4, 1.0) * whole)
            if victim == "client":
                process.kill()
            else:
                its = "datname = 'segments' AND application_name LIKE 'archmig process %'"
                run(database, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {its}")
        until(database, RELEASED)
        assert run(database, STATES)[0] in LEFT
        done = archmig("reconcile", "-e", "app", "--yes")
        assert (done.code, run(database, STATES)) == (0, [("r4", 2, True)]), done.err
        assert run(database, "SELECT id, note FROM t ORDER BY id") == [(n, f"n{n}") for n in range(1, 4)]
        assert archmig("check").code == 0


def test_a_run_that_waits_for_another_is_not_waited_for_by_its_index(
    segmented: Callable[..., str], building: Callable[[str], AbstractContextManager[subprocess.Popen[str]]]
) -> None:
    database = segmented(A1, INDEX, D4, policies="lock_timeout = 30")
    words = [sys.executable, "-m", "architect_migrate", "reconcile", "-e", "app", "--yes"]
    with building(database) as first:
        second = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        asks = "(query LIKE '%advisory%' OR query = 'ROLLBACK') AND datname = 'segments' AND pid <> pg_backend_pid()"
        until(database, f"SELECT count(*) FROM pg_stat_activity WHERE {asks}")
        time.sleep(0.5)
    said, _ = first.communicate(timeout=60)
    told, _ = second.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 2), said + told
    assert "the database changed after it was planned" in told
    assert archmig("check").code == 0


def test_ctrl_c_outside_leaves_nothing(
    segmented: Callable[..., str], building: Callable[[str], AbstractContextManager[subprocess.Popen[str]]]
) -> None:
    database = segmented(A1, "def upgrade():\n    op.execute('CREATE TABLE u (id int)')\n", INDEX, D4)
    with building(database) as process:
        process.send_signal(signal.SIGINT)
        # The index goes when nothing waits for it, as the transaction above does.
        time.sleep(0.5)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "at r2, proven and committed. In the transaction after it: Ctrl-C: run it again" in said
    assert (run(database, INVALID), run(database, "TABLE alembic_version")) == ([], [("r2",)])
    assert upgraded()[0] == 0


def test_a_revision_that_mixes_is_proven_in_parts(segmented: Callable[..., str]) -> None:
    database = segmented(A1, MIXED, D4)
    code, said = upgraded()
    assert code == 0, said
    assert run(database, "SELECT id, n FROM t ORDER BY id") == [(1, 3), (2, 2), (3, 2)]
    assert archmig("check").code == 0


def test_a_revision_may_leave_more_than_once(segmented: Callable[..., str]) -> None:
    second = f"{BLOCK}op.execute('DROP INDEX CONCURRENTLY t_n')\n    op.execute('ALTER TABLE t DROP note')\n"
    database = segmented(A1, MIXED + second, D4)
    code, said = upgraded()
    assert code == 0, said
    assert run(database, "SELECT id, m, n FROM t ORDER BY id") == [(1, "sad", 3), (2, "sad", 2), (3, "sad", 2)]
    assert run(database, VALID) == [("t_pkey",)]
    assert archmig("check").code == 0


def test_a_revision_that_fails_after_it_left_is_there_in_part(segmented: Callable[..., str], tmp_path: Path) -> None:
    database = segmented(A1, MIXED.replace("n - 1 + (SELECT", "n - (SELECT"), D4)
    done = archmig("upgrade", "-e", "app", "--yes", "--json")
    (its,) = json.loads(done.out)["environments"]
    assert (done.code, its["error"]["type"], its["to"]) == (2, "StoppedAtError", ["r1"])
    assert its["detail"].startswith(
        "at r1, and r2 is committed in part, since it left the transaction. What came after"
    )
    assert run(database, VALID) == [("t_n",), ("t_pkey",)]
    assert run(database, "SELECT id, n FROM t ORDER BY id") == [(1, 1), (2, 2), (3, 3)]
    assert len([*(tmp_path / ".archmig" / "backups").glob("*.dump")]) == 1
    assert "was changed from outside" not in archmig("status").out
    told = archmig("reconcile", "-e", "app", "--dry-run").out
    assert "r2: cannot tell whether its rows are there" in told, "a person decides: some of them were written"


def test_rows_are_proven_before_a_revision_leaves(segmented: Callable[..., str]) -> None:
    trigger = (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN DELETE FROM t WHERE id = 2; RETURN NEW; END$$",
        "CREATE TRIGGER own AFTER INSERT ON u FOR EACH ROW EXECUTE FUNCTION f()",
    )
    first = A1 + '    op.execute("CREATE TABLE u (id int PRIMARY KEY)")\n'
    writes = f"def upgrade():\n    op.execute('INSERT INTO u VALUES (1)')\n{INDEX.partition(':')[2]}"
    database = segmented(first, writes)
    run(database, *trigger)
    code, said = upgraded()
    assert (code, "trigger own, which is not the chain's" in said) == (2, True), said
    assert run(database, "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u)") == [(3, 0)]
    assert (run(database, VALID), run(database, "TABLE alembic_version")) == ([("t_pkey",)], [("r1",)])


def test_a_loop_over_rows_before_it_leaves_is_proven_with_copies(segmented: Callable[..., str]) -> None:
    loop = f"""def upgrade():
    bind = op.get_bind()
    for (number,) in bind.execute(sa.text("SELECT id FROM t")).fetchall():
        bind.execute(sa.text("UPDATE t SET note = upper(note) WHERE id = :id"), {{"id": number}})
{INDEX.partition(":")[2]}"""
    database = segmented(A1, loop)
    code, said = upgraded()
    assert code == 0, said
    assert run(database, "SELECT string_agg(note, ' ' ORDER BY id) FROM t") == [("N1 N2 N3",)]


LABEL = f"""def upgrade():
{BLOCK}op.execute("ALTER TYPE mood ADD VALUE 'ok'")
    op.execute("UPDATE t SET m = 'ok' WHERE id = 1")
"""


def test_a_label_is_used_by_the_revision_that_adds_it_outside(segmented: Callable[..., str], url: str) -> None:
    database = segmented(A1, LABEL, server=url)
    assert (
        "run revision r2, outside of a transaction: ALTER TYPE ADD VALUE"
        in archmig("upgrade", "-e", "app", "--dry-run").out
    )
    code, said = upgraded()
    assert code == 0, said
    assert run(database, "SELECT id, m FROM t ORDER BY id") == [(1, "ok"), (2, "sad"), (3, "sad")]
    run(database, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    assert upgraded()[0] == 0, "and where nothing is there"
    assert archmig("check").code == 0


INSIDE = {
    "labels alone": "op.execute(\"ALTER TYPE mood ADD VALUE 'ok'\")",
    "rows": "op.execute('CREATE INDEX CONCURRENTLY i ON t (note)'); op.execute(\"UPDATE t SET note = 'x'\")",
    "another change": "op.execute('CREATE INDEX CONCURRENTLY i ON t (note)'); op.execute('ALTER TABLE t DROP m')",
    "nothing that needs it": "op.execute('CREATE INDEX i ON t (note)')",
}


@pytest.mark.parametrize("body", INSIDE.values(), ids=INSIDE)
def test_what_can_be_proven_in_one_transaction_stays_in_it(segmented: Callable[..., str], body: str) -> None:
    segmented(A1, f"def upgrade():\n{BLOCK}{body}\n")
    planned = archmig("upgrade", "-e", "app", "--dry-run")
    assert ("outside of a transaction" in planned.out, "its autocommit_block runs inside" in planned.out) == (
        False,
        True,
    )
    assert upgraded()[0] == 0
    assert archmig("check").code == 0


def test_an_empty_database_is_built_inside_since_nobody_waits(segmented: Callable[..., str]) -> None:
    database = segmented(A1, B2, INDEX, D4)
    run(database, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    assert "outside" not in archmig("upgrade", "-e", "app", "--dry-run").out
    assert upgraded()[0] == 0


def test_vacuum_runs_outside_and_leaves_rows_alone(segmented: Callable[..., str]) -> None:
    database = segmented(A1, f"def upgrade():\n{BLOCK}op.execute('VACUUM (ANALYZE) t')\n")
    assert upgraded()[0] == 0
    assert run(database, "SELECT count(*) FROM t") == [(3,)]


def test_rows_are_not_written_outside(segmented: Callable[..., str]) -> None:
    hidden = f"""def upgrade():
{BLOCK}op.execute('CREATE INDEX CONCURRENTLY t_note ON t (note)')
        if op.get_bind().scalar(sa.text("SELECT count(*) FROM pg_stats WHERE tablename = 't'")):
            op.execute("UPDATE t SET note = 'x'")
"""
    database = segmented(A1, hidden)
    run(database, "ANALYZE t")
    code, said = upgraded()
    assert (code, "UPDATE may change rows, and outside of a transaction nothing could prove" in said) == (2, True), said
    assert "at r1, and r2 is committed in part" in said
    assert run(database, "SELECT count(*) FROM t WHERE note = 'x'") == [(0,)]
    assert run(database, VALID) == [("t_note",), ("t_pkey",)]


def test_one_transaction_is_what_an_environment_may_insist_on(segmented: Callable[..., str]) -> None:
    database = segmented(A1, B2, INDEX, policies='transaction = "one"')
    planned = archmig("upgrade", "-e", "app", "--dry-run").out
    assert ("outside of a" in planned, "CONCURRENTLY is left out" in planned) == (False, True)
    run(database, "UPDATE t SET note = 'x'")
    assert upgraded()[0] == 2
    assert run(database, "TABLE alembic_version") == [("r1",)]


def test_the_sql_of_a_plan_runs_such_a_revision_between_two_transactions(segmented: Callable[..., str]) -> None:
    segmented(A1, INDEX)
    script = archmig("reconcile", "-e", "app", "--dry-run", "--sql").out
    assert "COMMIT;\nCREATE UNIQUE INDEX CONCURRENTLY t_note ON t (note);\nBEGIN;" in script


def test_plain_alembic_goes_on_running_in_one_transaction(segmented: Callable[..., str], tmp_path: Path) -> None:
    database = segmented(A1, INDEX, LABEL)
    (tmp_path / "chain" / "env.py").write_text(
        "from alembic import context\nfrom architect_migrate.alembic_env import run\n\nrun(context)\n"
    )
    config = Config(str(tmp_path / "alembic.ini"), cmd_opts=Namespace(x=["env=app"]))
    with pytest.raises(CommandError, match="unsafe use of new value"):
        command.upgrade(config, "head")
    assert run(database, "TABLE alembic_version") == [("r1",)]
    command.upgrade(config, "r2")
    assert run(database, VALID) == [("t_note",), ("t_pkey",)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("create UNIQUE index CONCURRENTLY i ON t (a)", "CREATE INDEX CONCURRENTLY"),
        ("DROP INDEX CONCURRENTLY IF EXISTS i", "DROP INDEX CONCURRENTLY"),
        ("REINDEX (VERBOSE) TABLE CONCURRENTLY t", "REINDEX CONCURRENTLY"),
        ("ALTER TABLE t DETACH PARTITION p CONCURRENTLY", "DETACH PARTITION CONCURRENTLY"),
        ("ALTER TYPE mood ADD VALUE IF NOT EXISTS 'ok' BEFORE 'sad'", "ALTER TYPE ADD VALUE"),
        ("ALTER TYPE mood RENAME VALUE 'sad' TO 'bad'", ""),
        ("VACUUM t", "VACUUM"),
        ("VACUUM (FULL) t", ""),
        ("CREATE INDEX i ON t (a)", ""),
        ('CREATE INDEX i ON t ("concurrently")', ""),
        ("CREATE TABLE concurrently AS SELECT 1", ""),
        ("UPDATE t SET a = 1", ""),
        ("", ""),
    ],
)
def test_words_for_what_runs_outside(text: str, words: str) -> None:
    assert words_outside(text) == words
