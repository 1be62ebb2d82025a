"""Runs on PostgreSQL: in one transaction, which is proven before it is committed."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from architect_migrate.core.database_errors import LockedByRunError, TransactionEndedError
from architect_migrate.core.urls import parse_url
from architect_migrate.databases.postgresql.programs import clients
from architect_migrate.databases.registry import access
from architect_migrate.runs import execute
from support.cli import archmig, plainly
from support.postgresql import connected, database_at, dumped, run, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# How many runs are killed: a sample, of which `make torture` takes more.
KILLS = int(os.environ.get("ARCHMIG_EXAMPLES", "6"))
REVISIONS = {
    "a1": """def upgrade():
    op.create_table(
        "users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50), nullable=False)
    )
    op.create_index("ix_users_name", "users", ["name"], unique=True)


def downgrade():
    op.drop_table("users")
""",
    "b2": """def upgrade():
    op.create_table(
        "posts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE")),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("price", sa.Text),
    )
    op.execute("INSERT INTO users (name) VALUES ('root')")


def downgrade():
    op.drop_table("posts")
    op.execute("DELETE FROM users WHERE name = 'root'")
""",
    "c3": """def upgrade():
    op.add_column("users", sa.Column("email", sa.Text))
    op.execute("UPDATE users SET email = name || '@x.org'")
    op.alter_column("users", "name", new_column_name="login")
    with op.get_context().autocommit_block():
        op.create_index("ix_posts_body", "posts", ["body"], postgresql_concurrently=True)


def downgrade():
    op.drop_index("ix_posts_body", "posts")
    op.alter_column("users", "login", new_column_name="name")
    op.drop_column("users", "email")
""",
    "d4": """def upgrade():
    bind = op.get_bind()
    for number, body in bind.execute(sa.text("SELECT id, body FROM posts ORDER BY id")).fetchall():
        bind.execute(sa.text("UPDATE posts SET body = :body WHERE id = :id"), {"body": body.upper(), "id": number})
    op.alter_column("posts", "price", type_=sa.Integer, postgresql_using="price::integer")
    op.rename_table("posts", "articles")


def downgrade():
    op.rename_table("articles", "posts")
    op.alter_column("posts", "price", type_=sa.Text)
""",
}
NOTHING = "def upgrade():\n    pass\n"
ROWS = ("INSERT INTO posts (user_id, body, price) SELECT 1, 'body ' || i, i FROM generate_series(1, 5) i",)


@pytest.fixture
def made(tmp_path: Path, newest: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Writes a chain, and makes its database: at a revision by archmig, then changed by statements."""
    monkeypatch.chdir(tmp_path)
    plainly(monkeypatch)
    monkeypatch.setenv("ARCHMIG_POSTGRESQL_SCRATCH", newest)

    def make(*statements: str, at: str = "b2", policies: str = "", **revisions: str) -> str:
        with connected(newest) as server:
            server.execute("DROP DATABASE IF EXISTS running WITH (FORCE)")
            server.execute("CREATE DATABASE running")
        database = database_at(newest, "running")
        written(tmp_path, {**REVISIONS, **revisions})
        (tmp_path / "environments.toml").write_text(
            f'[env.app]\nurl = "{database}"\nuninitialised = "create"\n{policies}\n'
        )
        if at:
            assert archmig("upgrade", at, "-e", "app", "--yes").code == 0
        run(database, *statements)
        return database

    yield make
    with connected(newest) as server:
        server.execute("DROP DATABASE IF EXISTS running WITH (FORCE)")


def emptied(database: str) -> None:
    """Make the database anew."""
    with connected(database_at(database.replace("@/running?", "@/postgres?"), "postgres")) as server:
        server.execute("DROP DATABASE running WITH (FORCE)")
        server.execute("CREATE DATABASE running")


