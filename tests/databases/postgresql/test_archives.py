"""Archives of PostgreSQL databases are restored, undone and pruned, in one transaction that is proven."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.database_errors import RestoreError
from architect_migrate.core.urls import parse_url
from architect_migrate.databases.postgresql import archive as archives
from architect_migrate.databases.postgresql import keeper as postgresql_keeper
from architect_migrate.databases.postgresql.programs import clients, newest_clients
from architect_migrate.databases.registry import access, keeper
from support.cli import archmig, plainly
from support.kinds import Served
from support.kinds import run as making
from support.postgresql import EVERYTHING, connected, database_at, needs_extension, run, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from architect_migrate.core.urls import DatabaseUrl
    from architect_migrate.databases.overwritten import Overwritten
    from architect_migrate.databases.values import Backup, Content

# How many restores are killed: a sample, of which `make torture` takes more.
KILLS = int(os.environ.get("ARCHMIG_EXAMPLES", "2"))

FIRST = """
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TABLE users (id serial PRIMARY KEY, name varchar(50) NOT NULL UNIQUE, feels mood DEFAULT 'ok',
                        twice text GENERATED ALWAYS AS (name || name) STORED,
                        at timestamptz DEFAULT '2024-01-01 00\\:00+02', raw bytea DEFAULT '\\xdead',
                        f float8 DEFAULT 0.1);
    CREATE TABLE posts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                        user_id int REFERENCES users ON DELETE CASCADE, body text NOT NULL);
    CREATE TABLE keyless (a text, b int);
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.body = NEW.body || ';';
--
            RETURN NEW;
        END $$;
    CREATE TRIGGER tr BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION touch();
    CREATE VIEW sad AS SELECT name FROM users WHERE feels = 'sad';
    CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM users;
    CREATE INDEX ix_body ON posts (lower(body));
"""
ROWS = '''
    INSERT INTO users (name) SELECT 'user ' || i FROM generate_series(1, 5) i;
    INSERT INTO posts (user_id, body) SELECT i, E'a\\tb\\n\\\\. ' || i FROM generate_series(1, 5) i;
    INSERT INTO keyless VALUES ('x', 1), ('x', 1), (NULL, 2), ('\\N', 3);
    CREATE TABLE "Own ""one""" ("a b" int, " " text);
    INSERT INTO "Own ""one""" VALUES (1, ';'), (2, NULL);
    REFRESH MATERIALIZED VIEW totals;
