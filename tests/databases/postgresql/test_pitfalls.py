"""Runs where PostgreSQL has its pitfalls, by a role that owns the database and is no superuser.

Looking at the same is tested in `test_looking`, each repair in `test_repairs`.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

psycopg = pytest.importorskip("psycopg")

from databases.postgresql.conftest import make_chain
from support.cli import archmig, plainly
from support.postgresql import connected, database_at, dumped, needs_extension, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.cli import Done

REVISIONS = {
    "a1": """def upgrade():
    op.execute('''
        CREATE TYPE mood AS ENUM ('sad', 'ok');
        CREATE TABLE owners (id serial PRIMARY KEY, name varchar(20) NOT NULL CHECK (name IN ('ann', 'bob', 'cy')));
        CREATE TABLE things (
            id serial PRIMARY KEY, owner_id int CONSTRAINT fk REFERENCES owners,
            n int CONSTRAINT positive CHECK (n > 0), m mood, old text);
        CREATE UNIQUE INDEX by_n ON things (n);
        CREATE VIEW seen AS SELECT id, n FROM things WHERE n < 1000;
        CREATE TABLE parts (k int, v text, PRIMARY KEY (k)) PARTITION BY RANGE (k);
        CREATE INDEX by_v ON parts (v);
        CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
        CREATE TABLE secrets (id int PRIMARY KEY, whose text, what text);
        ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
        CREATE POLICY mine ON secrets USING (whose = current_user)''')
""",
    "b2": """def upgrade():
    op.execute("UPDATE things SET n = n + 100")
    op.alter_column("things", "owner_id", type_=sa.BigInteger)
    op.drop_column("things", "old")
""",
    "c3": """def upgrade():
    op.execute("ALTER TYPE mood ADD VALUE 'glad'")
""",
    "d4": """def upgrade():
    op.execute("UPDATE things SET m = 'glad'")
""",
    "e5": """def upgrade():
    op.execute("UPDATE secrets SET what = what || '!'")
""",
}
ROWS = (
    "INSERT INTO owners (name) VALUES ('ann'), ('bob'), ('cy')",
    "INSERT INTO things (owner_id, n, m, old) SELECT i % 3 + 1, i, 'ok', 'o' || i FROM generate_series(1, 6) i",
    "INSERT INTO parts SELECT i, 'v' || i FROM generate_series(0, 9) i",
)
SECRETS = "INSERT INTO secrets VALUES (1, 'pit_app', 'a'), (2, 'ann', 'b')"
WAITING = "SELECT 1 FROM pg_locks WHERE relation = 'things'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted"
SOME = "SELECT id, owner_id, n FROM things ORDER BY 1"


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory, url_of: Callable[[int | None], str]) -> Iterator[Path]:
    """A folder with the chain; plain Alembic has made the database `pit_healthy` at a1, as the role `pit_app`."""
    folder, server = tmp_path_factory.mktemp("pitfalls"), url_of(None)
    with connected(server) as connection:
        connection.execute("CREATE ROLE pit_app LOGIN")
        connection.execute("CREATE DATABASE pit_healthy OWNER pit_app")
    make_chain(folder, REVISIONS, as_role(database_at(server, "pit_healthy")), "a1")
    run(database_at(server, "pit_healthy"), *ROWS)
    yield folder
    with connected(server) as connection:
        connection.execute("DROP DATABASE pit_healthy")
        connection.execute("DROP ROLE pit_app")


@pytest.fixture
def app(healthy: Path, newest: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Copies the database, changes it by statements of a superuser, and makes it the environment `app`."""
    monkeypatch.chdir(healthy)
    plainly(monkeypatch)
    monkeypatch.setenv("ARCHMIG_POSTGRESQL_SCRATCH", newest)
    url = database_at(newest, "pit")

    def copied(*statements: str, more: str = "", role: str = "pit_app") -> str:
        with connected(newest) as connection:
            connection.execute("CREATE DATABASE pit TEMPLATE pit_healthy OWNER pit_app")
        run(url, *statements)
        settings = f'[defaults]\nlock_timeout = 0.5\n[env.app]\nurl = "{as_role(url, role)}"\n{more}'
        (healthy / "environments.toml").write_text(settings)
        return url

    yield copied
    with connected(newest) as connection:
        connection.execute("DROP DATABASE IF EXISTS pit WITH (FORCE)")