def test_pending_revisions_run_and_every_row_is_there(made: Callable[..., str], tmp_path: Path) -> None:
    database = made(*ROWS)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert (done.code, done.err.count("7 rows in 3 tables kept")) == (0, 1)
    assert len([*(tmp_path / ".archmig" / "backups").glob("*.dump")]) == 1, "one for each run, not for each attempt"
    assert run(database, "TABLE users") == [(1, "root", "root@x.org")]
    assert run(database, "TABLE articles ORDER BY id") == [(n, 1, f"BODY {n}", n) for n in range(1, 6)]
    assert archmig("check").code == 0
    assert archmig("upgrade", "-e", "app", "--yes").code == 0
    done = archmig("downgrade", "b2", "-e", "app", "--yes")
    assert (done.code, run(database, "TABLE alembic_version")) == (0, [("b2",)])
    assert run(database, "SELECT id, price FROM posts ORDER BY id") == [(n, f"{n}") for n in range(1, 6)]


def test_the_plan_says_what_concurrently_means_inside_of_the_transaction(made: Callable[..., str]) -> None:
    made(policies='transaction = "one"')
    done = archmig("upgrade", "-e", "app", "--dry-run")
    assert "its autocommit_block runs inside the transaction of the whole run; CONCURRENTLY is left out" in done.out


PLANNED = [
    "",
    "-- create index ix_users_name\nCREATE UNIQUE INDEX ix_users_name ON users USING btree (name);",
    (
        "-- alter table posts: add column price (holds an ACCESS EXCLUSIVE lock)\n"
        'ALTER TABLE "posts" ADD COLUMN "price" text;'
    ),
    "COMMIT;",
    "",
]


def test_the_sql_of_a_plan_is_postgresqls(made: Callable[..., str]) -> None:
    made("DROP INDEX ix_users_name", "ALTER TABLE posts DROP COLUMN price")
    done = archmig("reconcile", "b2", "-e", "app", "--dry-run", "--sql")
    assert done.out.partition("BEGIN;")[2].split("\n\n") == PLANNED


def test_an_empty_database_becomes_what_the_chain_makes_step_by_step(made: Callable[..., str]) -> None:
    database = made(at="d4")
    whole = dumped(database)
    emptied(database)
    for revision in REVISIONS:
        assert archmig("upgrade", revision, "-e", "app", "--yes").code == 0
    assert dumped(database) == whole


def test_a_backup_is_verified_and_a_damaged_one_is_found(made: Callable[..., str], tmp_path: Path) -> None:
    made(*ROWS)
    assert archmig("backup", "create", "-e", "app").code == 0
    assert archmig("backup", "verify").code == 0
    (archive,) = (tmp_path / ".archmig" / "backups").glob("*.dump")
    archive.write_bytes(archive.read_bytes()[:-200])
    done = archmig("backup", "verify")
    assert (done.code, "damaged: pg_restore: error" in done.out) == (1, True), done.out
    assert archive.name in archmig("backup", "list").out


def test_a_backup_from_before_the_run_is_restored_by_pg_restore(made: Callable[..., str], tmp_path: Path) -> None:
    database = made(*ROWS)
    before = dumped(database)
    assert archmig("upgrade", "-e", "app", "--yes").code == 0
    (archive,) = sorted((tmp_path / ".archmig" / "backups").glob("*.dump"))
    assert archive.stat().st_mode & 0o777 == 0o600
    programs = clients(18)
    assert programs is not None
    emptied(database)
    run(database, "DROP SCHEMA public")
    command = [str(programs / "pg_restore"), "--single-transaction", "--dbname", database]
    subprocess.run([*command, str(archive)], check=True)
    assert dumped(database) == before


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("op.execute('ROLLBACK')", "the chain's code tried to roll back"),
        ("op.get_bind().rollback()", "the chain's code tried to roll back"),
        ("op.execute('DO $$BEGIN COMMIT; END$$')", "invalid transaction termination"),
        ("op.execute('VACUUM users')", "VACUUM cannot run inside a transaction block"),
        ("op.get_bind().connection.driver_connection.really().commit()", "the chain's code tried to"),
        ("op.execute('DROP TABLE no_such')", 'table "no_such" does not exist'),
    ],
)
def test_what_ends_the_transaction_changes_nothing(made: Callable[..., str], deed: str, said: str) -> None:
    c3 = f"""def upgrade():
    op.execute("UPDATE users SET name = name")
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM posts")):
        {deed}
"""
    database = made(*ROWS, c3=c3, d4=NOTHING)
    before = dumped(database)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert (done.code, said in done.err) == (2, True), done.err
    assert dumped(database) == before