'''
REVISIONS = {
    "a1": f"def upgrade():\n    op.execute({FIRST!r})\n",
    "b2": """def upgrade():
    op.add_column("users", sa.Column("email", sa.Text))
    op.execute("UPDATE users SET email = name || '@x.org'")
    op.execute("INSERT INTO posts (user_id, body) VALUES (NULL, 'from b2')")
    op.create_table("kinds", sa.Column("code", sa.Text, primary_key=True))
""",
}


@pytest.fixture
def made(tmp_path: Path, newest: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Writes a chain, and makes its database at a revision, then changed by statements."""
    monkeypatch.chdir(tmp_path)
    plainly(monkeypatch)
    monkeypatch.setenv("ARCHMIG_POSTGRESQL_SCRATCH", newest)

    def make(*statements: str, revisions: Mapping[str, str] = REVISIONS) -> str:
        with connected(newest) as server:
            server.execute("DROP DATABASE IF EXISTS archived WITH (FORCE)")
            server.execute("CREATE DATABASE archived")
        database = database_at(newest, "archived")
        written(tmp_path, revisions)
        (tmp_path / "environments.toml").write_text(f'[env.app]\nurl = "{database}"\nuninitialised = "create"\n')
        done = archmig("upgrade", "a1", "-e", "app", "--yes")
        assert done.code == 0, done.out + done.err
        run(database, *statements)
        return database

    yield make
    with connected(newest) as server:
        server.execute("DROP DATABASE IF EXISTS archived WITH (FORCE)")


def more(folder: Path, text: str) -> None:
    """Add to environments.toml."""
    file = folder / "environments.toml"
    file.write_text(file.read_text() + text)


def whole(database: str) -> str:
    """All of a database as pg_dump writes it, without what differs from one call to the next."""
    with connected(database) as connection:
        programs = clients(connection.info.server_version // 10_000)
    assert programs is not None
    command = [str(programs / "pg_dump"), "--inserts", "--dbname", database]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in text.splitlines() if line and not line.startswith(("--", "\\")))


def upgraded() -> None:
    done = archmig("upgrade", "-e", "app", "--yes")
    assert done.code == 0, done.out + done.err


def backups(folder: Path) -> list[Path]:
    return sorted((folder / ".archmig" / "backups").glob("*.dump"))


def content(place: DatabaseUrl) -> Content:
    with access.reading(place) as connection:
        return keeper.content_of(connection)


@pytest.fixture
def place(url: str) -> Iterator[DatabaseUrl]:
    """An empty database of each version in turn."""
    served = Served(url)
    its = served.new()
    making(its)
    yield its
    served.drop()


def restored(place: DatabaseUrl, backup: Backup) -> Overwritten | None:
    with access.reading(backup.path) as archive:
        then = keeper.completed(archive, backup.content)
        with keeper.hold_unchanged(place, 1.0) as held:
            return held.overwrite(archive, then, 1.0, lambda: None)


def test_every_kind_of_object_is_restored_as_it_was(place: DatabaseUrl, tmp_path: Path) -> None:
    making(place, EVERYTHING, "DROP EVENT TRIGGER watched", "INSERT INTO pairs VALUES (1, 2, 3)")
    before, backup = content(place), keeper.take(place, tmp_path, "app")
    for damage in ("DROP TABLE authors CASCADE", "DROP TYPE floats CASCADE", "CREATE TABLE new (a int)"):
        making(place, damage, "UPDATE pairs SET c = 4", "SELECT nextval('plain')")
        assert content(place) != before
        done = restored(place, backup)
        assert (done and done.notes, content(place)) == ((), before)


def test_an_undo_takes_a_run_back_and_another_undo_the_first(made: Callable[..., str], tmp_path: Path) -> None:
    database = made(ROWS)
    before = whole(database)
    upgraded()
    after = whole(database)
    asked = archmig("undo", "-e", "app", "--dry-run")
    assert (asked.code, whole(database)) == (1, after)
    assert "1 row of table posts" in asked.out, asked.out
    assert "5 values of column users.email" in asked.out
    for state in (before, after, before):
        done = archmig("undo", "-e", "app", "--yes")
        assert (done.code, whole(database)) == (0, state), done.out + done.err
    assert archmig("status", "app").code == 0
    entries = json.loads(archmig("log", "--json").out)["entries"]
    assert [entry["action"] for entry in entries].count("undo") == 3
    assert len(backups(tmp_path)) == 4


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("INSERT INTO keyless VALUES ('new', 1)", "table keyless: has 5 rows, had 4"),
        ("UPDATE users SET name = 'other' WHERE id = 2", "table users: other values in its 5 rows"),
        ("CREATE TABLE new (a int)", "table new: is new"),
        ("DROP VIEW sad", "view sad: is gone"),
        ("GRANT SELECT ON users TO PUBLIC", "table users: is defined differently"),
        ("SELECT nextval('users_id_seq')", "users_id_seq"),
    ],
)
def test_what_others_wrote_since_stops_an_undo(made: Callable[..., str], statement: str, said: str) -> None:
    database = made(ROWS)
    upgraded()
    run(database, statement)
    state = whole(database)
    done = archmig("undo", "-e", "app", "--yes")
    assert (done.code, whole(database)) == (1, state), done.out + done.err
    assert said in done.out


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["UPDATE users SET name = 'other' WHERE id = 2"], "table users: may have been written after the backup"),
        (
            ["DELETE FROM users WHERE id = 2", "INSERT INTO users (id, name) VALUES (2, 'user 2')"],
            "table users: may have been written",
        ),
        (["INSERT INTO posts (body) VALUES ('app')"], "table posts: may have been written after the backup"),
        (
            ["DELETE FROM posts WHERE id = 2", "INSERT INTO posts (body) VALUES ('app')"],
            "table posts: may have been written",
        ),
        (["INSERT INTO keyless VALUES ('app', 1)"], "table keyless: has 5 rows, had 4"),
        (["CREATE TABLE new (a int)"], "the schema: may have been written after the backup"),
    ],
)
def test_what_others_wrote_between_the_backup_and_the_run_stops_an_undo(
    made: Callable[..., str], monkeypatch: pytest.MonkeyPatch, statements: list[str], said: str
) -> None:
    database, keep = made(ROWS), postgresql_keeper.keep
    monkeypatch.setattr(
        postgresql_keeper, "keep", lambda *of, **named: (run(database, *statements), keep(*of, **named))
    )
    upgraded()
    state = whole(database)
    done = archmig("undo", "-e", "app", "--yes")
    assert (done.code, whole(database)) == (1, state), done.out + done.err
    assert said in done.out


def test_a_transaction_that_was_open_at_the_dump_is_not_overlooked(
    made: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of its savepoint looks as if the dump had seen it."""
    database, keep = made(ROWS), postgresql_keeper.keep
    with connected(database) as application:
        application.execute("BEGIN")
        application.execute("UPDATE keyless SET b = b")
        application.execute("SAVEPOINT s")
        application.execute("UPDATE users SET name = 'other' WHERE id = 2")
        monkeypatch.setattr(postgresql_keeper, "keep", lambda *of: (application.execute("COMMIT"), keep(*of)))
        upgraded()
    done = archmig("undo", "-e", "app", "--yes")
    assert (done.code, "table users: may have been written after the backup" in done.out) == (1, True), (
        done.out + done.err
    )


def test_a_revision_with_savepoints_can_be_undone(made: Callable[..., str], tmp_path: Path) -> None:
    database = made(ROWS)
    before = whole(database)
    revision = tmp_path / "chain" / "versions" / "b2.py"
    inside = (
        "    with op.get_bind().begin_nested():\n        op.execute(\"INSERT INTO keyless VALUES ('nested', 1)\")\n"
    )
    revision.write_text(revision.read_text() + inside)
    upgraded()
    done = archmig("undo", "-e", "app", "--yes")
    assert (done.code, whole(database)) == (0, before), done.out + done.err


LABELS = {
    **REVISIONS,
    "c3": "def upgrade():\n    op.execute(\"ALTER TYPE mood ADD VALUE 'best'\")\n",
    "d4": """def upgrade():
    op.execute("UPDATE users SET feels = 'best' WHERE id = 1; INSERT INTO kinds VALUES ('new')")
""",
}


def test_a_run_in_segments_is_undone_as_a_whole(made: Callable[..., str]) -> None:
    database = made(ROWS, revisions=LABELS)
    before = whole(database)
    upgraded()
    assert run(database, "SELECT feels FROM users WHERE id = 1") == [("best",)]
    done = archmig("undo", "-e", "app", "--yes")
    assert (done.code, whole(database)) == (0, before), done.out + done.err


def test_what_a_stopped_run_has_committed_is_undone(made: Callable[..., str]) -> None:
    fails = LABELS["d4"] + "    op.execute('SELECT 1 / (SELECT count(*) - 5 FROM users)')\n"
    database = made(ROWS, revisions={**LABELS, "d4": fails})
    before = whole(database)
    assert archmig("upgrade", "-e", "app", "--yes").code == 2
    assert whole(database) != before
    done = archmig("undo", "-e", "app", "--yes")
    assert (done.code, whole(database)) == (0, before), done.out + done.err


LEAVES = {
    **REVISIONS,
    "c3": """def upgrade():
    op.execute("UPDATE users SET feels = 'sad' WHERE id = 1")
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY ix_email ON users (email)")
    op.execute("UPDATE users SET feels = 'sad' WHERE id = 2")
""",
}


def test_a_run_with_a_revision_that_leaves_the_transaction_is_undone(made: Callable[..., str]) -> None:
    database = made(ROWS, revisions=LEAVES)
    before = whole(database)
    upgraded()
    assert run(database, "SELECT count(*) FROM users WHERE feels = 'sad'") == [(2,)]
    done = archmig("undo", "-e", "app", "--yes")
    assert (done.code, whole(database)) == (0, before), done.out + done.err


def test_what_others_wrote_between_two_segments_stops_an_undo(
    made: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, keep, times = made(ROWS, revisions=LABELS), postgresql_keeper.keep, iter(range(9))
    write = ("UPDATE users SET name = 'other' WHERE id = 2",)
    monkeypatch.setattr(
        postgresql_keeper, "keep", lambda *of: (run(database, *write if next(times) else ()), keep(*of))
    )
    upgraded()
    done = archmig("undo", "-e", "app", "--yes")
    assert done.code == 1, done.out + done.err
    assert "table users: may have been written after the backup" in done.out


def test_a_restore_says_what_is_lost_and_keeps_it(made: Callable[..., str], tmp_path: Path) -> None:
    database = made(ROWS, "CREATE SCHEMA apart", "CREATE TABLE apart.t AS SELECT 1 AS a")
    assert archmig("backup", "create", "-e", "app").code == 0
    before = whole(database)
    run(
        database,
        "INSERT INTO users (name) VALUES ('new')",
        "UPDATE users SET name = 'other' WHERE id = 2",
        "DELETE FROM posts WHERE id = 1",
        "DELETE FROM keyless WHERE b = 1",
        "CREATE TABLE more AS SELECT 1 AS a",
        "CREATE VIEW seen AS SELECT * FROM more",
        "DROP VIEW sad",
    )
    since = whole(database)
    done = archmig("backup", "restore", "-e", "app", "--dry-run")
    assert (done.code, whole(database)) == (1, since)
    for line in (
        *("1 row of table users", "other values in the backup: 1 row of table users", "goes: table more, view seen"),
        *(
            "1 row of table more, which the backup does not have",
            "comes back: 2 rows of table keyless, 1 row of table posts",
        ),
    ):
        assert line in done.out, done.out
    assert archmig("backup", "restore", "-e", "app", "--yes").code == 0
    assert whole(database) == before
    _, kept = backups(tmp_path)
    assert archmig("backup", "restore", kept.name, "-e", "app", "--yes").code == 0
    assert whole(database) == since
    assert archmig("backup", "restore", kept.name, "-e", "app", "--yes").out.startswith("app: nothing to do")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("CREATE VIEW apart.v AS SELECT name FROM users", "view apart.v"),
        ("CREATE TABLE apart.t (u int REFERENCES users)", "constraint t_u_fkey on table apart.t"),
        ("CREATE TABLE apart.t (m mood)", "column m of table apart.t"),
        ("CREATE PUBLICATION told FOR TABLE users", "publication of table users"),
        ("CREATE CAST (mood AS date) WITH FUNCTION to_date(mood)", "cast from mood to date"),
        ("CREATE TABLE apart.t () INHERITS (keyless)", "table apart.t"),
    ],
)
def test_what_depends_on_the_schema_from_outside_stops_a_restore(
    made: Callable[..., str], statement: str, said: str
) -> None:
    function = "CREATE FUNCTION to_date(mood) RETURNS date LANGUAGE sql AS $$ SELECT date '2024-01-01' $$"
    database = made(ROWS, "CREATE SCHEMA apart", function)
    assert archmig("backup", "create", "-e", "app").code == 0
    run(database, statement, "INSERT INTO users (name) VALUES ('new')")
    state = whole(database)
    done = archmig("backup", "restore", "-e", "app", "--yes")
    assert (done.code, whole(database)) == (2, state)
    assert f"depend on the schema: {said}" in done.err or said in done.err, done.err
    assert "nothing was changed" in done.err


def test_what_cannot_be_brought_back_is_named(made: Callable[..., str]) -> None:
    database = made(
        ROWS, "DROP ROLE IF EXISTS gone_owner, gone_reader", "CREATE ROLE gone_owner", "CREATE ROLE gone_reader"
    )
    run(database, "ALTER TABLE keyless OWNER TO gone_owner", "GRANT SELECT ON users TO gone_reader")
    assert archmig("backup", "create", "-e", "app").code == 0
    run(database, "REASSIGN OWNED BY gone_owner TO CURRENT_USER", "DROP OWNED BY gone_reader")
    run(database, "DROP ROLE gone_owner, gone_reader")
    done = archmig("backup", "restore", "-e", "app", "--yes")
    assert done.code == 0, done.err
    assert (
        'not brought back: ALTER TABLE public.keyless OWNER TO gone_owner (role "gone_owner" does not exist)'
        in done.err
    )
    assert "not brought back: GRANT SELECT ON TABLE public.users TO gone_reader" in done.err
    assert "owner, grants, options or comments are not as they were: table keyless, table users" in done.err
    assert run(database, "SELECT count(*) FROM keyless") == [(4,)]


def test_a_reader_that_is_in_the_way_is_named(made: Callable[..., str], tmp_path: Path) -> None:
    database = made(ROWS)
    upgraded()
    more(tmp_path, "lock_timeout = 0.3\n")
    state = whole(database)
    with connected(database) as reader:
        reader.execute("SET application_name = 'report'")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM users")
        done = archmig("undo", "-e", "app", "--yes")
    assert (done.code, whole(database)) == (2, state)
    assert "(open in report (process " in done.err, done.err


def _undo() -> None:
    os._exit(archmig("undo", "-e", "app", "--yes").code)


@pytest.mark.parametrize("victim", ["client", "server's process", "pg_restore"])
def test_a_killed_restore_leaves_all_or_nothing(made: Callable[..., str], tmp_path: Path, victim: str) -> None:
    """Kills at random moments, of the process of archmig, of its process on the server, or of pg_restore."""
    database = made(ROWS, "INSERT INTO keyless SELECT 'x', i FROM generate_series(1, 20000) i")
    upgraded()
    states, chance = [whole(database)], random.Random(victim)
    began = time.monotonic()
    assert archmig("undo", "-e", "app", "--yes").code == 0
    seconds = time.monotonic() - began
    states.append(whole(database))
    for _ in range(KILLS):
        process = multiprocessing.get_context("fork").Process(target=_undo)
        process.start()
        process.join(chance.uniform(0.1, 1.1) * seconds)
        _kill(victim, process.pid, database)
        process.join()
        with connected(database) as connection:  # waits for what is left of the restore
            connection.execute("SELECT pg_advisory_lock(1634886504, hashtext('public'))")
        assert whole(database) in states
        assert archmig("backup", "verify").code == 0
        done = archmig("undo", "-e", "app", "--yes")
        assert (done.code, whole(database) in states) == (0, True), done.out + done.err


def _kill(victim: str, pid: int | None, database: str) -> None:
    match victim:
        case "client":
            with suppress(ProcessLookupError):
                os.kill(pid or 0, signal.SIGKILL)
        case "pg_restore":
            for children in Path(f"/proc/{pid}").glob("task/*/children"):
                for child in children.read_text().split():
                    with suppress(ProcessLookupError):
                        os.kill(int(child), signal.SIGKILL)
        case _:
            its = "datname = 'archived' AND application_name LIKE 'archmig process %'"
            run(database, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {its}")


def test_an_archive_without_its_record_is_not_restored(made: Callable[..., str], tmp_path: Path) -> None:
    database = made(ROWS)
    assert archmig("backup", "create", "-e", "app").code == 0
    (archive,) = backups(tmp_path)
    archive.with_name(f"{archive.name}.json").unlink()
    run(database, "DELETE FROM keyless")
    done = archmig("backup", "restore", "-e", "app", "--yes")
    assert (done.code, run(database, "SELECT count(*) FROM keyless")) == (2, [(0,)])
    assert "it has no record beside it" in done.err


def test_an_older_pg_restore_is_refused_with_the_next_step(
    made: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = made(ROWS)
    upgraded()
    state, (_, folder) = whole(database), newest_clients() or (0, Path())
    monkeypatch.setattr(archives, "newest_clients", lambda: (14, folder))
    done = archmig("undo", "-e", "app", "--yes")
    assert (done.code, whole(database)) == (2, state)
    assert "the newest pg_restore that is installed is 14; nothing was changed: install that of PostgreSQL" in done.err
    monkeypatch.setattr(archives, "newest_clients", lambda: None)
    assert "pg_restore is not installed; nothing was" in archmig("backup", "restore", "-e", "app", "--yes").err


def test_an_archive_that_pg_restore_is_too_old_for_is_refused(
    made: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = clients(15)
    if folder is None or folder == clients(18):
        pytest.skip("no older pg_restore is installed")
    made(ROWS)
    assert archmig("backup", "create", "-e", "app").code == 0
    with monkeypatch.context() as older:
        older.setattr(archives, "newest_clients", lambda: (15, folder))
        done = archmig("backup", "verify")
        assert (done.code, "pg_restore of PostgreSQL 15 cannot read it: " in done.err) == (2, True), done.out + done.err
        assert "unsupported version" in archmig("backup", "restore", "-e", "app", "--yes").err
    # What a program cannot read is not damaged.
    assert archmig("backup", "verify", "-e", "app").code == 0


def test_an_archive_of_a_newer_server_is_refused(url_of: Callable[[int | None], str], tmp_path: Path) -> None:
    older, newer = Served(url_of(15)), Served(url_of(18))
    places = older.new(), newer.new()
    try:
        for each in places:
            making(each, "CREATE TABLE t (a int)")
        backup = keeper.take(places[1], tmp_path, "app")
        with pytest.raises(RestoreError, match="it comes from a PostgreSQL 18 server, and this one is PostgreSQL 15"):
            restored(places[0], backup)
        backup = keeper.take(places[0], tmp_path, "app")
        done = restored(places[1], backup)
        assert done
        assert done.notes == ("definitions were not compared: PostgreSQL 18 writes them differently from 15",)
    finally:
        older.drop()
        newer.drop()


def test_another_schema_is_not_restored_into(place: DatabaseUrl, tmp_path: Path) -> None:
    making(place, "CREATE TABLE t (a int)", "CREATE SCHEMA other", "CREATE TABLE other.t (a int)")
    backup = keeper.take(parse_url(f"{place.raw}&options=-csearch_path%3Dother"), tmp_path, "app")
    with pytest.raises(RestoreError, match="it has another schema than public"):
        restored(place, backup)


def test_letters_of_another_encoding_are_compared_and_restored(url: str, tmp_path: Path) -> None:
    name = "in_latin"
    with connected(url) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    place = parse_url(database_at(url, name))
    try:
        making(place, 'CREATE TABLE "Größe" ("für" text)', "INSERT INTO \"Größe\" VALUES ('à')")
        before, backup = content(place), keeper.take(place, tmp_path, "app")
        making(place, 'DELETE FROM "Größe"')
        restored(place, backup)
        assert content(place) == before
    finally:
        with connected(url) as server:
            server.execute(f"DROP DATABASE {name}")


def test_members_of_extensions_stay(place: DatabaseUrl, tmp_path: Path) -> None:
    with connected(place.raw) as connection:
        needs_extension(connection, "citext")
    making(place, "CREATE EXTENSION citext", "CREATE TABLE t (a citext)", "INSERT INTO t VALUES ('A')")
    before, backup = content(place), keeper.take(place, tmp_path, "app")
    making(place, "INSERT INTO t VALUES ('B')")
    restored(place, backup)
    assert content(place) == before
    assert run(place.raw, "SELECT count(*) FROM t WHERE a = 'a'") == [(1,)]


def test_prune_removes_archives_that_hold_nothing_of_their_own(made: Callable[..., str], tmp_path: Path) -> None:
    database = made(ROWS)
    for statement in ("SELECT 1", "UPDATE users SET name = 'other' WHERE id = 2", "SELECT 1", "SELECT 1"):
        assert archmig("backup", "create", "-e", "app").code == 0
        run(database, statement)
    more(tmp_path, "[backup]\nkeep = 1\n")
    first, second, third, last = backups(tmp_path)
    shown = archmig("backup", "prune", "--dry-run")
    assert "nothing else has 1 of its rows of table users" in shown.out, shown.out
    assert archmig("backup", "prune").code == 0
    # Only the first two have the old name, and one of them is left.
    assert backups(tmp_path) == [first, last], (second, third)