def as_role(url: str, role: str = "pit_app") -> str:
    return f"postgresql://{role}@{url.partition('@')[2]}"


def done(command: str, *words: str) -> Done:
    its = archmig(command, *words, "-e", "app", "--yes")
    assert its.code == 0, its.err
    return its


def test_the_first_schema_of_the_path_is_changed_and_no_other(app: Callable[..., str]) -> None:
    database = app(
        "ALTER SCHEMA public RENAME TO app",
        "CREATE SCHEMA public",
        "CREATE TABLE public.things (id int PRIMARY KEY, n int)",
        "INSERT INTO public.things VALUES (1, 1)",
        "ALTER DATABASE pit SET search_path = app, public",
        "DROP INDEX app.by_n",
    )
    done("reconcile", "b2")
    assert run(database, SOME)[0] == (1, 2, 101)
    assert run(database, "SELECT count(*) FROM pg_indexes WHERE indexname = 'by_n' AND schemaname = 'app'") == [(1,)]
    assert run(database, "TABLE public.things") == [(1, 1)]


def test_columns_that_were_dropped_and_added_again_keep_their_rows(app: Callable[..., str]) -> None:
    database = app(
        "ALTER TABLE things ADD junk int DEFAULT 1, ADD own text DEFAULT 'x'",
        "ALTER TABLE things DROP junk",
        "ALTER TABLE things ADD again int; UPDATE things SET again = owner_id; ALTER TABLE things DROP owner_id",
        "ALTER TABLE things RENAME again TO owner_id",
        "ALTER TABLE things ADD CONSTRAINT fk FOREIGN KEY (owner_id) REFERENCES owners",
        "ALTER TABLE things OWNER TO pit_app",
    )
    assert archmig("check").code == 1  # behind, and nothing else
    done("upgrade", "b2")
    assert run(database, "SELECT id, owner_id, n, own FROM things ORDER BY 1") == [
        (i, i % 3 + 1, i + 100, "x") for i in range(1, 7)
    ]