def test_a_commit_of_a_revision_does_nothing(made: Callable[..., str]) -> None:
    c3 = """def upgrade():
    op.execute("UPDATE users SET name = upper(name)")
    op.get_bind().commit()
    op.execute("COMMIT")
"""
    fails_on_rows = "def upgrade():\n    op.execute('SELECT 1 / (SELECT count(*) - 5 FROM posts)')\n"
    database = made(*ROWS, c3=c3, d4=fails_on_rows)
    before = dumped(database)
    assert archmig("upgrade", "-e", "app", "--yes").code == 2
    assert dumped(database) == before


def test_an_error_that_a_savepoint_takes_back_is_none(made: Callable[..., str]) -> None:
    c3 = """def upgrade():
    bind = op.get_bind()
    try:
        with bind.begin_nested():
            bind.execute(sa.text("UPDATE posts SET price = 1 / 0"))
    except sa.exc.DBAPIError:
        pass
    op.execute("UPDATE posts SET price = '7'")
"""
    database = made(*ROWS, c3=c3, d4=NOTHING)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert (done.code, run(database, "SELECT DISTINCT price FROM posts")) == (0, [("7",)]), done.err


def test_an_error_in_an_autocommit_block_takes_back_its_statement_alone(made: Callable[..., str]) -> None:
    c3 = """def upgrade():
    with op.get_context().autocommit_block():
        op.execute("UPDATE posts SET price = '6'")
        for statement in ("ALTER TABLE posts ADD price text", "UPDATE posts SET price = 1 / 0", "ALTER nonsense"):
            try:
                op.execute(statement)
            except sa.exc.DBAPIError:
                pass
        op.execute("ALTER TABLE posts ADD currency text DEFAULT 'EUR'")
"""
    database = made(*ROWS, c3=c3, d4=NOTHING)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert done.code == 0, done.err
    assert run(database, "SELECT DISTINCT price, currency FROM posts") == [("6", "EUR")]
    assert archmig("check").code == 0


ASYNCHRONOUS = """import asyncio
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine


def run(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def main():
    async with create_async_engine("postgresql+asyncpg://x/y").connect() as connection:
        await connection.run_sync(run)


asyncio.run(main())
"""


def test_a_percent_sign_is_no_placeholder_to_asyncpg(made: Callable[..., str], tmp_path: Path) -> None:
    c3 = """def upgrade():
    name = op.get_bind().exec_driver_sql("SELECT format('%I', 'b c')").scalar()
    op.execute(sa.text(f"UPDATE posts SET price = :price || '{name}%'").bindparams(price="5"))
"""
    database = made(at="", c3=c3, d4=NOTHING)
    (tmp_path / "chain" / "env.py").write_text(ASYNCHRONOUS)
    assert archmig("upgrade", "b2", "-e", "app", "--yes").code == 0
    run(database, *ROWS)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert done.code == 0, done.err
    assert run(database, "SELECT DISTINCT price FROM posts") == [('5"b c"%',)]


def test_rows_of_partitions_may_change_as_the_revision_says(made: Callable[..., str]) -> None:
    b2 = """def upgrade():
    op.execute("CREATE TABLE parts (id int, a int, b text, PRIMARY KEY (id, a)) PARTITION BY LIST (a)")
    op.execute("CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1, 2)")
    op.execute("CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (3, 4)")
"""
    c3 = "def upgrade():\n    op.execute(\"UPDATE parts SET b = 'y' WHERE id = 1\")\n"
    d4 = "def upgrade():\n    op.execute('UPDATE parts SET a = 4 WHERE id = 2')\n"
    database = made("INSERT INTO parts SELECT i, i, 'x' FROM generate_series(1, 3) i", b2=b2, c3=c3, d4=d4)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert done.code == 0, done.err
    assert run(database, "TABLE parts ORDER BY id") == [(1, 1, "y"), (2, 4, "x"), (3, 3, "x")]


LOST = {
    "a row is deleted by a trigger of the application": (
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN DELETE FROM posts WHERE id = 2; RETURN NEW; END$$"
        ),
        "CREATE TRIGGER t AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f()",
    ),
    "a row is changed by a trigger of the application": (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.name = 'x'; RETURN NEW; END$$",
        "CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f()",
    ),
}


@pytest.mark.parametrize("statements", LOST.values(), ids=LOST)
def test_a_lost_row_is_found_and_nothing_is_changed(made: Callable[..., str], statements: tuple[str, ...]) -> None:
    database = made(*ROWS, *statements)
    before = dumped(database)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert (done.code, "trigger t, which is not the chain's" in done.err) == (2, True), done.err
    assert dumped(database) == before


def test_a_cast_that_loses_a_value_is_found(made: Callable[..., str]) -> None:
    short = "def upgrade():\n    op.execute('ALTER TABLE prices ALTER amount TYPE numeric(8, 1)')\n"
    c3 = "def upgrade():\n    op.execute('CREATE TABLE prices (id int PRIMARY KEY, amount numeric(8, 2))')\n"
    database = made(at="c3", c3=c3, d4=short)
    run(database, "INSERT INTO prices VALUES (1, 0.25), (2, 0.50)")
    before = dumped(database)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert (done.code, "prices row '1': column \"amount\" was '0.25', is '0.3'" in done.err) == (2, True), done.err
    assert dumped(database) == before


REFUSED = {
    "read only": (
        "ALTER DATABASE running SET default_transaction_read_only = on",
        "default_transaction_read_only = off",
    ),
    "no temporary tables": (
        (
            "REVOKE TEMPORARY ON DATABASE running FROM PUBLIC; CREATE ROLE no_temp LOGIN; "
            "GRANT ALL ON SCHEMA public TO no_temp; GRANT ALL ON ALL TABLES IN SCHEMA public TO no_temp"
        ),
        'GRANT TEMPORARY ON DATABASE "running" TO "no_temp"',
    ),
    "event trigger": (
        (
            "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$; "
            "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION e()"
        ),
        "an event trigger of the database raises this",
    ),
}


@pytest.mark.parametrize(("statement", "cure"), REFUSED.values(), ids=REFUSED)
def test_a_server_that_lets_no_run_begin_is_told_with_what_helps(
    made: Callable[..., str], tmp_path: Path, statement: str, cure: str
) -> None:
    database = made(*ROWS, statement)
    if "no_temp" in statement:
        url = f"postgresql://no_temp@{database.partition('@')[2]}"
        (tmp_path / "environments.toml").write_text(f'[env.app]\nurl = "{url}"\n')
    done = archmig("upgrade", "-e", "app", "--yes")
    if "no_temp" in statement:
        run(database, "DROP OWNED BY no_temp; DROP ROLE no_temp")
    assert (done.code, "refuses what a run needs" in done.err, cure in done.err) == (2, True, True), done.err


def test_a_sequence_that_begins_again_is_found(made: Callable[..., str]) -> None:
    d4 = "def upgrade():\n    op.execute('ALTER SEQUENCE posts_id_seq RESTART')\n"
    database = made(*ROWS, at="c3", d4=d4)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert (done.code, "sequence posts_id_seq" in done.err) == (2, True), done.err
    assert run(database, "INSERT INTO posts (body) VALUES ('x') RETURNING id") == [(6,)]