def test_an_index_that_a_concurrent_build_left_invalid_is_made_anew(app: Callable[..., str]) -> None:
    database = app("DROP INDEX by_n", "INSERT INTO things (n) VALUES (6)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        run(database, "CREATE UNIQUE INDEX CONCURRENTLY by_n ON things (n)")
    before = dumped(database)
    blocked = archmig("reconcile", "a1", "-e", "app", "--yes")
    assert (blocked.code, "1 value occurs more than once" in blocked.out + blocked.err) == (1, True), blocked
    assert dumped(database) == before
    run(database, "DELETE FROM things WHERE id = 7")
    done("reconcile", "a1")
    assert run(database, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_n'::regclass") == [(True,)]


NOT_VALID = (
    "ALTER TABLE things DROP CONSTRAINT positive, DROP CONSTRAINT fk",
    "ALTER TABLE things ADD CONSTRAINT positive CHECK (n > 0) NOT VALID",
    "ALTER TABLE things ADD CONSTRAINT fk FOREIGN KEY (owner_id) REFERENCES owners NOT VALID",
)


def test_constraints_that_are_not_valid_are_validated(app: Callable[..., str]) -> None:
    database = app(*NOT_VALID)
    done("reconcile", "a1")
    assert run(database, "SELECT count(*) FROM pg_constraint WHERE NOT convalidated") == [(0,)]


def test_rows_that_break_a_constraint_that_is_not_valid_block_and_stay(app: Callable[..., str]) -> None:
    first, *others = NOT_VALID
    database = app(first, "UPDATE things SET n = -1, owner_id = 9 WHERE id = 2", *others)
    before = dumped(database)
    blocked = archmig("reconcile", "a1", "-e", "app", "--yes")
    assert blocked.code == 1, blocked.err
    for said in ("1 row breaks this check", "1 row refers to nothing in owners"):
        assert said in blocked.out + blocked.err
    assert dumped(database) == before


def test_others_do_not_queue_behind_a_run_that_waits_for_a_lock(app: Callable[..., str]) -> None:
    """One reader's transaction lasts. Another reader, behind the run, has its rows before that transaction ends."""
    database = app()
    served: list[list[tuple[object, ...]]] = []

    def read_behind(first: psycopg.Connection[Any]) -> None:
        with connected(database) as second:
            second.execute("SET statement_timeout = '60s'")
            while not second.execute(WAITING).fetchall():
                time.sleep(0.01)
            served.append(second.execute(SOME).fetchall())
        first.rollback()

    with psycopg.connect(database) as first:
        before = first.execute(SOME).fetchall()
        behind = threading.Thread(target=read_behind, args=[first])
        behind.start()
        done("upgrade", "b2")
        behind.join()
    assert served == [before]
    assert run(database, SOME)[0] == (1, 2, 101)


def test_rows_that_a_policy_hides_from_the_role_end_the_run(app: Callable[..., str]) -> None:
    """A revision would not change them, and nothing could prove what became of them."""
    entry = '[[resolve]]\ntable = "secrets"\nkeep = true'
    database = app(SECRETS, "ALTER TABLE secrets FORCE ROW LEVEL SECURITY", more=entry)
    before = dumped(database)
    refused = archmig("upgrade", "b2", "-e", "app", "--yes")
    why = (
        "row level security hides rows of secrets from the role; nothing was changed: run this as a role with BYPASSRLS"
    )
    assert (refused.code, why in refused.err) == (2, True), refused.err
    assert dumped(database) == before


def test_a_policy_hides_no_row_from_the_owner(app: Callable[..., str]) -> None:
    database = app(SECRETS)
    for revision in ("c3", "d4", "e5"):
        done("upgrade", revision)
    assert run(database, "SELECT what FROM secrets ORDER BY id") == [("a!",), ("b!",)]


def test_a_label_of_an_enum_is_committed_before_it_is_used(app: Callable[..., str]) -> None:
    database = app()
    assert "at c3: PostgreSQL lets new labels of mood be used after a commit" in done("upgrade", "d4").err
    assert run(database, "SELECT DISTINCT m FROM things") == [("glad",)]


def test_what_depends_on_a_column_comes_back_with_its_rights(app: Callable[..., str]) -> None:
    database = app(
        "DROP VIEW seen",
        "ALTER TABLE things ALTER n TYPE bigint",
        "CREATE VIEW seen AS SELECT id, n FROM things WHERE n < 1000",
        "ALTER VIEW seen OWNER TO pit_app",
        "GRANT SELECT ON seen TO PUBLIC",
        "GRANT UPDATE (n) ON things TO PUBLIC",
    )
    rights = "SELECT relname, relacl::text, attacl::text FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid"
    asked = f"{rights} WHERE relname IN ('seen', 'things') AND attname = 'n' ORDER BY 1"
    before = run(database, asked)
    done("reconcile", "a1")
    assert run(database, asked) == before
    assert run(database, "SELECT format_type(atttypid, -1) FROM pg_attribute WHERE attrelid = 'things'::regclass"
               " AND attname = 'n'") == [("integer",)]  # fmt: skip


def test_an_index_on_one_partition_comes_back(app: Callable[..., str]) -> None:
    database = app(
        "ALTER TABLE parts DETACH PARTITION parts_1",
        "DROP INDEX parts_1_v_idx",
        "ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES FROM (0) TO (10)",
        "DROP INDEX by_v",
    )
    done("reconcile", "a1")
    assert run(database, "SELECT count(*) FROM parts") == [(10,)]
    assert run(database, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'by_v'::regclass") == [(1,)]


def test_the_members_of_an_extension_are_left_alone(app: Callable[..., str], newest: str) -> None:
    with connected(newest) as connection:
        needs_extension(connection, "citext")
    database = app("CREATE EXTENSION citext", "DROP INDEX by_n")
    members = "SELECT count(*) FROM pg_depend WHERE deptype = 'e'"
    before = run(database, members)
    done("reconcile", "a1")
    assert run(database, members) == before


def test_what_the_role_may_not_do_it_does_not_do(app: Callable[..., str]) -> None:
    database = app("ALTER TABLE owners OWNER TO CURRENT_USER", "ALTER TABLE owners ALTER name DROP NOT NULL")
    run(database, "GRANT ALL ON owners, owners_id_seq TO pit_app")
    before = dumped(database)
    refused = archmig("reconcile", "a1", "-e", "app", "--yes")
    assert (refused.code, "must be owner of table owners" in refused.err) == (2, True), refused.err
    assert dumped(database) == before