@pytest.mark.parametrize("back", ["setval('posts_id_seq', 1)", "setval('posts_id_seq', 1, false)"])
def test_a_sequence_that_is_set_back_is_brought_forward_after_the_rollback(made: Callable[..., str], back: str) -> None:
    """`setval` is not undone by a rollback."""
    d4 = f'def upgrade():\n    op.execute("SELECT {back}")\n'
    database = made(*ROWS, "CREATE SEQUENCE down INCREMENT -1", "SELECT nextval('down')", at="c3", d4=d4)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert (done.code, "sequence posts_id_seq" in done.err) == (2, True), done.err
    assert run(database, "SELECT nextval('down'), nextval('posts_id_seq')") == [(-2, 6)]


def test_a_sequence_that_a_failing_revision_sets_back_is_brought_forward(made: Callable[..., str]) -> None:
    d4 = """def upgrade():
    op.execute("SELECT setval('posts_id_seq', 1)")
    op.execute("SELECT 1 / (id - id) FROM posts")
"""
    database = made(*ROWS, at="c3", d4=d4)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert (done.code, "division by zero" in done.err) == (2, True), done.err
    assert run(database, "SELECT nextval('posts_id_seq')") == [(6,)]


@pytest.mark.parametrize("also", ["", "; INSERT INTO posts (body) VALUES ('first')"])
def test_a_table_that_a_revision_empties_may_begin_to_count_again(made: Callable[..., str], also: str) -> None:
    d4 = f'def upgrade():\n    op.execute("TRUNCATE posts RESTART IDENTITY{also}")\n'
    database = made(*ROWS, at="c3", d4=d4)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert (done.code, "5 rows gone" in done.err) == (0, True), done.err
    assert run(database, "INSERT INTO posts (body) VALUES ('x') RETURNING id") == [(2 if also else 1,)]


def test_a_number_that_loses_its_last_digits_is_shown_with_them(made: Callable[..., str]) -> None:
    short = "def upgrade():\n    op.execute('ALTER TABLE prices ALTER amount TYPE real')\n"
    c3 = "def upgrade():\n    op.execute('CREATE TABLE prices (id int PRIMARY KEY, amount double precision)')\n"
    run(made(at="c3", c3=c3, d4=short), "INSERT INTO prices VALUES (1, 0.1)")
    assert "column \"amount\" was '0.1', is '0.10000000149011612'" in archmig("upgrade", "-e", "app", "--yes").err


def test_a_step_that_fails_is_told_on_one_line_without_rows(made: Callable[..., str]) -> None:
    function = "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS "
    body = "$$BEGIN RAISE 'not today' USING DETAIL = 'Key (name)=(root)'; END$$"
    event = "CREATE EVENT TRIGGER e ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION refuse()"
    database = made("DROP INDEX ix_users_name", function + body, event)
    before = dumped(database)
    done = archmig("reconcile", "b2", "-e", "app", "--yes")
    assert (done.code, "create index ix_users_name: not today; everything was rolled back" in done.err) == (2, True)
    assert "root" not in done.err + done.out
    assert dumped(database) == before


def test_a_sequence_comes_back_for_a_column_that_stays_as_it_is(made: Callable[..., str], tmp_path: Path) -> None:
    textual = "ALTER TABLE posts ALTER id DROP DEFAULT, ALTER id TYPE text"
    database = made(*ROWS, textual, "DROP SEQUENCE posts_id_seq", "UPDATE posts SET id = 'p' || id", at="c3")
    with (tmp_path / "environments.toml").open("a") as file:
        file.write('[[resolve]]\ntable = "posts"\ncolumn = "id"\nkeep = true\n')
    done = archmig("reconcile", "c3", "-e", "app", "--yes")
    assert done.code == 0, done.err
    assert run(database, "SELECT id FROM posts ORDER BY 1") == [(f"p{n}",) for n in range(1, 6)]
    assert run(database, "SELECT nextval('posts_id_seq')") == [(1,)]


def test_a_second_run_is_shown_who_has_the_lock(made: Callable[..., str]) -> None:
    place = parse_url(made())
    with access.exclusive(place, 1.0), pytest.raises(LockedByRunError) as error, access.transaction(place, 0.1):
        pytest.fail("two at once")
    assert f"process {os.getpid()}" in str(error.value)


def test_a_lock_of_the_application_ends_the_run_with_its_name(made: Callable[..., str]) -> None:
    database = made(*ROWS)
    with connected(database) as other, other.transaction():
        other.execute("SET application_name = 'the application'")
        other.execute("LOCK TABLE posts IN ACCESS SHARE MODE")
        done = archmig("upgrade", "-e", "app", "--yes")
    assert (done.code, "locked by another process for more than 5 s (open in the application (process" in done.err) == (
        2,
        True,
    ), done.err
    assert archmig("upgrade", "-e", "app", "--yes").code == 0


@pytest.mark.parametrize("retries", [0, 1, 12])
def test_a_run_that_met_a_lock_is_tried_again_as_often_as_the_environment_says(
    made: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, retries: int
) -> None:
    database, pauses = made(*ROWS), list[float]()
    monkeypatch.setattr(execute.time, "sleep", pauses.append)
    file = tmp_path / "environments.toml"
    file.write_text(f"{file.read_text()}lock_timeout = 0.05\nlock_retries = {retries}\n")
    with connected(database) as other, other.transaction():
        other.execute("LOCK TABLE posts IN ACCESS SHARE MODE")
        assert archmig("upgrade", "-e", "app", "--yes").code == 2
    assert len(pauses) == retries
    for number, pause in enumerate(pauses):
        least = min(0.5 * 2**number, 8.0)
        assert least <= pause <= 2 * least


def test_an_application_writes_to_other_tables_meanwhile(made: Callable[..., str]) -> None:
    database = made(*ROWS, "CREATE TABLE log (n int)")
    stop = threading.Event()

    def write() -> None:
        with connected(database) as connection:
            while not stop.is_set():
                connection.execute("INSERT INTO log VALUES (1)")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        done = archmig("upgrade", "-e", "app", "--yes")
    finally:
        stop.set()
        writer.join()
    assert done.code == 0, done.err


def test_only_the_end_of_the_block_commits(made: Callable[..., str]) -> None:
    place = parse_url(made())
    with pytest.raises(TransactionEndedError, match="tried to commit"), access.transaction(place, 1.0) as held:
        _commits_past_archmig(held)
    assert run(place.raw, "SELECT count(*) FROM users") == [(1,)]


def _commits_past_archmig(held: Any) -> None:
    held.execute("INSERT INTO users (name) VALUES ('x')")
    held.really().commit()


def _upgrade() -> None:
    os._exit(archmig("upgrade", "-e", "app", "--yes").code)


@pytest.mark.parametrize("victim", ["client", "server's process"])
def test_a_killed_run_leaves_all_or_nothing(made: Callable[..., str], victim: str) -> None:
    """Kills at random moments, of the process of archmig or of its process on the server."""
    database = made(*ROWS, policies='transaction = "one"')
    before, chance, states = dumped(database), random.Random(victim), set[str]()
    began = time.monotonic()
    assert archmig("upgrade", "-e", "app", "--yes").code == 0
    whole, after = time.monotonic() - began, dumped(database)
    for _ in range(KILLS):
        emptied(database)
        assert archmig("upgrade", "b2", "-e", "app", "--yes").code == 0
        run(database, *ROWS)
        process = multiprocessing.get_context("fork").Process(target=_upgrade)
        process.start()
        process.join(chance.uniform(0.3, 1.1) * whole)
        if victim == "client" and process.is_alive() and process.pid:
            os.kill(process.pid, signal.SIGKILL)
        elif victim != "client":
            its = "datname = 'running' AND application_name LIKE 'archmig process %'"
            run(database, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {its}")
        process.join()
        with connected(database) as connection:  # waits for what is left of the run
            connection.execute("SELECT pg_advisory_lock(1634886504, hashtext('public'))")
        found = dumped(database)
        assert found in {before, after}
        states.add(found)
        assert archmig("upgrade", "-e", "app", "--yes").code == 0
        assert dumped(database) == after
